"""Fills that carry the grain around them: a smooth fill shows in a grainy image.

The grain of a known pixel is its difference from the estimate. A filled pixel takes that of the known pixel at which it
is mirrored by the border of the mask, so that the grain keeps its strength, color and correlation.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.images.raster import Raster
from agerestore.inference.alpha import STRIP, mirrored_at_border, visible

LEAST_GRAIN = 2.0  # gray levels; what the estimate takes from the texture of clean photographs is less
DEEPEST = 24  # pixels from the border of a mask; the middle of larger fills has no known pixel to mirror
REACH = DEEPEST + 2  # pixels from the border of a mask to the farthest known pixel that is mirrored


def may_have_grain(raster: Raster) -> bool:
    """Whether pixels are missing."""
    return raster.mask is not None and bool(raster.mask.any())


def with_sources(mask: Tensor) -> Tensor:
    """Masks (B, 1, H, W) bool, and the known pixels whose grain may be needed."""
    planes = [1 - plane[0].numpy().astype(np.uint8) for plane in mask.cpu()]
    near = [cv2.distanceTransform(plane, cv2.DIST_L2, 3) <= REACH for plane in planes]
    return torch.from_numpy(np.stack(near))[:, None].to(mask.device)


def add_grain(raster: Raster, estimate: Raster, strength: Sequence[float]) -> Raster:
    """Put estimates and grain together.

    Args:
        raster: images and their mask.
        estimate: of the same images, at least where `with_sources` says.
        strength: of each image, weight of the estimate in known pixels, 0 to 1. Filled ones get the rest of the grain.
    """
    return raster.with_pixels([_one(raster, estimate, index, each) for index, each in enumerate(strength)])


def _one(raster: Raster, estimate: Raster, index: int, strength: float) -> NDArray[Any]:
    """One image (H, W, C) of a raster, with grain."""
    assert raster.mask is not None
    missing, seen = raster.mask[index, 0].cpu().numpy(), visible(raster)
    damaged, clean = raster.pixels(index), estimate.pixels(index)
    image = _mixed(damaged, clean, strength, raster.peak)
    if missing.all():  # there is no grain
        return clean
    hidden, sources = mirrored_at_border(~missing)
    if seen is not None:
        hidden, sources = (each[:, seen[tuple(hidden)]] for each in (hidden, sources))
    depth = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5)[tuple(hidden)]
    grain = damaged[tuple(sources)].astype(np.float32) - clean[tuple(sources)]
    if grain.size and grain.std() < LEAST_GRAIN / 255 * raster.peak:
        grain[:] = 0
    grain[depth > DEEPEST] = 0
    image[tuple(hidden)] = _in_range(clean[tuple(hidden)] + (1 - strength) * grain, image.dtype, raster.peak)
    return image


def _mixed(damaged: NDArray[Any], clean: NDArray[Any], strength: float, peak: float) -> NDArray[Any]:
    image = damaged.copy()
    for top in range(0, len(image) if strength else 0, STRIP):
        rows = slice(top, top + STRIP)
        change = clean[rows].astype(np.float32) - damaged[rows]
        image[rows] = _in_range(damaged[rows] + np.float32(strength) * change, image.dtype, peak)
    return image


def _in_range(values: NDArray[Any], dtype: Any, peak: float) -> NDArray[Any]:
    clipped = np.clip(values, 0, peak)
    found: NDArray[Any] = (clipped if np.issubdtype(dtype, np.floating) else clipped.round()).astype(dtype)
    return found
