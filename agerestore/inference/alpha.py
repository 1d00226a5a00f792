"""Wholly transparent pixels: mirrored visible ones take their place before the network sees the image."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from agerestore.images.raster import Raster

STRIP = 128  # rows filled at a time

Visible = NDArray[np.bool_]  # (H, W)


def visible(raster: Raster) -> Visible | None:
    """(H, W), False where a pixel is wholly transparent; None if none is."""
    if raster.alpha is None or raster.alpha.all():
        return None
    seen: Visible = raster.alpha > 0
    return seen


def fill_transparent(raster: Raster, seen: Visible | None) -> Raster:
    """Mirror the visible pixels of an image into its transparent ones, unless those have an image of their own.

    Otherwise the network takes the border of the one color under transparent pixels for an edge, and leaves a rim of
    noise along it. Each pixel is mirrored at the visible one nearest to it.

    Args:
        raster: one image.
        seen: as `visible` gives it.
    """
    if seen is None or not seen.any() or np.ptp(raster.pixels()[~seen], axis=0).any():
        return raster
    return replace(raster, values=torch.from_numpy(_mirrored(raster.pixels(), seen)).permute(2, 0, 1)[None])


def _mirrored(pixels: NDArray[Any], seen: Visible) -> NDArray[Any]:
    filled = pixels.copy()
    hidden, sources = mirrored_at_border(seen)
    filled[tuple(hidden)] = pixels[tuple(sources)]
    return filled


def mirrored_at_border(seen: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each pixel that is not seen the one that is, mirrored at the nearest seen one, or that itself.

    Args:
        seen: (H, W), at least one True.

    Returns:
        Rows and columns (2, N) of the pixels that are not seen, and of those that they are mirrored to.
    """
    nearest, size = _nearest(seen), np.array(seen.shape)[:, None]
    places, mirrors = [], []
    for top in range(0, len(seen), STRIP):
        hidden = np.argwhere(~seen[top : top + STRIP]).T + np.array([[top], [0]])
        edge = np.stack(np.unravel_index(nearest[tuple(hidden)], seen.shape))
        mirrored = np.clip(2 * edge - hidden, 0, size - 1)
        places.append(hidden)
        mirrors.append(np.where(seen[tuple(mirrored)], mirrored, edge))
    return np.concatenate(places, 1), np.concatenate(mirrors, 1)


def _nearest(seen: Visible) -> NDArray[np.int32]:
    """(H, W), for each pixel the index of the nearest visible one, counted row by row."""
    hidden = (~seen).astype(np.uint8)
    labels = cv2.distanceTransformWithLabels(hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    places = np.zeros(labels.max() + 1, np.int32)
    places[labels[seen]] = np.flatnonzero(seen)
    nearest: NDArray[np.int32] = places[labels]
    return nearest
