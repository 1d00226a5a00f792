"""Layers of encoders and generators."""
