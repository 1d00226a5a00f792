"""Scratches: long, thin, straight lines near white or near black."""

from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Pixels

MIN_CONTRAST = 30  # gray levels between a line and its surroundings
MAX_WIDTH = 5.0  # pixels
MIN_LENGTH = 0.05  # of the longer side
MIN_LENGTH_PIXELS = 30
NEAR_WHITE, NEAR_BLACK = 215, 40  # gray levels
MAX_BEND = 0.06  # width of the straight rectangle that holds a line, relative to its length
MAX_DEVIATION = 12.0  # standard deviation of the gray levels within a line


def scratch_share(pixels: Pixels) -> float:
    """Return the fraction of the pixels in long, thin, straight lines of even near-white or near-black tone.

    White and black top-hat by a 7 x 7 square (Soille, "Morphological image analysis", 2003), then the connected
    components that are long and narrow. Wires, masts and twigs count, too. Dust is not counted: specks do not differ
    from the details of a photograph.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.

    Returns:
        0 to 1.
    """
    scale = min(1.0, max(2000 / max(pixels.shape[:2]), 1 / min(pixels.shape[:2])))  # no side becomes 0
    whole: NDArray[Any] = pixels.astype(np.uint8, copy=False)
    if scale < 1:
        whole = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    channels = cv2.split(whole)
    lowest, highest = reduce(cv2.min, channels), reduce(cv2.max, channels)
    plane: NDArray[Any] = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY) if len(channels) == 3 else channels[0]
    square = np.ones((7, 7), np.uint8)
    bright = cv2.subtract(plane, cv2.morphologyEx(plane, cv2.MORPH_OPEN, square)) > MIN_CONTRAST
    dark = cv2.subtract(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, square), plane) > MIN_CONTRAST
    marks = (bright & (lowest >= NEAR_WHITE), dark & (highest <= NEAR_BLACK))
    return sum(_line_pixels(mark, plane) for mark in marks) / plane.size


def _line_pixels(mark: NDArray[np.bool_], plane: NDArray[Any]) -> int:
    """Count the pixels of a mask (H, W) in connected components that are lines."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mark.astype(np.uint8), connectivity=8)
    shortest = max(MIN_LENGTH * max(plane.shape), MIN_LENGTH_PIXELS)
    long = np.flatnonzero(np.hypot(boxes[:, 2], boxes[:, 3]) >= shortest)
    total = 0
    for label in long[long > 0]:  # 0 is the background
        left, top, width, height, area = boxes[label]
        inside = (slice(top, top + height), slice(left, left + width))
        here = labels[inside] == label
        if _is_line(np.stack(np.nonzero(here)), shortest) and plane[inside][here].std() <= MAX_DEVIATION:
            total += int(area)
    return total


def _is_line(places: NDArray[np.intp], shortest: float) -> bool:
    """Return whether pixels (2, N) form a line, by the rectangle with the same second moments and their mean width."""
    across, along = np.sqrt(12 * np.maximum(np.linalg.eigvalsh(np.cov(places)), 0.08))
    thickness = places.shape[1] / along
    return bool(along >= shortest and across <= max(MAX_WIDTH, MAX_BEND * along) and 0.7 <= thickness <= MAX_WIDTH)
