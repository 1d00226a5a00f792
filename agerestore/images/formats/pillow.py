"""Pillow's process-wide limits, warnings and messages, set aside while one image is read or written."""

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

from PIL import Image, PngImagePlugin, _imaging

MAX_TEXT = 2**26  # bytes of a text or color profile of a PNG, uncompressed
_pillow_globals = threading.Lock()
logging.getLogger("PIL").addHandler(logging.NullHandler())  # or Python prints what it logs, where no program logs


@contextmanager
def relaxed_limits() -> Iterator[None]:
    """Lift Pillow's limits on pixels (`decode` checks its own) and on PNG texts, and silence its warnings on metadata.

    All three are settings of the whole process, so that one thread at a time may change them.
    """
    _silence_libtiff()
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        text, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = pixels, text


@cache
def _silence_libtiff() -> None:
    """Keep the libtiff that Pillow is linked with from printing to stderr; Pillow raises what goes wrong.

    Where the library cannot be found through Pillow's (it is built in on Windows), it goes on printing.
    """
    with suppress(OSError, AttributeError):
        handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        handler(None)
