"""Pillow's process-wide limits and warnings, set aside while one image is read or written."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, PngImagePlugin

MAX_TEXT = 2**26  # bytes of a text or color profile of a PNG, uncompressed
_pillow_globals = threading.Lock()


@contextmanager
def relaxed_limits() -> Iterator[None]:
    """Lift Pillow's limits on pixels (`decode` checks its own) and on PNG texts, and silence its warnings on metadata.

    All three are settings of the whole process, so that one thread at a time may change them.
    """
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        text, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = pixels, text
