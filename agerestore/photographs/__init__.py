"""Photographs of any size: what is seen of the whole, the networks tile by tile, and the tones of faded prints."""
