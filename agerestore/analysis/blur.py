"""Blur: its standard deviation, estimated at the steepest edges of an image."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Floats, Pixels, luminance, nine_tiles

EDGES = 0.02  # fraction of the pixels, those with the steepest gradients, that are taken for edges
MAX_NOISE = 15.0  # gray levels; above, gradients measure the noise
BORDER = 8  # pixels left out at each side, where the filters see the padding


def blur_sigma(pixels: Pixels, noise: float | None) -> float | None:
    """Estimate the standard deviation of the Gaussian that blurs an ideal step to the image's steepest edges.

    Blurring an edge of width sigma again by s lowers its gradient by the ratio sqrt((sigma^2 + s^2) / sigma^2) (Zhuo
    and Sim, "Defocus map estimation from a single image", 2011, equation 5). The image is smoothed first against
    noise, and the variance of that smoothing is subtracted again.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
        noise: Standard deviation of its noise, 0 to 255; None counts as 0.

    Returns:
        Pixels, 0 for edges as sharp as the pixel grid allows; None for images smaller than 64 pixels, noisier than
        `MAX_NOISE` or with too few edges.
    """
    noise = noise or 0.0
    if min(pixels.shape[:2]) < 64 or noise > MAX_NOISE:
        return None
    smoothing = 0.7 + 0.1 * noise
    more = max(1.0, smoothing)
    ratios = np.concatenate([_gradient_ratios(tile, smoothing, more) for tile in map(luminance, nine_tiles(pixels))])
    if len(ratios) < 20:
        return None
    ratio = float(np.median(ratios))
    difference = 1 / 3  # variance of the box of two pixels over which the Sobel operator takes a difference
    variance = more**2 / (ratio**2 - 1) - smoothing**2 - difference
    return math.sqrt(max(variance, 0.0))


def _gradient_ratios(plane: Floats, smoothing: float, more: float) -> Floats:
    """Return the ratios (N,) of the edge gradients of a plane (H, W) before and after smoothing by `more` pixels."""
    before = _gradient(cv2.GaussianBlur(plane, (0, 0), smoothing))
    after = _gradient(cv2.GaussianBlur(plane, (0, 0), math.hypot(smoothing, more)))
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    ridge = before >= 0.999 * cv2.dilate(before, np.ones((3, 3), np.uint8))
    before, after, ridge = before[inner], after[inner], ridge[inner]
    edges = ridge & (before >= np.quantile(before, 1 - EDGES)) & (before > 1.0001 * after)
    ratios: Floats = before[edges] / np.maximum(after[edges], 1e-3)
    return ratios


def _gradient(plane: NDArray[Any]) -> NDArray[Any]:
    return cv2.magnitude(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))
