"""Where training and test images are found: plain folders, and the layouts of torchvision's data sets.

Nothing is downloaded. Images are read one after the other, so that only one need be in memory as it is in its file.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore import device as devices
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
    """

    def __init__(self, images: Iterable[Pixels], count: int, labels: Tensor | None = None) -> None:
        self._images, self.found, self.count, self.labels = images, count, count, labels
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
        super().__init__((), len(found.images))
        self._path, self._files, self.skipped = path, found.images, found.left_out()

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
            what = f"none of {len(unreadable)} images can be read; give a folder of images. The first of them"
            raise NothingReadableError(f"{self._path}: {what}: {unreadable[0]}")
        self.skipped += unreadable
        self.folders = names
        self.labels = class_numbers(names, "0123456789")

    def limit(self, most: int) -> None:
        """Read ``most`` only, evenly spaced ones: a folder is often sorted by classes."""
        self.count = min(self.count, most)

    def areas(self, least: int) -> Iterator[int]:
        """See `Source.areas`."""
        return (_area(io.read_size(part[0]), least) for part in self._parts())

    def _parts(self) -> Iterator[list[Path]]:
        """Equal parts of the files, of each of which the first that is readable is read."""
        for start, end in pairwise(len(self._files) * part // self.count for part in range(self.count + 1)):
            yield self._files[start:end]


def class_numbers(names: Sequence[str], classes: Iterable[str]) -> Tensor | None:
    """The numbers (N,) int64 of names among classes; None if one is none of them, or there are no names."""
    known = {name: number for number, name in enumerate(classes)}
    return torch.tensor([known[name] for name in names]) if names and known.keys() >= set(names) else None


def _area(size: tuple[int, ...], least: int) -> int:
    area = size[0] * size[1]
    return area if min(size) >= least and area <= MAX_PIXELS else 0  # what is larger is not read


def _mnist(path: Path, split: str) -> Source:
    from torchvision.datasets import MNIST

    source = MNIST(path, train=split == "train")
    return Source(source.data.numpy()[..., None], len(source.data), source.targets)


def _cifar10(path: Path, split: str) -> Source:
    from torchvision.datasets import CIFAR10

    source = CIFAR10(path, train=split == "train")
    return Source(source.data, len(source.data), torch.tensor(source.targets))


def _svhn(path: Path, split: str) -> Source:
    from torchvision.datasets import SVHN

    source = SVHN(path, split=split)
    return Source(source.data.transpose(0, 2, 3, 1), len(source.data), torch.from_numpy(source.labels).long())


class _CelebA(Source):
    """Aligned CelebA, framed as the official code does: 178x218 scaled to 64x78, rows 7 to 70."""

    def __init__(self, path: Path, split: str) -> None:
        code = {"train": "0", "test": "2"}[split]
        rows = (path / "celeba" / "list_eval_partition.txt").read_text().split("\n")
        self._files = [
            path / "celeba" / "img_align_celeba" / row.split()[0] for row in rows if row.split()[1:] == [code]
        ]
        super().__init__((), len(self._files))

    def __iter__(self) -> Iterator[Pixels]:
        for file in self._files[: self.count]:
            yield cv2.resize(io.read_pixels(file), (64, 78), interpolation=cv2.INTER_AREA)[7:71]


LAYOUTS: tuple[tuple[str, Callable[[Path, str], Source]], ...] = (
    ("MNIST/raw", _mnist),
    ("cifar-10-batches-py", _cifar10),
    ("train_32x32.mat", _svhn),
    ("celeba/list_eval_partition.txt", _CelebA),
)


def open_source(path: Path, split: str, limit: int | None = None) -> Source:
    """Open a set.

    Args:
        path: a folder of images (searched recursively), or the root of one of `LAYOUTS`.
        split: ``train`` or ``test``; a plain folder is taken as it is.
        limit: the most images to read: of a folder evenly spaced ones, of a published set the first.

    Raises:
        NothingReadableError: no such folder, no image in it, or a damaged set.
    """
    if not path.is_dir():
        raise NothingReadableError(f"{path}: no such folder; give a folder of images")
    readers = [reader for found, reader in LAYOUTS if (path / found).exists()]
    source = _complete(readers[0], path, split) if readers else FolderSource(path)
    if limit is not None:
        source.limit(limit)
    return source


def _complete(reader: Callable[[Path, str], Source], path: Path, split: str) -> Source:
    """Call a reader, and say in one line where files of its set are missing or damaged."""
    try:
        return reader(path, split)
    except Exception as error:  # whatever torchvision, scipy or pickle say of a damaged file
        if devices.is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())
        raise NothingReadableError(
            f"{path}: files of this set are missing or damaged ({said}); copy it again"
        ) from None


def has_splits(path: Path) -> bool:
    """Whether a set has a training and a test part: one of torchvision's layouts, not a plain folder."""
    return any((path / found).exists() for found, _ in LAYOUTS)
