"""Color casts: what shadows, lights and edges of a photograph have in common."""

import numpy as np
import torch
from numpy.typing import NDArray

from agerestore.images.color import RGB_TO_XYZ, to_linear
from agerestore.images.pixels import Floats, Pixels, shrink_to

SIDE = 256  # pixels along the longer side
ORDER = 5  # of the mean of edges (gray edge: van de Weijer, Gevers and Gijsenij 2007)
SHARE = 0.01  # of the pixels that are shadows, and that are lights
FLOOR = 1e-3  # of linear light
LEAST = 0.3  # log light; weaker casts are those of many scenes


def cast_gain(pixels: Pixels, *, certain: bool = True) -> NDArray[np.float64] | None:
    """What the linear light of red, green and blue is to be multiplied with against a cast, (3,).

    The brightness (Y) of white stays.

    Args:
        pixels: (H, W, 3), uint8 or float32 from 0 to 255.
        certain: only casts that shadows have, too, less what many scenes have; else all that lights and edges have.

    Returns:
        None without a cast.
    """
    import cv2  # only here: 0.2 s that reading a file need not pay

    small = np.ascontiguousarray(shrink_to(pixels, SIDE), np.float32) / 255
    light = to_linear(torch.from_numpy(small)).numpy()
    edges = np.hypot(cv2.Sobel(light, -1, 1, 0), cv2.Sobel(light, -1, 0, 1)).reshape(-1, 3)
    flat = light.reshape(-1, 3) + FLOOR
    order = np.argsort(flat @ np.array(RGB_TO_XYZ[1]))
    few = max(int(SHARE * len(order)), 1)
    colors = [(edges**ORDER).mean(axis=0) ** (1 / ORDER) + FLOOR, flat[order[-few:]].mean(axis=0)]
    if certain:
        colors.append(flat[order[:few]].mean(axis=0))
    cast = _in_common(np.log(np.stack(colors)))
    strength = float(np.hypot(*cast[[0, 2]]))
    if strength <= (LEAST if certain else 0):
        return None
    gain = np.exp(-cast * (1 - LEAST / strength if certain else 1))
    balanced: NDArray[np.float64] = gain / (gain @ np.array(RGB_TO_XYZ[1]) / sum(RGB_TO_XYZ[1]))
    return balanced


def _in_common(colors: Floats) -> Floats:
    """Of log colors (N, 3), what all differ from green by in one direction: (3,)."""
    apart = colors - colors[:, [1]]
    agree = (np.sign(apart) == np.sign(apart[0])).all(axis=0)
    common: Floats = np.where(agree, np.sign(apart[0]) * np.abs(apart).min(axis=0), 0.0)
    return common
