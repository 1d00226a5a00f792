"""Salt-and-pepper noise: the fraction of the pixels that turned black or white."""

from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Pixels, nine_tiles

MIN_CONTRAST = 40  # gray levels between black or white and the median around it
MAX_CLUSTERING = 1.5  # how many times as often as by chance a pixel may have one of its kind at its right, or below
MIN_VISIBLE = 0.05  # fraction of the pixels at which black (or white) would be seen
LEAST_CLUSTERING = 0.05  # how often it may in any case


def impulse_share(pixels: Pixels) -> float:
    """Estimate the fraction of the pixels that turned black or white at random places.

    Pixels of pure black and white are counted that differ from the median around them, as a fraction of those at which
    the difference would be seen. Strokes and lights are black and white, too, but next to each other; where pixels are
    so more often than by chance, none of their kind is counted. JPEG leaves hardly any pixel purely black or white.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.

    Returns:
        0 to 1.
    """
    tiles = nine_tiles(pixels)
    marks, places = [_extremes(tile) for tile in tiles], sum(tile[..., 0].size for tile in tiles)
    share = 0.0
    for kind in (0, 1):  # black, white
        marked, paired, visible = (sum(each[kind][count] for each in marks) for count in range(3))
        found = marked / max(visible, 1)
        enough = visible >= MIN_VISIBLE * places
        if enough and paired <= max(MAX_CLUSTERING * found, LEAST_CLUSTERING) * marked:
            share += found
    return share


def without_impulses(pixels: Pixels) -> Pixels:
    """Return the pixels, (H, W, 1 or 3) uint8 or float32, with the median around them in place of black and white."""
    eight = np.ascontiguousarray(pixels.astype(np.uint8, copy=False))
    darkest, lightest = _ends(eight)
    extreme = (lightest == 0) | (darkest == 255)
    median = cv2.medianBlur(eight, 5).reshape(pixels.shape)
    return np.where(extreme[..., None], median.astype(pixels.dtype), pixels)


def _extremes(pixels: Pixels) -> list[tuple[int, int, int]]:
    """Count, for black and for white, what differs from its surroundings, those with another next to them, and places.

    The places are all pixels at which black (or white) would differ.
    """
    darkest, lightest = _ends(np.ascontiguousarray(pixels.astype(np.uint8, copy=False)))
    counts = []
    for extreme, visible in (
        (lightest == 0, cv2.medianBlur(lightest, 5) >= MIN_CONTRAST),
        (darkest == 255, cv2.medianBlur(darkest, 5) <= 255 - MIN_CONTRAST),
    ):
        mark = extreme & visible
        pairs = max(np.count_nonzero(mark[:, 1:] & mark[:, :-1]), np.count_nonzero(mark[1:] & mark[:-1]))
        counts.append((int(np.count_nonzero(mark)), int(pairs), int(np.count_nonzero(visible))))
    return counts


def _ends(pixels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the smallest and the largest of the channels, (H, W) each."""
    channels = cv2.split(pixels)
    return reduce(cv2.min, channels), reduce(cv2.max, channels)
