"""Limits that options have as their defaults; the command imports them at once, so nothing else is here."""

MAX_PIXELS = 250_000_000  # default size limit of an image file, against decompression bombs
