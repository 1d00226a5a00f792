"""Grain: how strong noise is and how coarse, from the spectrum of the smoothest places of an image.

White noise, as of a sensor, has as much of each frequency. Film grain as scanners show it spreads over several pixels
and has little of the highest. An estimate of white noise, which looks at these alone, finds too little of it.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from agerestore.analysis.jpeg import luminance_table
from agerestore.images.pixels import BLOCK, Floats, Pixels, dct_matrix, luminance

FREQUENCY = np.indices((BLOCK, BLOCK)).sum(axis=0)  # u + v of a coefficient
MAX_PATCHES = 20_000
MEDIAN = 0.4549  # of the square of a normal variable of variance 1
SMOOTHEST = 0.03  # fraction of the patches
MIN_PATCHES = 200  # of the smoothest
DARKEST, LIGHTEST = 16, 239  # mean gray levels between which noise is hardly clipped
COARSE = 3  # lowest u + v of the DCT frequencies that are fitted; those below say how smooth a patch is
MAX_STEP = 2.0  # of a JPEG's quantization, in standard deviations of a coefficient; coarser ones leave zeros
MIN_FREQUENCIES = 12
SIZES = np.arange(0, 2.01, 0.05)  # pixels
MIN_POWER = 0.5  # gray levels squared; below, it is rounding
MIN_RELATIVE = 0.02  # of the strongest frequency; what is fainter may be the little white noise of a scanner
MIN_SIGMA = 2.0  # gray levels; the texture of smooth places is as strong


class Grain(NamedTuple):
    """Noise with its correlation.

    Attributes:
        sigma: Standard deviation in gray levels, 0 to 255, of all frequencies.
        size: Standard deviation in pixels of the Gaussian that blurs white noise to it; 0 for white noise.
    """

    sigma: float
    size: float


def measure_grain(pixels: Pixels, quality: int | None = None) -> Grain | None:
    """Estimate the noise of the luminance as white noise that was blurred by a Gaussian.

    Of each such blur the power that it leaves of each DCT frequency is known; the one whose powers are in proportion to
    those measured is taken. The patches are chosen by low frequencies, which do not bias the others.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
        quality: Of the JPEG that it is or was; frequencies that it may have erased are left out.

    Returns:
        None where less than `MIN_SIGMA` is found, and of too small, too busy or too compressed images.
    """
    coefficients = _smoothest(pixels)
    if len(coefficients) < MIN_PATCHES:
        return None
    power = np.median(np.square(coefficients), axis=0) / MEDIAN  # which a few patches with detail hardly change
    used = (FREQUENCY >= COARSE) & (power > max(MIN_POWER, MIN_RELATIVE * power[FREQUENCY >= COARSE].max()))
    if quality is not None:
        used &= luminance_table(quality) <= MAX_STEP * np.sqrt(power)
        power = power - np.square(luminance_table(quality)) / 12
    if used.sum() < MIN_FREQUENCIES:
        return None
    apart = np.log((power[used] - 1 / 12).clip(0.01)) - np.log(_spectra()[:, used])  # 1 / 12 is of rounding
    best = int(apart.var(axis=1).argmin())
    sigma = math.exp(apart[best].mean() / 2)
    return Grain(sigma, float(SIZES[best])) if sigma >= MIN_SIGMA else None


@cache
def _spectra() -> Floats:
    """Return the power of each DCT frequency, (N, 8, 8), of white noise of variance 1 after a blur by each of `SIZES`.

    The blur keeps the variance at 1.
    """
    places = np.arange(BLOCK)
    spectra = []
    for size in SIZES:
        along = np.arange(-12, 13)
        kernel = np.exp(-(along**2) / (2 * size**2)) if size else (along == 0).astype(float)
        correlation = np.correlate(kernel, kernel, "full")[24 : 24 + BLOCK] / np.square(kernel).sum()
        matrix = dct_matrix() @ correlation[np.abs(places[:, None] - places)] @ dct_matrix().T
        spectra.append(np.outer(np.diag(matrix), np.diag(matrix)))
    return np.array(spectra)


def _smoothest(pixels: Pixels) -> Floats:
    """Return the DCT coefficients (N, 8, 8) of the patches of the luminance with the least at low frequencies."""
    if min(pixels.shape[:2]) < BLOCK:
        return np.zeros((0, BLOCK, BLOCK), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (BLOCK, BLOCK), axis=(0, 1))  # (H', W', C, 8, 8)
    places = math.prod(windows.shape[:2])
    drawn = np.random.default_rng(0).integers(0, places, MAX_PATCHES) if places > MAX_PATCHES else np.arange(places)
    patches = luminance(
        np.moveaxis(windows[np.divmod(drawn, windows.shape[1])], 1, -1).reshape(-1, BLOCK, pixels.shape[2])
    )
    patches = patches.reshape(-1, BLOCK, BLOCK)
    means = patches.mean(axis=(1, 2))
    coefficients: Floats = dct_matrix() @ patches[(means > DARKEST) & (means < LIGHTEST)] @ dct_matrix().T
    low = np.square(coefficients[:, (FREQUENCY >= 1) & (FREQUENCY < COARSE)]).sum(axis=1)
    count = int(SMOOTHEST * len(low))
    return coefficients[np.argpartition(low, count)[:count]] if count else coefficients[:0]
