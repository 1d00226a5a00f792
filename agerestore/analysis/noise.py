"""How strong the noise of a picture is, with no clean one beside it.

Measured on 20 held-out photographs, Gaussian noise of sigma 5 to 50 clipped to 8 bits: the mean error is 0.1 to 0.6,
the worst 1.3; without added noise it says 0 to 1.9 (docs/inspect.md).
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import BLOCK, Floats, Pixels, dct_matrix

PATCHES = 60_000
FEWEST_PATCHES = 2000  # a square of 52 pixels in gray, 33 in color
FINE = 9  # frequencies u + v from here on hold noise and little else
COARSE = (1, 5)  # frequencies u + v by which smooth patches are told
HARDLY_CLIPPED = 0.5  # share of the noise's variance that clipping has left


def noise_sigma(pixels: Pixels, unknown: NDArray[np.bool_] | None = None) -> float | None:
    """Standard deviation of additive white noise, 0..255, all channels together.

    The smallest eigenvalues of the covariance of patches are the noise's variance (Pyatykh, Hesser and Zheng, "Image
    noise level estimation by principal component analysis", 2013; which of them: Chen, Zhu and Heng, "An efficient
    statistical method for image noise level estimation", 2015). Here only the high frequencies of the smoothest
    patches are taken. A patch is smooth if it has little at low frequencies, on which white noise at high ones does
    not depend, so that choosing does not bias. Noise that is cut off at black and white has lost variance, which is
    put back from the mean of the patch (Foi, "Clipped noisy images", 2009).

    Noise that JPEG has coarsened is no longer white: of a file of quality 50 and less hardly any is seen.

    Args:
        pixels: the picture.
        unknown: (H, W), True where nothing is known, and nothing is measured.
    """
    patches = _patches(pixels, unknown)
    if len(patches) < FEWEST_PATCHES:
        return None
    across, down = np.indices((BLOCK, BLOCK))
    frequency = (across + down).ravel()
    coefficients = patches.reshape(-1, BLOCK**2) @ np.kron(dct_matrix(), dct_matrix()).T
    fine = coefficients[:, frequency >= FINE]
    coarse = np.square(coefficients[:, (frequency >= COARSE[0]) & (frequency <= COARSE[1])]).mean(axis=1)
    mean = coefficients[:, 0] / BLOCK
    sigma = float(np.median(np.abs(fine))) / 0.6745
    for _ in range(8):
        left = _variance_left(mean, sigma)
        smooth = _smoothest(coarse, left, sigma)
        variance = _noise_eigenvalue(np.linalg.eigvalsh(np.cov(fine[smooth].T))) / float(left[smooth].mean())
        before, sigma = sigma, math.sqrt(max(variance, 0.0))
        if abs(before - sigma) < 0.02:
            break
    return sigma


def _patches(pixels: Pixels, unknown: NDArray[np.bool_] | None) -> Floats:
    """Up to `PATCHES` patches (N, 8, 8) of single channels at drawn places, the same in every call."""
    if min(pixels.shape[:2]) < BLOCK:
        return np.zeros((0, BLOCK, BLOCK), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (BLOCK, BLOCK), axis=(0, 1))  # (H', W', C, 8, 8)
    generator = np.random.default_rng(0)
    places, each = math.prod(windows.shape[:2]), PATCHES // windows.shape[2]
    drawn = generator.integers(0, places, each) if places > each else np.arange(places)
    rows, columns = np.divmod(drawn, windows.shape[1])
    if unknown is not None:
        holes = np.lib.stride_tricks.sliding_window_view(unknown, (BLOCK, BLOCK))[rows, columns].any(axis=(1, 2))
        rows, columns = rows[~holes], columns[~holes]
    return windows[rows, columns].reshape(-1, BLOCK, BLOCK).astype(np.float32)


def _smoothest(coarse: Floats, left: Floats, sigma: float) -> NDArray[np.intp]:
    """Which patches to measure on: the more noise, the more of them, as texture then weighs less."""
    candidates = left >= HARDLY_CLIPPED
    if candidates.sum() < 2000:
        candidates = left >= np.quantile(left, 0.8)
    share = min(0.015 + 0.003 * max(sigma - 5, 0.0), 0.5)
    count = min(max(int(share * candidates.sum()), 300), len(coarse) - 1)
    return np.argpartition(np.where(candidates, coarse / left, np.inf), count)[:count]


def _noise_eigenvalue(eigenvalues: NDArray[Any]) -> float:
    """The mean of as many of the smallest eigenvalues as have it for their median (Chen et al., algorithm 1)."""
    falling = np.sort(eigenvalues)[::-1]
    rests = (falling[first:] for first in range(len(falling)))
    return float(next(rest.mean() for rest in rests if rest.mean() <= np.median(rest)))


@cache
def _censored() -> tuple[Floats, Floats]:
    """Mean and variance of max(a + n, 0) with n standard normal, for a of 0 to 6."""
    a = np.linspace(0, 6, 601)
    below = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in a])
    density = np.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    mean = a * below + density
    return mean.astype(np.float32), ((a * a + 1) * below + a * density - mean**2).astype(np.float32)


def _variance_left(mean: Floats, sigma: float) -> Floats:
    """Share of the variance of noise that clipping has left where the clipped mean is ``mean``, 0.34 to 1."""
    means, variances = _censored()
    distance = np.minimum(mean, 255 - mean) / max(sigma, 1e-3)
    return np.interp(distance, means, variances).astype(np.float32)
