"""Soft brown stains on prints of one tone, seen by their color.

A stain takes away blue most, green less and red least. Where a large part of a print of one tone is browner than that
tone, it is stained, and what was taken away is known from the color: no brightness of the scene is mistaken for it.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from agerestore.analysis.tone_curve import distances, smoothed_cells
from agerestore.images.color import to_linear
from agerestore.images.pixels import Floats, Pixels

FLOOR = 0.01  # of linear light; below it there is no color to see
DARK, LIT = 0.2, 0.35  # red, of white: from which on stains are looked for, and in full
BROWNER, OTHER = 0.012, 0.03  # distances from the tone at which a cell counts for less, of white: browner, or else
RED = 0.25  # of what is taken from blue more than from red, is taken from red (log light)
SEEN = 0.05  # log light of blue by which the least stain is browner; twice that is taken away wholly
MOST = 1.0  # log light; what is browner is no stain, but a thing of another color, and so is what lies next to it
SMALLEST = 3  # radius of the smallest stain in cells
LEAST = 0.02  # share of the image


def stain_gain(pixels: Pixels) -> NDArray[np.float32] | None:
    """What the linear light of a stained print is to be multiplied with, (h, w, 3) float32, at least 1.

    Args:
        pixels: (H, W, 3), uint8 or float32 from 0 to 255, of one tone (`color_mode`).

    Returns:
        A map of lower resolution, to be enlarged to the image; None without stains.
    """
    import cv2  # only here: 0.2 s that reading a file need not pay

    cells = smoothed_cells(pixels) / 255
    browner = _browner(cells)
    smooth = cv2.GaussianBlur(browner, (0, 0), 1)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SMALLEST + 1, 2 * SMALLEST + 1))
    large = cv2.morphologyEx(smooth[..., 1], cv2.MORPH_OPEN, disk)
    things = cv2.dilate((browner[..., 1] > MOST).astype(np.uint8), disk)
    stained = cv2.GaussianBlur(((large - SEEN) / SEEN).clip(0, 1) * (1 - things), (0, 0), 1).astype(np.float32)
    if stained.mean() < LEAST:
        return None
    green, blue = np.moveaxis(smooth * stained[..., None], 2, 0)
    gain: NDArray[np.float32] = np.exp(np.stack([RED * blue, green + RED * blue, (1 + RED) * blue], axis=2))
    return gain


def _browner(cells: Floats) -> NDArray[np.float32]:
    """How much less green and blue there is against red than in the tone of the print: (h, w, 2), log light."""
    against_red = cells[..., 1:] - cells[..., :1]
    apart = distances(cells[..., 0].ravel(), against_red.reshape(-1, 2), _sound).reshape(against_red.shape)
    less = np.maximum(_log_light(cells[..., 1:] - apart) - _log_light(cells[..., 1:]), 0)
    less[..., 0] = np.minimum(less[..., 0], less[..., 1])
    lit = ((cells[..., :1] - DARK) / (LIT - DARK)).clip(0, 1)
    return np.ascontiguousarray(less * lit, np.float32)


def _log_light(values: Floats) -> Floats:
    light: Floats = np.log(to_linear(torch.from_numpy(values.clip(0, 1))).numpy() + FLOOR)
    return light


def _sound(apart: Floats) -> Floats:
    """Weights of cells: stains only make them browner."""
    blue = apart[:, 1]
    weights: Floats = (1 + (blue / np.where(blue < 0, BROWNER, OTHER)) ** 2) ** -0.5
    return weights
