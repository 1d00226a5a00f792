"""The tones of a faded print: black and white brought back to where they were."""

import numpy as np

from agerestore.imagefile import Photo, replace_pixels

DARKEST, BRIGHTEST = 0.5, 99.5  # percentiles of the luminance that become black and white
MOST_GAIN = 2.5  # a picture without contrast of its own is not given any
LUMINANCE = (0.299, 0.587, 0.114)


def unfade(photo: Photo, like: Photo | None = None) -> Photo:
    """Stretch the luminance of a picture over the whole range; hues stay, since all channels are stretched alike.

    Args:
        photo: of any size and depth.
        like: whose luminance says how far, of the same depth; its own if None.

    Returns:
        The same picture with full contrast; unchanged where it has that already.
    """
    peak = float(np.iinfo(photo.pixels.dtype).max)
    measured = (like or photo).pixels
    step = max(1, int((measured.shape[0] * measured.shape[1] / 1e6) ** 0.5))
    sample = measured[::step, ::step].astype(np.float64)  # a megapixel of it
    luminance = sample @ LUMINANCE if sample.shape[2] == 3 else sample[..., 0]
    black, white = np.percentile(luminance, (DARKEST, BRIGHTEST))
    gain = min(peak / max(white - black, 1), MOST_GAIN)
    # Around the middle of what there is, where the gain is not enough to reach both ends.
    offset = peak / 2 - gain * (black + white) / 2
    curve = np.clip(np.arange(int(peak) + 1) * gain + offset, 0, peak).round().astype(photo.pixels.dtype)
    return replace_pixels(photo, curve[photo.pixels])
