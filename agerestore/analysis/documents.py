"""Whether a picture is drawn or printed in pure black and white."""

import numpy as np

from agerestore.images.pixels import Pixels, a_megapixel

DRAWN, DRAWN_OF_EITHER = 0.8, 0.01  # shares of pure black and white; anti-aliased print of 13 pixels has 0.82, 0.02


def is_drawing(pixels: Pixels) -> bool:
    """Whether a picture is a document or drawing: most of its pixels pure black or pure white, and some of either.

    Of 1,266 photographs and 2,500 of cars, many before white, none is called one; of 16 pages of print, on which the
    limits were chosen, all; a scan of print, which has grays, is none.

    Args:
        pixels: (H, W, 1 or 3), uint8 or uint16.
    """
    few = a_megapixel(pixels)
    black, white = (float((few == end).all(axis=2).mean()) for end in (0, np.iinfo(pixels.dtype).max))
    return black + white > DRAWN and min(black, white) > DRAWN_OF_EITHER
