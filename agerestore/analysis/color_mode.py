"""Color mode: whether an image is gray, sepia or color."""

import math

import numpy as np

from agerestore.images.pixels import Floats, Pixels

GRAY_CHROMA = 5.0  # rms distance between channels; color photographs start at 9, faded ones at 6
SEPIA_RESIDUAL = 0.13  # largest fraction of the chroma that the luminance does not explain
SEPIA_MIN_RESIDUAL = 1.5  # gray levels, what JPEG compression alone leaves
SEPIA_CHROMA = 70.0  # gray levels; a single hue stronger than that is a colored object
SEPIA_HUES = (0.3, 1.1)  # (red - green) / (green - blue): hues of 46 to 29 degrees


def color_mode(pixels: Pixels) -> str:
    """Classify an image as "gray", "sepia" (one warm tint that is a function of the luminance) or "color".

    The chroma is measured on cell medians, 24 cells along the longer side. Each cell has two medians, of its even and
    of its odd pixels, and their product stands for the square: independent noise in the channels cancels.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
    """
    if pixels.shape[2] == 1:
        return "gray"
    even, odd = _cells(pixels)
    first, second = (_chroma(cells) for cells in (even, odd))
    chroma = _rms(first, second)
    if chroma < GRAY_CHROMA:
        return "gray"
    level = (even + odd).mean(axis=1) / 510
    powers = np.stack([np.ones_like(level), level, level**2], axis=1)
    curve = powers @ np.linalg.lstsq(powers, (first + second) / 2, rcond=None)[0]
    follows = _rms(first - curve, second - curve) < max(SEPIA_RESIDUAL * chroma, SEPIA_MIN_RESIDUAL)
    red_green, blue_green = ((first + second) / 2).mean(axis=0)
    warm = blue_green < 0 and SEPIA_HUES[0] <= red_green / -blue_green <= SEPIA_HUES[1]
    return "sepia" if follows and warm and chroma < SEPIA_CHROMA else "color"


def _cells(pixels: Pixels) -> tuple[Floats, Floats]:
    """Return the medians (N, 3) of the even and of the odd pixels of square cells."""
    step = max(1, max(pixels.shape[:2]) // 576)  # subsample large images
    few = pixels[::step, ::step].astype(np.float32)
    side = max(2, round(max(few.shape[:2]) / 24) // 2 * 2)
    rows, columns = (max(length // side, 1) for length in few.shape[:2])
    few = np.pad(few, [(0, max(side - length, 0)) for length in few.shape[:2]] + [(0, 0)], "edge")
    cells = few[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    cells = cells.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)
    is_even = np.indices((side, side)).sum(axis=0) % 2 == 0
    return np.median(cells[:, is_even], axis=1), np.median(cells[:, ~is_even], axis=1)


def _chroma(cells: Floats) -> Floats:
    """Return red and blue minus green, (N, 2)."""
    return cells[:, [0, 2]] - cells[:, [1]]


def _rms(first: Floats, second: Floats) -> float:
    """Root mean square of a chroma (N, 2) from two independent estimates of it."""
    return math.sqrt(max(float((first * second).sum(axis=1).mean()), 0.0))
