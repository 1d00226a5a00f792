"""The tone of a print: how its color follows its brightness.

A black-and-white print, toned or yellowed, has one color for each brightness. A photograph in color has many.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import Floats, Pixels, shrink_to

CELLS = 96  # along the longer side; the color of an image is measured on their means
ROUNDS = 15  # of weighing anew

Weigh = Callable[[Floats], Floats]  # distances from a curve (N, K) -> weights (N,)


def smoothed_cells(pixels: Pixels) -> NDArray[np.float32]:
    """The means of cells (h, w, 3), 96 along the longer side, without what is smaller than five of them."""
    import cv2  # only here: 0.2 s that reading a file need not pay

    cells: NDArray[np.float32] = np.ascontiguousarray(shrink_to(pixels, CELLS), np.float32)
    return np.asarray(cv2.medianBlur(cells, 5), np.float32)


def distances(level: Floats, values: Floats, weigh: Weigh) -> Floats:
    """How far values (N, K) are from the parabola over the level (N,) that most of them follow: (N, K)."""
    return robust_residuals(np.stack([np.ones_like(level), level, level**2], axis=1), values, weigh)


def robust_residuals(terms: Floats, values: Floats, weigh: Weigh) -> Floats:
    """How far values (N, K) are from the sum of terms (N, T) that most of them follow: (N, K).

    By least squares, weighed anew several times, so that what is far off does not bend the fit.
    """
    weights: Any = np.ones(len(terms))
    apart = values
    for _ in range(ROUNDS):
        fit = np.linalg.lstsq(terms * weights[:, None], values * weights[:, None], rcond=None)[0]
        apart = values - terms @ fit
        weights = weigh(apart)
    return apart
