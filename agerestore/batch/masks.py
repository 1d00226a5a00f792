"""Which pixels of a picture are unknown: what files that say so are called, where they lie, and how they are read."""

import os
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from agerestore.config.options import MAX_PIXELS
from agerestore.errors import ImageFileError, UnreadableError, UsageError
from agerestore.files import printable
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.io import decode, read_bytes
from agerestore.images.photo import Mask

MASK = ".mask"  # stands before the ending of such a file


def is_mask_name(name: str) -> bool:
    """Whether a file is called like one that says which pixels of a picture are unknown, as NAME.mask.png is."""
    path = PurePath(name)
    return path.suffix.lower() in SUFFIXES and PurePath(path.stem).suffix.lower() == MASK


class _Folder(NamedTuple):
    """What is in a folder: masks by what stands before .mask, and the names of all."""

    masks: dict[str, str]
    names: frozenset[str]


class Masks:
    """Finds the masks of pictures, in folders that are looked through once."""

    def __init__(self, mask: Path | None = None, root: Path = Path()) -> None:
        """Say where to look.

        Args:
            mask: A file, which is the mask of every picture; a folder that mirrors `root` and holds masks called
                NAME.EXT.mask.png, NAME.mask.png, NAME.EXT or NAME with another ending of a picture, the first of
                these found; None for a NAME.EXT.mask.png or NAME.mask.png beside the picture. A mask may be of any
                format, PNG first.
            root: The folder of pictures that was given, or that of the single file.

        Raises:
            UsageError: `mask` does not exist.
        """
        if mask is not None and not mask.exists():
            raise UsageError(f"{printable(mask)}: no such mask file or folder; check the name")
        self._single = mask if mask is not None and not mask.is_dir() else None
        self._elsewhere, self._root = mask, root
        self._folders: dict[Path, _Folder] = {}

    def of(self, source: Path) -> Path | None:
        """Return the mask of a picture in `root` or below, or None where there is none."""
        if self._single is not None:
            return self._single
        near = self._elsewhere is None
        folder = source.parent if self._elsewhere is None else self._elsewhere / source.parent.relative_to(self._root)
        masks, names = self._look(folder)
        found = masks.get(source.name) or masks.get(source.stem)
        if found is None and not near and os.path.realpath(folder) != os.path.realpath(source.parent):
            others = (source.name, *(source.stem + suffix for suffix in sorted(SUFFIXES)))
            found = next((name for name in others if name in names), None)
        if found is None or not os.path.isfile(folder / found):  # noqa: PTH113 - which raises where a folder is closed
            return None
        return folder / found

    def _look(self, folder: Path) -> _Folder:
        if folder not in self._folders:
            names = _names(folder)
            last = sorted(filter(is_mask_name, names), key=lambda name: (name.lower().endswith(".png"), name))
            masks = {PurePath(PurePath(name).stem).stem: name for name in last}
            self._folders[folder] = _Folder(masks, frozenset(names))
        return self._folders[folder]


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # nor is there any mask where nothing can be listed
        return []


def read_mask(path: Path, size: tuple[int, int], resize: bool = False, max_pixels: int = MAX_PIXELS) -> Mask:
    """Read which pixels of a picture are unknown.

    Every pixel that is not black is unknown; in a lossy file (JPEG, lossy WebP), which does not store black
    exactly, every pixel that has at least half the full brightness in any channel.

    Args:
        path: The mask, a picture.
        size: (H, W) of the picture it belongs to.
        resize: Bring a mask of another size to the picture's, by nearest neighbors, instead of refusing it.
        max_pixels: Larger masks are refused.

    Returns:
        (H, W) bool, True where unknown.

    Raises:
        ImageFileError: Unreadable, of another size, or with transparent parts, which could mean either.
    """
    try:
        photo = decode(read_bytes(path), path, max_pixels)
    except UnreadableError as error:  # the picture itself may well be readable
        raise ImageFileError(str(error)) from error
    peak = np.iinfo(photo.pixels.dtype).max
    if photo.alpha is not None and (photo.alpha != peak).any():
        what = "this mask has transparent parts; save it without alpha, white where the picture is unknown"
        raise ImageFileError(f"{printable(path)}: {what}")
    threshold = (peak + 1) // 2 if photo.metadata.lossy else 1
    mask: Mask = np.asarray((photo.pixels >= threshold).any(axis=2))
    if (found := mask.shape) == tuple(size):
        return mask
    if not resize:
        sizes = f"{found[1]} x {found[0]} pixels for a picture of {size[1]} x {size[0]}"
        raise ImageFileError(f"{printable(path)}: a mask of {sizes}; save it at the picture's size, or --resize-mask")
    rows, columns = ((np.arange(new) * old) // new for new, old in zip(size, found, strict=True))
    resized: Mask = mask[rows[:, None], columns]
    return resized
