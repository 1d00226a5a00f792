"""Shipped weights of agerestore (installed as ``agerestore_pretrained``): data only."""
