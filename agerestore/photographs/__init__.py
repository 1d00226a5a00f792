"""Photographs of any size: what is seen of the whole, and the networks on it tile by tile."""
