"""What a network is to see where a picture is wholly transparent: not the black or white that nobody else sees."""

import cv2
import numpy as np
from numpy.typing import NDArray

from agerestore.images.photo import Mask, Photo

STRIP = 128  # rows that are filled at a time


def visible(photo: Photo) -> Mask | None:
    """(H, W), True where a pixel can be seen at all; None for everywhere."""
    if photo.alpha is None or photo.alpha.all():
        return None
    seen: Mask = photo.alpha > 0
    return seen


def fill_transparent(photo: Photo, seen: Mask | None) -> Photo:
    """Put mirror images of what is visible under a cut-out, unless there is something of its own.

    Otherwise the edge between a picture and the one color under its transparent part is taken for one of things, and
    a rim of noise stays along it. Each pixel mirrors itself at the visible one that is nearest to it.

    Args:
        photo: of any size.
        seen: as `visible` gives it.
    """
    if seen is None or not seen.any() or np.ptp(photo.pixels[~seen], axis=0).any():
        return photo
    nearest, size = _nearest(seen), np.array(seen.shape)[:, None]
    pixels = photo.pixels.copy()
    for top in range(0, len(seen), STRIP):
        hidden = np.argwhere(~seen[top : top + STRIP]).T + np.array([[top], [0]])  # (2, N), rows and columns
        edge = np.stack(np.unravel_index(nearest[tuple(hidden)], seen.shape))
        mirrored = np.clip(2 * edge - hidden, 0, size - 1)
        sources = np.where(seen[tuple(mirrored)], mirrored, edge)
        pixels[tuple(hidden)] = photo.pixels[tuple(sources)]
    return photo.replace_pixels(pixels)


def _nearest(seen: Mask) -> NDArray[np.int32]:
    """(H, W), for each pixel the nearest of those that are seen, counted row by row."""
    hidden = (~seen).astype(np.uint8)
    labels = cv2.distanceTransformWithLabels(hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    places = np.zeros(labels.max() + 1, np.int32)
    places[labels[seen]] = np.flatnonzero(seen)
    nearest: NDArray[np.int32] = places[labels]
    return nearest
