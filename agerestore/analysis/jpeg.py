"""JPEG quality on libjpeg's scale, from the quantization tables of a file or from decoded pixels.

Measured on 20 held-out photographs at qualities of 10 to 95: exact, from the file and from its pixels; no image that
never was a JPEG was taken for one (docs/inspect.md).
"""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agerestore.images.pixels import BLOCK, Floats, Pixels, dct_matrix, luminance

QUALITIES = range(5, 96)  # that pixels can show; finer steps than those of 95 are lost in rounding to 8 bits
MAX_BLOCKS = 6000
MAX_FREQUENCY = 6  # largest u + v of the DCT coefficients used
MIN_COEFFICIENT = 2.0  # smaller ones may be 0 in the file, a multiple of every step
DEVIATION = 0.5  # standard deviation of coefficients around multiples of their step, from rounding pixels to 8 bits
OUTLIERS = 0.02  # fraction of coefficients anywhere, from clipping
MIN_RATIO = -0.25  # mean log-likelihood ratio of a JPEG; images that never were one have about -0.55


@cache
def luminance_table(quality: int) -> NDArray[np.int64]:
    """Return the (8, 8) luminance quantization steps of a quality of 1 to 100, as libjpeg (Pillow) writes them."""
    file = io.BytesIO()
    Image.new("L", (BLOCK, BLOCK)).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.array(image.quantization[0], np.int64).reshape(BLOCK, BLOCK)  # type: ignore[attr-defined]


def quality_of_tables(tables: Sequence[Sequence[int]]) -> int:
    """Return the quality, 1 to 100, whose luminance table is nearest to a file's.

    Encoders other than libjpeg have tables of their own; the answer is then an equivalent.

    Args:
        tables: 64 steps in row order for each component, luminance first.

    >>> quality_of_tables([luminance_table(80).ravel().tolist()])
    80
    """
    steps = np.log(np.array(tables[0], float).reshape(BLOCK, BLOCK))
    return min(range(1, 101), key=lambda quality: float(np.abs(np.log(luminance_table(quality)) - steps).sum()))


def quality_of_pixels(pixels: Pixels) -> int | None:
    """Return the quality of the JPEG that pixels were decoded from; None without a clear trace of one.

    The DCT coefficients of such pixels lie close to multiples of their quantization steps. Each quality is a table of
    steps; the one of the highest likelihood is returned if that beats "no JPEG". Cropping, resizing or adding noise
    after decoding erases the trace.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255, the corner of a block at the top left.
    """
    blocks = _blocks(pixels)
    if len(blocks) < 50:
        return None
    coefficients = dct_matrix() @ blocks @ dct_matrix().T  # (N, 8, 8)
    support = np.zeros(len(QUALITIES))
    count = 0
    for down, across in np.argwhere(np.indices((BLOCK, BLOCK)).sum(axis=0) <= MAX_FREQUENCY)[1:]:  # without the mean
        values = coefficients[:, down, across]
        values = values[np.abs(values) > MIN_COEFFICIENT]
        steps = np.array([luminance_table(quality)[down, across] for quality in QUALITIES])
        distinct, of_quality = np.unique(steps, return_inverse=True)
        support += np.array([_support(values, step) for step in distinct])[of_quality]
        count += len(values)
    best = int(support.argmax())
    return QUALITIES[best] if count >= 200 and support[best] / count > MIN_RATIO else None


def _blocks(pixels: Pixels) -> Floats:
    """Return up to `MAX_BLOCKS` luminance blocks (N, 8, 8), none with a value of 0 or 255: those are clipped."""
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    whole = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, pixels.shape[2])
    generator = np.random.default_rng(0)
    chosen = generator.permutation(rows * columns)[: 2 * MAX_BLOCKS]
    some = whole[chosen // max(columns, 1), :, chosen % max(columns, 1)]  # (N, 8, 8, C)
    planes = luminance(some.reshape(-1, BLOCK, some.shape[-1])).reshape(-1, BLOCK, BLOCK)
    inside = (some.max(axis=(1, 2, 3)) < 255) & (some.min(axis=(1, 2, 3)) > 0)
    unclipped: Floats = planes[inside][:MAX_BLOCKS]
    return unclipped


def _support(values: Floats, step: int) -> float:
    """Return the log-likelihood ratio of coefficients (N,) as multiples of a step against a uniform distribution."""
    rest = values - step * np.round(values / step)
    peaks = step / (DEVIATION * np.sqrt(2 * np.pi)) * np.exp(-np.square(rest / DEVIATION) / 2)
    return float(np.log((1 - OUTLIERS) * peaks + OUTLIERS).sum())
