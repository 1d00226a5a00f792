"""Operations on pixel arrays: bit depth, subsampling, luminance and the DCT of 8 x 8 blocks."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[Any]  # (H, W, C), uint8 or float32 from 0 to 255; uint16 where a function says so
Floats = NDArray[np.floating[Any]]
Samples = NDArray[np.unsignedinteger[Any]]  # (H, W, S) uint8 or uint16, as a file stores them

BLOCK = 8  # pixels a side of a block of JPEG
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, of red, green and blue


@cache
def dct_matrix() -> Floats:
    """Return the orthonormal DCT-II of 8 samples, (8, 8) float32."""
    frequency, place = np.indices((BLOCK, BLOCK))
    matrix = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * BLOCK))
    matrix[0] /= np.sqrt(2)
    rounded: Floats = matrix.astype(np.float32)
    return rounded


def on_8_bit_scale(pixels: Pixels) -> Pixels:
    """Return uint8 as it is, and uint16 as float32 from 0 to 255."""
    return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32) / np.float32(257)


def in_8_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """Round uint8 or uint16 to uint8."""
    return np.rint(on_8_bit_scale(pixels)).astype(np.uint8)


def of_tensor(images: "Tensor") -> NDArray[np.uint8]:
    """Turn images (N, C, H, W) in [0, 1], clipped, into pixels (N, H, W, C)."""
    pixels: NDArray[np.uint8] = (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def a_megapixel(pixels: Pixels) -> Pixels:
    """Return about a million pixels on a regular grid of an image (H, W, C); all of a smaller one."""
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / 1e6) ** 0.5))
    return pixels[::step, ::step]


def nine_tiles(pixels: Pixels, side: int = 512) -> list[Pixels]:
    """Return (H, W, C) as it is, or of more than 2 megapixels nine tiles of `side` pixels on a regular grid."""
    height, width = pixels.shape[:2]
    if height * width <= 2_000_000:
        return [pixels]
    tops, lefts = (np.linspace(0, max(length - side, 0), 3).astype(int) for length in (height, width))
    return [pixels[top : top + side, left : left + side] for top in tops for left in lefts]


def shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Area-average (H, W, C) of any dtype to (h, w, C); `size` is (h, w), no larger than the image."""
    import cv2  # only here: 0.2 s that reading a file need not pay

    return cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_AREA).reshape(*size, -1)


def shrink_to(pixels: Pixels, side: int) -> Pixels:
    """Area-average (H, W, C) so that the longer side has no more than ``side`` pixels."""
    scale = min(1.0, side / max(pixels.shape[:2]))
    height, width = (max(round(scale * length), 1) for length in pixels.shape[:2])
    return pixels if scale == 1 else shrink(pixels, (height, width))


def luminance(pixels: Pixels) -> Floats:
    """Return the luma (ITU-R BT.601, the Y of JPEG) of (H, W, 1 or 3): (H, W) float32 in the range of the pixels."""
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.float32)
    weighed: Floats = pixels.astype(np.float32) @ np.array(LUMA, np.float32)
    return weighed
