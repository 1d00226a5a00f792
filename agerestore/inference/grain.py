"""Fills that carry the grain around them: a smooth fill shows in a grainy image.

The grain of a known pixel is its difference from the estimate. A filled pixel takes that of the known pixel at which it
is mirrored by the border of the mask, so that the grain keeps its strength, color and correlation.
"""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.images.raster import Raster
from agerestore.inference.alpha import mirrored_at_border

LEAST_GRAIN = 2.0  # gray levels; what the estimate takes from the texture of clean photographs is less
DEEPEST = 24  # pixels from the border of a mask; the middle of larger fills has no known pixel to mirror
REACH = DEEPEST + 2  # pixels from the border of a mask to the farthest known pixel that is mirrored


def may_have_grain(raster: Raster) -> bool:
    """Whether there is one image, and a mask with a border: known pixels as well as missing ones."""
    mask = raster.mask
    return mask is not None and len(mask) == 1 and bool(mask.any()) and not bool(mask.all())


def with_sources(mask: Tensor) -> Tensor:
    """A mask (1, 1, H, W) bool, and the known pixels whose grain may be needed."""
    plane = mask[0, 0].cpu().numpy().astype(np.uint8)
    near = cv2.distanceTransform(1 - plane, cv2.DIST_L2, 3) <= REACH
    return torch.from_numpy(near)[None, None].to(mask.device)


def add_grain(raster: Raster, estimate: Raster, strength: float) -> Raster:
    """Put estimate and grain together.

    Args:
        raster: one image and its mask.
        estimate: of the same image, at least where `with_sources` says.
        strength: weight of the estimate in known pixels, 0 to 1. Filled ones get the rest of the grain.
    """
    assert raster.mask is not None
    missing = raster.mask[0, 0].cpu().numpy()
    damaged, clean = raster.pixels(), estimate.pixels()
    image = damaged.copy() if strength == 0 else _mixed(damaged, clean, strength, raster.peak)
    hidden, sources = mirrored_at_border(~missing)
    depth = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5)[tuple(hidden)]
    grain = damaged[tuple(sources)].astype(np.float32) - clean[tuple(sources)]
    if grain.std() < LEAST_GRAIN / 255 * raster.peak:
        grain[:] = 0
    grain[depth > DEEPEST] = 0
    image[tuple(hidden)] = _in_range(clean[tuple(hidden)] + (1 - strength) * grain, image.dtype, raster.peak)
    return raster.with_pixels([image])


def _mixed(damaged: NDArray[Any], clean: NDArray[Any], strength: float, peak: float) -> NDArray[Any]:
    return _in_range(damaged + np.float32(strength) * (clean.astype(np.float32) - damaged), damaged.dtype, peak)


def _in_range(values: NDArray[Any], dtype: Any, peak: float) -> NDArray[Any]:
    clipped = np.clip(values, 0, peak)
    found: NDArray[Any] = (clipped if np.issubdtype(dtype, np.floating) else clipped.round()).astype(dtype)
    return found
