"""Restoring, coloring and sampling with trained models."""
