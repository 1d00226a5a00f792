"""Mask files: how they are called, where they are found, and how they are read."""

import os
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import ImageFileError, UnreadableError, UsageError
from agerestore.files import printable
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.io import decode, read_bytes
from agerestore.images.masks import fits_as_stored, missing_in
from agerestore.images.orientation import upright
from agerestore.images.photo import Mask, Photo

MASK = ".mask"  # comes before the ending of a mask file


def is_mask_name(name: str) -> bool:
    """Whether a file is called like a mask, as NAME.mask.png is."""
    path = PurePath(name)
    return path.suffix.lower() in SUFFIXES and PurePath(path.stem).suffix.lower() == MASK


def image_of_mask(name: str) -> str:
    """Return the name of the image, with or without its ending, that a mask is called after."""
    return PurePath(PurePath(name).stem).stem


class _Folder(NamedTuple):
    """The files of a folder: masks by what comes before .mask, and the names of all."""

    masks: dict[str, str]
    names: frozenset[str]


class Masks:
    """Finds the masks of image files; each folder is listed once."""

    def __init__(self, mask: Path | None = None, root: Path = Path()) -> None:
        """Say where to look.

        Args:
            mask: A file, which is the mask of every image; or a folder that mirrors `root` and holds masks called
                NAME.EXT.mask.png, NAME.mask.png, NAME.EXT or NAME with the ending of another format, the first of
                these found; None for NAME.EXT.mask.png or NAME.mask.png next to the image. A mask may have any
                format, PNG first.
            root: The folder that was given as input, or that of the single file.

        Raises:
            UsageError: `mask` does not exist.
        """
        if mask is not None and not mask.exists():
            raise UsageError(f"{printable(mask)}: no such mask file or folder; check the name")
        self._single = mask if mask is not None and not mask.is_dir() else None
        self._folder, self._root = mask, root
        self._listed: dict[Path, _Folder] = {}

    def of(self, source: Path) -> Path | None:
        """Return the mask of an image file in `root` or below, or None if it has none."""
        if self._single is not None:
            return self._single
        folder = source.parent if self._folder is None else self._folder / source.parent.relative_to(self._root)
        masks, names = self._list(folder)
        found = masks.get(source.name) or masks.get(source.stem)
        is_mask_folder = self._folder is not None and os.path.realpath(folder) != os.path.realpath(source.parent)
        if found is None and is_mask_folder:
            others = (source.name, *(source.stem + suffix for suffix in sorted(SUFFIXES)))
            found = next((name for name in others if name in names), None)
        if found is None or not os.path.isfile(folder / found):  # noqa: PTH113 - which raises where a folder is closed
            return None
        return folder / found

    def _list(self, folder: Path) -> _Folder:
        if folder not in self._listed:
            names = _names(folder)
            last = sorted(filter(is_mask_name, names), key=lambda name: (name.lower().endswith(".png"), name))
            masks = {image_of_mask(name): name for name in last}
            self._listed[folder] = _Folder(masks, frozenset(names))
        return self._listed[folder]


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # a folder that cannot be listed has no masks
        return []


class MaskFile(NamedTuple):
    """What a mask file says.

    Attributes:
        missing: (H, W) bool, True where a pixel is missing.
        turned: Whether it was drawn on the image as it is stored, and turned with it.
    """

    missing: Mask
    turned: bool = False


def read_mask_file(path: Path, photo: Photo, resize: bool = False, max_pixels: int = MAX_PIXELS) -> MaskFile:
    """Read which pixels of an image are missing, see `agerestore.images.masks.missing_in`.

    A mask that fits the image only as that is stored, on its side, is turned with it.

    Args:
        path: The mask, an image file.
        photo: The image it belongs to.
        resize: Resize a mask of another size by nearest neighbors instead of refusing it.
        max_pixels: Larger masks are refused.

    Raises:
        ImageFileError: Unreadable, of another size, or with transparent parts, which could mean either.
    """
    return decode_mask(_read(path), path, photo, resize, max_pixels)


def decode_mask(data: bytes, path: Path, photo: Photo, resize: bool = False, max_pixels: int = MAX_PIXELS) -> MaskFile:
    """Decode the bytes of a mask file; see `read_mask_file`.

    Args:
        data: The whole file.
        path: The name that messages give it.
        photo: The image it belongs to.
        resize: See `read_mask_file`.
        max_pixels: Larger masks are refused.
    """
    mask = _decode(data, path, max_pixels)
    size, orientation = photo.pixels.shape[:2], photo.metadata.orientation
    turned = fits_as_stored(mask.shape, size, orientation, scaled=resize)
    if turned:
        mask = upright(mask, orientation)
    if (found := mask.shape) == size:
        return MaskFile(mask, turned)
    if not resize:
        sizes = f"{found[1]} x {found[0]} pixels for an image of {size[1]} x {size[0]}"
        what = f"a mask of {sizes}; save it at the image's size, or pass `resize_mask=True`"
        raise ImageFileError(f"{printable(path)}: {what}")
    rows, columns = ((np.arange(new) * old) // new for new, old in zip(size, found, strict=True))
    return MaskFile(mask[rows[:, None], columns], turned)


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except UnreadableError as error:  # the image itself may well be readable
        raise ImageFileError(str(error)) from error


def _decode(data: bytes, path: Path, max_pixels: int) -> Mask:
    try:
        photo = decode(data, path, max_pixels)
    except UnreadableError as error:  # likewise
        raise ImageFileError(str(error)) from error
    try:
        return missing_in(photo)
    except ImageFileError as error:
        raise ImageFileError(f"{printable(path)}: {error}") from None
