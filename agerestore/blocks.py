"""Pixels as the estimators see them: planes of luminance, blocks of 8x8 and their frequencies."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]  # (H, W, 1 or 3), uint8 or float32, 0..255
Floats = NDArray[np.floating[Any]]

BLOCK = 8


@cache
def dct_matrix() -> Floats:
    """The orthonormal DCT-II of 8 samples, (8, 8)."""
    frequency, place = np.indices((BLOCK, BLOCK))
    matrix = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * BLOCK))
    matrix[0] /= np.sqrt(2)
    rounded: Floats = matrix.astype(np.float32)
    return rounded


def luminance(pixels: Pixels) -> Floats:
    """The Y of JPEG (ITU-R BT.601), (H, W) float32, 0..255."""
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.float32)
    weighed: Floats = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return weighed
