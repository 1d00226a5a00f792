"""How far black and white of a photograph have come together: whether it has faded, and its ends."""

from typing import NamedTuple

import numpy as np

from agerestore.images.pixels import Pixels, luminance, shrink_to

SIDE = 512  # pixels along the longer side at which the signs of fading are measured
MARGIN = 20  # this part of each side is left out: borders, and what a scanner sees around a print
LEAST_RANGE = 4.0  # gray levels; less is an empty image
EXTREME = 0.5  # percent of the pixels beyond each end
# Log odds that a photograph has faded, by logistic regression on 412 photographs as they were and faded: of the
# brightness of black, the darkness of white (by night there is black, and the darkness says nothing), the smaller of
# both, and of how far black and white spread: a scene without black, as in mist, has few pixels near its darkest, a
# faded print many.
SIGNS = (20.0, 7.0, 18.0, -19.0, -5.5)
CONSTANT = -3.7
NIGHT = 3.0  # times the brightness of black; white that is darker than that by night counts no more
PALEST = 0.5  # of white; where black is lighter all is meant to be light


class Ends(NamedTuple):
    """What black and white have become, of white."""

    black: float
    white: float


def fading(pixels: Pixels) -> float:
    """Log odds that an image has faded; above 0 it rather has.

    Black and white are those of all channels together: the darkest of sepia is brown, and its blue is still black.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
    """
    import cv2  # only here: 0.2 s that reading a file need not pay

    small = np.ascontiguousarray(_inner(shrink_to(pixels, SIDE)), np.float32) / 255
    levels = cv2.blur(small, (3, 3))
    darkest, black, dark, light, white, lightest = np.percentile(levels, (0.1, EXTREME, 2, 98, 100 - EXTREME, 99.9))
    extent = lightest - darkest
    if extent < LEAST_RANGE / 255 or black > PALEST:
        return -np.inf
    spreads = (dark - darkest) / extent, (lightest - light) / extent
    signs = (black, min(1 - white, NIGHT * black), min(black, 1 - white), *spreads)
    return float(np.dot(SIGNS, signs) + CONSTANT)


def ends(pixels: Pixels, one_tone: bool) -> Ends:
    """Black and white of (H, W, 1 or 3), uint8 or float32 from 0 to 255.

    Those of the brightness, where an image has one tone; else of all channels together, so that none leaves the range.
    """
    inner = _inner(pixels).astype(np.float32) / 255
    return Ends(*np.percentile(luminance(inner) if one_tone else inner, (EXTREME, 100 - EXTREME)).tolist())


def _inner(pixels: Pixels) -> Pixels:
    rows, columns = (length // MARGIN for length in pixels.shape[:2])
    return pixels[rows : pixels.shape[0] - rows, columns : pixels.shape[1] - columns]
