"""Documents and line art: images in pure black and white."""

import numpy as np

from agerestore.images.pixels import Pixels, a_megapixel

MIN_PURE = 0.8  # fraction of pure black and white together; anti-aliased text 13 pixels high has 0.82
MIN_EACH = 0.01  # fraction of each of the two; that text has 0.02 black


def is_document(pixels: Pixels) -> bool:
    """Return whether most pixels are pure black or pure white, and some of each.

    Measured: 0 of 1,266 photographs and 0 of 2,500 images of cars, many on white, are taken for a document; 16 of 16
    printed pages are, on which the limits were chosen. A scanned page has grays and is not.

    Args:
        pixels: (H, W, 1 or 3), uint8 or uint16.
    """
    few = a_megapixel(pixels)
    black, white = (float((few == end).all(axis=2).mean()) for end in (0, np.iinfo(pixels.dtype).max))
    return black + white > MIN_PURE and min(black, white) > MIN_EACH
