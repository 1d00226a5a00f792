"""What a network is to see where a picture is wholly transparent: not the black or white that nobody else sees."""

import cv2
import numpy as np

from agerestore.imagefile import Mask, Photo, replace_pixels


def visible(photo: Photo) -> Mask | None:
    """(H, W), True where a pixel can be seen at all; None for everywhere."""
    if photo.alpha is None or photo.alpha.all():
        return None
    seen: Mask = photo.alpha > 0
    return seen


def fill_transparent(photo: Photo) -> Photo:
    """Put mirror images of what is visible under a cut-out, unless there is something of its own.

    Otherwise the edge between a picture and the one colour under its transparent part is taken for one of things, and
    a rim of noise stays along it. Each pixel mirrors itself at the visible one that is nearest to it.
    """
    seen = visible(photo)
    if seen is None or not seen.any() or np.ptp(photo.pixels[~seen], axis=0).any():
        return photo
    nearest = np.argwhere(seen)[_places(seen)]  # (N, 2), for each pixel that is not seen
    hidden = np.argwhere(~seen)
    mirrored = np.clip(2 * nearest - hidden, 0, np.array(seen.shape) - 1)
    sources = np.where(seen[tuple(mirrored.T)][:, None], mirrored, nearest)
    pixels = photo.pixels.copy()
    pixels[tuple(hidden.T)] = photo.pixels[tuple(sources.T)]
    return replace_pixels(photo, pixels)


def _places(seen: Mask) -> np.ndarray:
    """For each pixel that is not seen, which of those that are, counted row by row, is nearest."""
    _, labels = cv2.distanceTransformWithLabels(
        (~seen).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place_of_label = np.empty(labels.max() + 1, np.int64)
    place_of_label[labels[seen]] = np.arange(np.count_nonzero(seen))
    places: np.ndarray = place_of_label[labels[~seen]]
    return places
