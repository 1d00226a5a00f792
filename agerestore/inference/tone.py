"""Auto levels: a faded image is stretched to the whole range again, and half of its color cast removed."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agerestore.analysis.color_mode import color_mode
from agerestore.images.pixels import a_megapixel, luminance
from agerestore.images.raster import Raster

BLACK, WHITE = 0.5, 99.5  # percentiles of the luminance that become black and white
MOST_GAIN = 2.5  # images without contrast stay that way
CAST = 0.5  # share of the color of black and white that is removed; all of it would be much of a sunset


class Levels(NamedTuple):
    """A line for each channel: new = gain * old + offset, in the values of the image; (C,) each."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def measure_levels(raster: Raster, index: int = 0) -> Levels:
    """Measure how to stretch an image from its black to its white over the whole range.

    Gray and sepia images keep their tone: all channels are stretched alike.

    Args:
        raster: images of any size and depth.
        index: which of them.
    """
    peak, pixels = raster.peak, raster.pixels(index)
    least = 1.0 if pixels.dtype.kind in "iu" else 1 / 255  # contrast, one level
    black, white = _ends(raster, index)
    gain = np.minimum(peak / np.maximum(white - black, least), MOST_GAIN)
    # Around the middle of the values, where the gain is not enough to reach both ends.
    return Levels(gain, peak / 2 - gain * (black + white) / 2)


def apply_levels(raster: Raster, levels: list[Levels]) -> Raster:
    """Stretch images, by the levels of each."""
    return raster.with_pixels(
        [_stretched(raster.pixels(index), raster.peak, each) for index, each in enumerate(levels)]
    )


def _stretched(pixels: NDArray[Any], peak: float, levels: Levels) -> NDArray[Any]:
    """(H, W, C) of any dtype -> the same with other levels, clipped to 0..peak."""
    if pixels.dtype in (np.uint8, np.uint16):
        curves = _line(np.arange(int(peak) + 1)[:, None], peak, levels).round().astype(pixels.dtype)
        return np.stack([curves[:, c][pixels[..., c]] for c in range(pixels.shape[2])], axis=2)
    stretched = _line(pixels, peak, levels)
    return (stretched if pixels.dtype.kind == "f" else stretched.round()).astype(pixels.dtype)


def _line(values: NDArray[Any], peak: float, levels: Levels) -> NDArray[np.float64]:
    line: NDArray[np.float64] = np.clip(values * levels.gain + levels.offset, 0, peak)
    return line


def _ends(raster: Raster, index: int) -> NDArray[np.float64]:
    """The values taken for black and for white in each channel: (2, C)."""
    sample = a_megapixel(raster.pixels(index))
    percentiles = (BLACK, WHITE)
    gray = np.percentile(luminance(sample).astype(np.float64), percentiles)[:, None]
    neutral: NDArray[np.float64] = gray.repeat(sample.shape[2], 1)
    if color_mode(raster.on_8_bit_scale(sample)) != "color":
        return neutral
    return neutral + CAST * (np.percentile(sample.astype(np.float64), percentiles, axis=(0, 1)) - neutral)
