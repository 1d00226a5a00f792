"""Training: from a configuration and clean images to weights; `loop.train` is `agerestore.train`."""
