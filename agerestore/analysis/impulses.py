"""Salt-and-pepper noise: the fraction of the pixels that turned black or white."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Pixels, a_megapixel

MIN_CONTRAST = 40  # gray levels between a pixel and the median around it
MAX_CLUSTERING = 3.0  # times as often as by chance may such a pixel have one of its kind at its right
MIN_SHARE = 0.0002  # fraction of the pixels; photographs have as many by themselves


def impulse_share(pixels: Pixels) -> float:
    """Estimate the fraction of the pixels that are black or white at random places, where their surroundings are not.

    Strokes and lights are black and white, too, but next to each other; impulses are so by chance only.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.

    Returns:
        0 to 1; 0 below `MIN_SHARE` and where such pixels cluster.
    """
    marks = impulses(pixels)
    share = sum(_share(mark, visible) for mark, visible in marks)
    return share if share >= MIN_SHARE else 0.0


def impulses(pixels: Pixels) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return for black and for white which pixels (H, W) are impulses, and which would be seen if they were."""
    eight = np.ascontiguousarray(pixels.astype(np.uint8, copy=False))
    plane = eight.max(axis=2), eight.min(axis=2)
    surroundings: list[NDArray[Any]] = [cv2.medianBlur(np.ascontiguousarray(each), 5) for each in plane]
    dark = surroundings[0] >= MIN_CONTRAST
    light = surroundings[1] <= 255 - MIN_CONTRAST
    return [((plane[0] == 0) & dark, dark), ((plane[1] == 255) & light, light)]


def _share(mark: NDArray[np.bool_], visible: NDArray[np.bool_]) -> float:
    """Return the fraction of the visible pixels that are marked; 0 if these cluster."""
    share = float(mark.sum()) / max(int(visible.sum()), 1)
    pairs = (mark[:, 1:] & mark[:, :-1]).sum() / max(int(mark.sum()), 1)
    return 0.0 if pairs > MAX_CLUSTERING * share + 0.02 else share / 1.0
