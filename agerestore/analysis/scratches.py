"""Long thin lines in a picture, as scratches are."""

from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Pixels

LINE_CONTRAST = 30  # gray levels above or below what surrounds a line
LINE_WIDTH = 5.0
LINE_LENGTH = 0.05  # of the longer side,
LEAST_LENGTH = 30  # but at least so many pixels
NEAR_WHITE, NEAR_BLACK = 215, 40
LINE_BEND = 0.06  # width of the straight rectangle that holds it, of its length
LINE_SPREAD = 12.0  # gray levels within one line


def line_share(pixels: Pixels) -> float:
    """Share of the pixels in long, thin, straight lines of even near-white or near-black tone, as scratches are.

    What a closing or opening by a small square takes away (top-hat; Soille, "Morphological image analysis", 2003),
    then only connected parts that are long and narrow. Wires, masts and twigs are such, too. Specks of dust are not
    counted: they do not differ from the details of a photograph.
    """
    scale = min(1.0, 2000 / max(pixels.shape[:2]))
    whole: NDArray[Any] = pixels.astype(np.uint8, copy=False)
    if scale < 1:
        whole = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    channels = cv2.split(whole)
    lowest, highest = reduce(cv2.min, channels), reduce(cv2.max, channels)
    plane: NDArray[Any] = cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY) if len(channels) == 3 else channels[0]
    square = np.ones((7, 7), np.uint8)
    bright = cv2.subtract(plane, cv2.morphologyEx(plane, cv2.MORPH_OPEN, square)) > LINE_CONTRAST
    dark = cv2.subtract(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, square), plane) > LINE_CONTRAST
    marks = (bright & (lowest >= NEAR_WHITE), dark & (highest <= NEAR_BLACK))
    return sum(_line_pixels(mark, plane) for mark in marks) / plane.size


def _line_pixels(mark: NDArray[np.bool_], plane: NDArray[Any]) -> int:
    """How many pixels of a mask (H, W) are in connected parts that are lines."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mark.astype(np.uint8), connectivity=8)
    shortest = max(LINE_LENGTH * max(plane.shape), LEAST_LENGTH)
    long = np.flatnonzero(np.hypot(boxes[:, 2], boxes[:, 3]) >= shortest)
    total = 0
    for label in long[long > 0]:  # 0 is the background
        left, top, width, height, area = boxes[label]
        inside = (slice(top, top + height), slice(left, left + width))
        here = labels[inside] == label
        if _is_line(np.stack(np.nonzero(here)), shortest) and plane[inside][here].std() <= LINE_SPREAD:
            total += int(area)
    return total


def _is_line(places: NDArray[np.intp], shortest: float) -> bool:
    """Whether pixels (2, N) make a line: sides of the rectangle with the same second moments, area by length."""
    across, along = np.sqrt(12 * np.maximum(np.linalg.eigvalsh(np.cov(places)), 0.08))
    thickness = places.shape[1] / along
    return bool(along >= shortest and across <= max(LINE_WIDTH, LINE_BEND * along) and 0.7 <= thickness <= LINE_WIDTH)
