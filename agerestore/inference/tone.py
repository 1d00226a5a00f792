"""The tones of a faded print: black and white brought back to where they were, and some of a cast taken away."""

import numpy as np
from numpy.typing import NDArray

from agerestore.analysis.color_mode import color_mode
from agerestore.images.photo import Photo
from agerestore.images.pixels import a_megapixel, luminance, on_8_bit_scale

DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles of the luminance that become black and white
MOST_GAIN = 2.5  # a picture without contrast of its own is not given any
CAST = 0.5  # of the tint of black and white that is taken away; all of it would be much of a sunset


def auto_levels(photo: Photo, like: Photo | None = None) -> Photo:
    """Stretch a picture from its black and white over the whole range, and take half of their tint from them.

    Gray and sepia prints keep their tone: all channels are stretched alike.

    Args:
        photo: of any size and depth.
        like: whose black and white are taken, of the same depth and channels; its own if None.

    Returns:
        The same picture with full contrast; unchanged where it has that already.
    """
    peak = float(np.iinfo(photo.pixels.dtype).max)
    black, white = _ends(like or photo)
    gain = _gain(black, white, peak)
    # Around the middle of what there is, where the gain is not enough to reach both ends.
    offset = peak / 2 - gain * (black + white) / 2
    levels = np.arange(int(peak) + 1)[:, None]
    curves = np.clip(levels * gain + offset, 0, peak).round().astype(photo.pixels.dtype)
    channels = [curves[:, channel][photo.pixels[..., channel]] for channel in range(len(gain))]
    return photo.replace_pixels(np.stack(channels, axis=2))


def scale_uncertainty(uncertainty: Photo, like: Photo) -> Photo:
    """Scale a map of expected errors as `auto_levels` scales the errors themselves, by the mean of the channels' gains.

    Args:
        uncertainty: of 8 bits, in proportion to the expected deviation.
        like: the picture that it belongs to, before it is stretched.
    """
    black, white = _ends(like)
    gain = _gain(black, white, float(np.iinfo(like.pixels.dtype).max)).mean()
    return uncertainty.replace_pixels(np.minimum(uncertainty.pixels * gain, 255).round().astype(np.uint8))


def _gain(black: NDArray[np.float64], white: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    gain: NDArray[np.float64] = np.minimum(peak / np.maximum(white - black, 1), MOST_GAIN)
    return gain


def _ends(photo: Photo) -> NDArray[np.float64]:
    """What is taken for black and for white in each channel: (2, C)."""
    few = a_megapixel(photo.pixels)
    sample = few.astype(np.float64)
    shares = (DARKEST, BRIGHTEST)
    neutral = np.percentile(luminance(few).astype(np.float64), shares)[:, None].repeat(sample.shape[2], 1)
    if color_mode(on_8_bit_scale(few)) != "color":
        return neutral
    return neutral + CAST * (np.percentile(sample, shares, axis=(0, 1)) - neutral)
