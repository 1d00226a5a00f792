"""Sets of images that are read while they are iterated over: in memory, in a folder, or in files that a list names.

Only one image need be in memory as it is in its file.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.batch import folders
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import ImageFileError, NothingReadableError
from agerestore.images import io

Pixels = NDArray[Any]  # (H, W, 1 or 3) uint8


class Source:
    """A set of images, which are read while they are iterated over: (H, W, 1 or 3) uint8 each.

    Attributes:
        found: how many there are.
        count: how many of them are read at most.
        labels: (N,) int64 of those that were read, or None; complete after the last image.
        skipped: a line for each file, or kind of files, that was left out; complete after the last image.
        folders: name of the folder of each image that was read, where it is a file; complete after the last image.
        files: of the images, where each is a file.
    """

    def __init__(
        self, images: Iterable[Pixels], count: int, labels: Tensor | None = None, files: Sequence[Path] = ()
    ) -> None:
        self._images, self.found, self.count, self.labels, self.files = images, count, count, labels, files
        self.skipped: list[str] = []
        self.folders: list[str] = []

    def __iter__(self) -> Iterator[Pixels]:
        return islice(self._images, self.count)

    def limit(self, most: int) -> None:
        """Read the first ``most`` only: published sets have them in random order."""
        self.count = min(self.count, most)
        self.labels = None if self.labels is None else self.labels[:most]

    def areas(self, least: int) -> Iterator[int]:
        """Pixels of each image whose sides are ``least`` or more, by the headers of the files; 0 of the rest."""
        for image in self:
            yield _area(image.shape[1::-1], least)


class FolderSource(Source):
    """The images of a folder and those below it, in the order of their names; see `agerestore.batch.folders`.

    They have labels if each lies in a folder that is named by a digit, as in 0/a.png and 7/b.png.
    """

    def __init__(self, path: Path) -> None:
        """Search the folder.

        Raises:
            NothingReadableError: There is no image in it.
        """
        found = folders.search(path)
        found.require_images()
        super().__init__((), len(found.images), files=found.images)
        self._path, self.skipped = path, found.left_out()

    def __iter__(self) -> Iterator[Pixels]:
        names, unreadable = [], []
        for part in self._parts():
            for file in part:
                try:
                    yield io.read_pixels(file)
                    names.append(file.parent.name)
                    break
                except ImageFileError as error:
                    unreadable.append(str(error))
        if not names:
            raise _none_readable(self._path, unreadable)
        self.skipped += unreadable
        self.folders = names
        self.labels = class_numbers(names, "0123456789")

    def limit(self, most: int) -> None:
        """Read ``most`` only, evenly spaced ones: a folder is often sorted by classes."""
        self.count = min(self.count, most)

    def areas(self, least: int) -> Iterator[int]:
        """See `Source.areas`."""
        return (_area(io.read_size(part[0]), least) for part in self._parts())

    def _parts(self) -> Iterator[Sequence[Path]]:
        """Equal parts of the files, of each of which the first that is readable is read."""
        for start, end in pairwise(len(self.files) * part // self.count for part in range(self.count + 1)):
            yield self.files[start:end]


@dataclass(frozen=True)
class Entry:
    """One image of a published set, as its lists have it.

    Attributes:
        file: its path.
        label: number of its class, from 0; None where the lists do not say.
        folder: what the class is called.
        box: left, top, right and bottom of the part that counts, in pixels from 0, right and bottom not included;
            None for the whole image.
    """

    file: Path
    label: int | None = None
    folder: str = ""
    box: tuple[int, int, int, int] | None = None


class ListedSource(Source):
    """The images that the lists of a published set name; files that cannot be read are left out, and counted.

    They have labels if the lists give one for each.
    """

    def __init__(self, path: Path, entries: Sequence[Entry], frame: Callable[[Pixels], Pixels] | None = None) -> None:
        """Take the entries as they are; no file is opened yet.

        Args:
            path: of the set, for messages.
            entries: in the order in which they are to be read.
            frame: what brings an image to the framing of the set.

        Raises:
            NothingReadableError: There is no entry.
        """
        if not entries:
            raise NothingReadableError(f"{path}: the lists of this set name no image; copy it again")
        super().__init__((), len(entries), files=[entry.file for entry in entries])
        self._path, self._entries, self._frame = path, entries, frame

    def __iter__(self) -> Iterator[Pixels]:
        read: list[Entry] = []
        unreadable: list[str] = []
        for entry in self._entries[: self.count]:
            try:
                pixels = self._framed(entry)
            except ImageFileError as error:
                unreadable.append(str(error))
                continue
            read.append(entry)
            yield pixels
        if not read:
            raise _none_readable(self._path, unreadable)
        if unreadable:
            which = f"{len(unreadable)} of {self.count} images left out. The first of them"
            self.skipped = [f"{self._path}: {which}: {unreadable[0]}"]
        labels = [entry.label for entry in read if entry.label is not None]
        self.labels = torch.tensor(labels) if len(labels) == len(read) else None
        self.folders = [entry.folder or entry.file.parent.name for entry in read]

    def limit(self, most: int) -> None:
        """See `Source.limit`."""
        self.count = min(self.count, most)

    def areas(self, least: int) -> Iterator[int]:
        """See `Source.areas`."""
        if self._frame is not None:
            yield from super().areas(least)
            return
        for entry in self._entries[: self.count]:
            size = io.read_size(entry.file)
            left, top, right, bottom = entry.box or (0, 0, *size)
            yield _area((right - left, bottom - top), least) if all(size) else 0

    def _framed(self, entry: Entry) -> Pixels:
        pixels = io.read_pixels(entry.file)
        if entry.box is not None:
            left, top, right, bottom = entry.box
            height, width = pixels.shape[:2]
            if not (0 <= left < right <= width and 0 <= top < bottom <= height):
                box = f"the box {left + 1} to {right}, {top + 1} to {bottom} of its annotation"
                raise ImageFileError(f"{entry.file}: {box} is not inside its {width}x{height} pixels")
            pixels = pixels[top:bottom, left:right]
        return pixels if self._frame is None else self._frame(pixels)


def class_numbers(names: Sequence[str], classes: Iterable[str]) -> Tensor | None:
    """The numbers (N,) int64 of names among classes; None if one is none of them, or there are no names."""
    known = {name: number for number, name in enumerate(classes)}
    return torch.tensor([known[name] for name in names]) if names and known.keys() >= set(names) else None


def _area(size: tuple[int, ...], least: int) -> int:
    area = size[0] * size[1]
    return area if min(size) >= least and area <= MAX_PIXELS else 0  # what is larger is not read


def _none_readable(path: Path, unreadable: Sequence[str]) -> NothingReadableError:
    what = f"none of {len(unreadable)} images can be read; give a folder of images. The first of them"
    return NothingReadableError(f"{path}: {what}: {unreadable[0]}")
