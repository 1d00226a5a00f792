"""Contact sheets: images side by side and in rows, for people to look at."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images import io
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo
from agerestore.images.pixels import of_tensor, shrink

SIDE = 640  # pixels of a photograph on a sheet, at most
GAP, THIN = 8, 2  # white pixels between photographs, and between small images before they are enlarged


def contact_sheet(rows: Sequence[Tensor], path: Path, scale: int = 2) -> None:
    """Write rows of images as a PNG, enlarged by a whole factor.

    Args:
        rows: (N, C, H, W) in [0, 1], clipped, for each row of the sheet; of any N.
        path: the .png; an existing one is replaced.
        scale: enlargement.
    """
    cells = [F.pad(row.clamp(0, 1), (0, THIN, 0, THIN), value=1.0).float().cpu() for row in rows]
    lines = [torch.cat([*row], 2) for row in cells]  # each (C, H, N * W)
    longest = max(line.shape[2] for line in lines)
    sheet = torch.cat([F.pad(line, (0, longest - line.shape[2]), value=1.0) for line in lines], 1)
    enlarged = np.kron(of_tensor(sheet[None])[0], np.ones((scale, scale, 1), np.uint8))
    io.write(path, Photo(enlarged), overwrite=True)


def side_by_side(*photos: Photo) -> Photo:
    """Images of one height and depth side by side, with white between them; without alpha, and all but their profile.

    One profile for all is kept, and one for gray applied.
    """
    photos = tuple(photo.in_srgb_gray() for photo in photos)
    height, peak = photos[0].pixels.shape[0], np.iinfo(photos[0].pixels.dtype).max
    channels = max(photo.pixels.shape[2] for photo in photos)
    white = np.full((height, GAP, channels), peak, photos[0].pixels.dtype)
    parts = [np.broadcast_to(photo.pixels, (*photo.pixels.shape[:2], channels)) for photo in photos]
    whole = np.concatenate([parts[0], *(each for part in parts[1:] for each in (white, part))], axis=1)
    return Photo(whole, None, Metadata(icc_profile=_profile(photos)))


def _profile(photos: Sequence[Photo]) -> bytes | None:
    """The color profile that all photographs have."""
    profiles = {photo.metadata.icc_profile for photo in photos}
    return profiles.pop() if len(profiles) == 1 else None


def photo_grid(photos: Sequence[Photo]) -> Photo:
    """Images of one size and depth in rows, shrunk to at most `SIDE` pixels; about as many rows as columns."""
    height, width, _ = photos[0].pixels.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = [replace(each, pixels=shrink(each.pixels, size), alpha=None) for each in map(Photo.in_srgb_gray, photos)]
    columns = math.ceil(math.sqrt(len(small)))
    rows = [side_by_side(*small[i : i + columns]).pixels for i in range(0, len(small), columns)]
    whole, white = (len(rows) * (size[0] + GAP) - GAP, rows[0].shape[1], 3), np.iinfo(rows[0].dtype).max
    sheet = np.full(whole, white, rows[0].dtype)
    for number, row in enumerate(rows):
        top = number * (size[0] + GAP)
        sheet[top : top + size[0], : row.shape[1]] = row
    return Photo(sheet, None, Metadata(icc_profile=_profile(small)))
