"""How blurred a picture is, told by its steepest edges."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Floats, Pixels, luminance

EDGES = 0.02  # share of the pixels with the steepest slopes
MOST_NOISE_FOR_BLUR = 15.0
BORDER = 8


def blur_sigma(pixels: Pixels, noise: float | None) -> float | None:
    """Standard deviation in pixels of the Gaussian that would blur a step as the picture's steepest edges are.

    At an edge of width sigma, blurring once more by s flattens the slope by sqrt((sigma^2 + s^2) / sigma^2) (Zhuo and
    Sim, "Defocus map estimation from a single image", 2011). Noise is smoothed away before and that smoothing taken
    off again. 0 for edges as sharp as pixels allow.

    Args:
        pixels: the picture.
        noise: its standard deviation; above `MOST_NOISE_FOR_BLUR` nothing is said.
    """
    noise = noise or 0.0
    if min(pixels.shape[:2]) < 64 or noise > MOST_NOISE_FOR_BLUR:
        return None
    smoothing = 0.7 + 0.1 * noise
    more = max(1.0, smoothing)
    ratios = np.concatenate([_slope_ratios(tile, smoothing, more) for tile in _tiles(pixels)])
    if len(ratios) < 20:
        return None
    ratio = float(np.median(ratios))
    slope_taking = 1 / 3  # variance of the two pixels' width over which a slope is taken
    variance = more**2 / (ratio**2 - 1) - smoothing**2 - slope_taking
    return math.sqrt(max(variance, 0.0))


def _tiles(pixels: Pixels) -> list[Floats]:
    """The luminance, or nine tiles of 512x512 spread over a large picture."""
    height, width = pixels.shape[:2]
    if height * width <= 2_000_000:
        return [luminance(pixels)]
    tops, lefts = (np.linspace(0, max(length - 512, 0), 3).astype(int) for length in (height, width))
    return [luminance(pixels[top : top + 512, left : left + 512]) for top in tops for left in lefts]


def _slope_ratios(plane: Floats, smoothing: float, more: float) -> Floats:
    """How much steeper the edges of a plane (H, W) are before more smoothing than after, (N,)."""
    before = _slope(cv2.GaussianBlur(plane, (0, 0), smoothing))
    after = _slope(cv2.GaussianBlur(plane, (0, 0), math.hypot(smoothing, more)))
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    ridge = before >= 0.999 * cv2.dilate(before, np.ones((3, 3), np.uint8))
    before, after, ridge = before[inner], after[inner], ridge[inner]
    edges = ridge & (before >= np.quantile(before, 1 - EDGES)) & (before > 1.0001 * after)
    steeper: Floats = before[edges] / np.maximum(after[edges], 1e-3)
    return steeper


def _slope(plane: NDArray[Any]) -> NDArray[Any]:
    return cv2.magnitude(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))
