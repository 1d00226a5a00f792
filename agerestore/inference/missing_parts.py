"""Missing parts of prints: what a torn edge cuts off at the border of an image, such as a corner.

A detector finds the edge alone, for inside a missing part there is nothing to see: it shows the even background of the
scan, in another color than what is on the other side of the edge. A crack across a sky has the sky on both sides.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Floats, Pixels
from agerestore.inference.tiling import Box, expand

Plane = NDArray[np.uint8]

SIDE = 1024  # pixels of the longer side, at most, at which parts are looked for
GAP = 4  # pixels at that size; edges with gaps up to twice as long are closed
BEYOND = 24  # pixels at that size, from a part to what is on the other side of its edge, at most
LEAST = 50  # pixels at that size; smaller parts are left to the detector
MOST = 0.1  # share of the image; a larger part is not missing
EVEN = 6.0  # gray levels: standard deviation inside a part, at most, of each color
CONTRAST = 16.0  # gray levels between its mean and that on the other side, at least, of one color


def find_missing_parts(probability: Plane, pixels: Pixels, levels: Sequence[float]) -> Plane:
    """The probability that pixels are missing.

    Args:
        probability: (H, W), that of a defect; 255 is 1.
        pixels: (H, W, C) with white at 255.
        levels: probabilities of an edge. A part gets the highest at which edge and border enclose it, so that masks at
            two thresholds are nested.

    Returns:
        (H, W); 255 is 1, and 0 outside of missing parts.
    """
    scale = min(1.0, SIDE / max(probability.shape))
    size = tuple(max(1, round(side * scale)) for side in probability.shape[::-1])
    thick = cv2.dilate(probability, np.ones((round(1 / scale),) * 2, np.uint8))  # so that no thin edge is lost
    edges = cv2.resize(thick, size, interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).reshape(*edges.shape, -1).astype(np.float32)
    missing = np.zeros_like(edges)
    for level in sorted(levels):
        for box, part in _missing(edges >= 255 * level, small):
            missing[box.slices][part] = np.ceil(255 * level)
    return np.asarray(cv2.resize(missing, probability.shape[::-1], interpolation=cv2.INTER_NEAREST))


def dilate(marks: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Marks (H, W) and all within ``radius`` pixels of them."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(marks.astype(np.uint8), disc) > 0)


def _missing(edge: NDArray[np.bool_], pixels: Floats) -> Iterator[tuple[Box, NDArray[np.bool_]]]:
    """The parts, with their edge and up to the border of the image, that look like missing ones, each in its box."""
    framed = edge.copy()
    framed[[0, -1]] = framed[:, [0, -1]] = True
    free = (~dilate(framed, GAP)).astype(np.uint8)
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    for number, (left, top, width, height, area) in enumerate(statistics):
        if number == 0 or not LEAST <= area <= MOST * edge.size:
            continue
        box = expand(Box(top, left, top + height, left + width), Box(0, 0, *edge.shape), BEYOND, 1)
        part, colors = parts[box.slices] == number, pixels[box.slices]
        beyond = dilate(part, BEYOND) & (parts[box.slices] > 0) & ~part
        if beyond.any() and colors[part].std(axis=0).max() <= EVEN and _contrast(colors, part, beyond) >= CONTRAST:
            yield box, dilate(part, 2 * GAP) & ~dilate(beyond, GAP)


def _contrast(colors: Floats, part: NDArray[np.bool_], beyond: NDArray[np.bool_]) -> float:
    return float(abs(colors[part].mean(axis=0) - colors[beyond].mean(axis=0)).max())
