"""What a training run is made of; `train` runs it."""
