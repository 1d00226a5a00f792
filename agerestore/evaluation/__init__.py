"""Models measured on images whose original is known, next to simpler methods."""
