"""Pixels as `diagnosis` sees them: 8 bits, planes of luminance, blocks of 8x8 and their frequencies."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]  # (H, W, C), uint8 or float32 from 0 to 255; only where said uint16
Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.unsignedinteger[Any]]  # (H, W, S) uint8 or uint16, as a file stores them

BLOCK = 8
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, of red, green and blue


@cache
def dct_matrix() -> Floats:
    """The orthonormal DCT-II of 8 samples, (8, 8)."""
    frequency, place = np.indices((BLOCK, BLOCK))
    matrix = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * BLOCK))
    matrix[0] /= np.sqrt(2)
    rounded: Floats = matrix.astype(np.float32)
    return rounded


def on_8_bit_scale(pixels: Pixels) -> Pixels:
    """Samples of 8 bits as they are, those of 16 as float32 from 0 to 255."""
    return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32) / np.float32(257)


def in_8_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """Samples of 8 or 16 bits, rounded to 8."""
    return np.rint(on_8_bit_scale(pixels)).astype(np.uint8)


def a_megapixel(pixels: Pixels) -> Pixels:
    """Pixels spread evenly over a picture, about a million; all of a smaller one."""
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / 1e6) ** 0.5))
    return pixels[::step, ::step]


def shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Area-average (H, W, C) of any dtype to (h, w, C); `size` is (h, w), no larger than the image."""
    import cv2  # only here: 0.2 s that reading a file need not pay

    return cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_AREA).reshape(*size, -1)


def luminance(pixels: Pixels) -> Floats:
    """The Y of JPEG (ITU-R BT.601); (H, W) float32, 0..255 or the range of the pixels."""
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.float32)
    weighed: Floats = pixels.astype(np.float32) @ np.array(LUMA, np.float32)
    return weighed
