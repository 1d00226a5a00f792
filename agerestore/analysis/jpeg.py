"""The quality of a JPEG, as libjpeg counts it: from the tables of the file, or from pixels that once were in one.

Measured on 20 held-out photographs at qualities of 10 to 95: exact, from the file and from its pixels, and of pictures
that never were a JPEG none was taken for one (docs/inspect.md).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agerestore.images.pixels import BLOCK, Floats, Pixels, dct_matrix, luminance

# Luminance, ITU-T T.81 (1992), table K.1
_LUMINANCE = """
16 11 10 16  24  40  51  61
12 12 14 19  26  58  60  55
14 13 16 24  40  57  69  56
14 17 22 29  51  87  80  62
18 22 37 56  68 109 103  77
24 35 55 64  81 104 113  92
49 64 78 87 103 121 120 101
72 92 95 98 112 100 103  99
"""
QUALITIES = range(5, 96)  # of pixels; finer steps than those of 95 are lost in rounding to 8 bits
BLOCKS = 6000
LOWEST = 6  # frequencies u + v up to here are looked at
NONZERO = 2.0  # smaller coefficients may be 0 in the file, which fits every step
SPREAD = 0.5  # of coefficients around multiples of their step, from rounding pixels to 8 bits
STRAYS = 0.02  # share of coefficients that lie anywhere, from clipping
CONFIDENT = -0.25  # mean log-likelihood ratio; pictures that never were JPEG have about -0.55


@cache
def luminance_table(quality: int) -> NDArray[np.int64]:
    """The (8, 8) steps for luminance that libjpeg makes of a quality of 1 to 100, `jpeg_set_quality`."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = np.array(_LUMINANCE.split(), np.int64).reshape(BLOCK, BLOCK)
    return np.clip((steps * scale + 50) // 100, 1, 255)


def quality_of_tables(tables: Sequence[Sequence[int]]) -> int:
    """The quality whose luminance table is nearest to a file's; of other makers' tables an equivalent.

    >>> quality_of_tables([luminance_table(80).ravel().tolist()])
    80
    """
    steps = np.log(np.array(tables[0], float).reshape(BLOCK, BLOCK))
    return min(range(1, 101), key=lambda quality: float(np.abs(np.log(luminance_table(quality)) - steps).sum()))


def quality_of_pixels(pixels: Pixels) -> int | None:
    """The quality of the JPEG that pixels were decoded from; None where there is no clear trace of one.

    The coefficients of the blocks of such pixels lie close to whole multiples of their steps. Each quality is a table
    of steps; the likeliest is taken, if it is likelier than none. In pixels that were cropped, scaled, or made noisy
    since, there is no trace.

    Args:
        pixels: (H, W, 1 or 3), 0..255, the first block in the corner.
    """
    blocks = _blocks(pixels)
    if len(blocks) < 50:
        return None
    coefficients = dct_matrix() @ blocks @ dct_matrix().T  # (N, 8, 8)
    support = np.zeros(len(QUALITIES))
    count = 0
    for down, across in np.argwhere(np.indices((BLOCK, BLOCK)).sum(axis=0) <= LOWEST)[1:]:  # without the mean
        values = coefficients[:, down, across]
        values = values[np.abs(values) > NONZERO]
        steps = np.array([luminance_table(quality)[down, across] for quality in QUALITIES])
        distinct, of_quality = np.unique(steps, return_inverse=True)
        support += np.array([_support(values, step) for step in distinct])[of_quality]
        count += len(values)
    best = int(support.argmax())
    return QUALITIES[best] if count >= 200 and support[best] / count > CONFIDENT else None


def _blocks(pixels: Pixels) -> Floats:
    """Up to `BLOCKS` blocks (N, 8, 8) of the luminance, none that touch 0 or 255: those are clipped."""
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    whole = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, pixels.shape[2])
    generator = np.random.default_rng(0)
    chosen = generator.permutation(rows * columns)[: 2 * BLOCKS]
    some = whole[chosen // max(columns, 1), :, chosen % max(columns, 1)]  # (N, 8, 8, C)
    planes = luminance(some.reshape(-1, BLOCK, some.shape[-1])).reshape(-1, BLOCK, BLOCK)
    inside = (some.max(axis=(1, 2, 3)) < 255) & (some.min(axis=(1, 2, 3)) > 0)
    whole_range: Floats = planes[inside][:BLOCKS]
    return whole_range


def _support(values: Floats, step: int) -> float:
    """Log-likelihood of coefficients being multiples of a step, less that of their lying anywhere."""
    rest = values - step * np.round(values / step)
    peaks = step / (SPREAD * np.sqrt(2 * np.pi)) * np.exp(-np.square(rest / SPREAD) / 2)
    return float(np.log((1 - STRAYS) * peaks + STRAYS).sum())
