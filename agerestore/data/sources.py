"""Read training and test images: plain folders, and the layouts of torchvision's data sets. Nothing is downloaded.

Files are found and read as every verb does it. Images are read one after the other and brought to the size that is
wanted at once, so that only one is in memory as it is in its file.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore import device as devices
from agerestore.batch import folders
from agerestore.config.limits import MAX_PIXELS
from agerestore.config.training import TrainConfig
from agerestore.data.augment import MARGIN
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet
from agerestore.data.imagenet_classes import IMAGENET_CLASSES
from agerestore.errors import AgeRestoreError, ImageFileError, NothingReadableError
from agerestore.images import io

COPIES = 2  # of a set of small images that are in memory at once while its parts for training and validation are made

Pixels = NDArray[Any]  # (H, W, 1 or 3) uint8


class Source:
    """A set of images, which are read while they are iterated over: (H, W, 1 or 3) uint8 each.

    Attributes:
        count: how many there are at most.
        labels: (N,) int64 of those that were read, or None; complete after the last image.
        skipped: a line for each file, or kind of files, that was left out; complete after the last image.
        folders: name of the folder of each image that was read, where it is a file; complete after the last image.
    """

    def __init__(self, images: Iterable[Pixels], count: int, labels: Tensor | None = None) -> None:
        self._images, self.count, self.labels = images, count, labels
        self.skipped: list[str] = []
        self.folders: list[str] = []

    def __iter__(self) -> Iterator[Pixels]:
        return iter(self._images)

    def areas(self, least: int) -> Iterator[int]:
        """Pixels of each image whose sides are ``least`` or more, by the headers of the files; 0 of the rest."""
        for image in self._images:
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
        for file in self._files:
            try:
                yield io.read_pixels(file)
                names.append(file.parent.name)
            except ImageFileError as error:
                unreadable.append(str(error))
        if not names:
            what = f"none of {len(unreadable)} images can be read; give a folder of images. The first of them"
            raise NothingReadableError(f"{self._path}: {what}: {unreadable[0]}")
        self.skipped += unreadable
        self.folders = names
        self.labels = _numbers(names, "0123456789")

    def areas(self, least: int) -> Iterator[int]:
        """See `Source.areas`."""
        return (_area(io.read_size(file), least) for file in self._files)


def _numbers(names: Sequence[str], classes: Iterable[str]) -> Tensor | None:
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


def _celeba(path: Path, split: str) -> Source:
    """Aligned CelebA, framed as the official code does: 178x218 scaled to 64x78, rows 7 to 70."""
    code = {"train": "0", "test": "2"}[split]
    rows = (path / "celeba" / "list_eval_partition.txt").read_text().split("\n")
    names = [row.split()[0] for row in rows if row.split()[1:] == [code]]
    pixels = (io.read_pixels(path / "celeba" / "img_align_celeba" / name) for name in names)
    images = [cv2.resize(each, (64, 78), interpolation=cv2.INTER_AREA)[7:71] for each in pixels]
    return Source(images, len(names))


LAYOUTS: tuple[tuple[str, Callable[[Path, str], Source]], ...] = (
    ("MNIST/raw", _mnist),
    ("cifar-10-batches-py", _cifar10),
    ("train_32x32.mat", _svhn),
    ("celeba/list_eval_partition.txt", _celeba),
)


def open_source(path: Path, split: str) -> Source:
    """Open a set.

    Args:
        path: a folder of images (searched recursively), or the root of one of `LAYOUTS`.
        split: ``train`` or ``test``; a plain folder is taken as it is.

    Raises:
        NothingReadableError: no such folder, no image in it, or a damaged set.
    """
    if not path.is_dir():
        raise NothingReadableError(f"{path}: no such folder; give a folder of images")
    for found, reader in LAYOUTS:
        if (path / found).exists():
            return _complete(reader, path, split)
    return FolderSource(path)


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


def load_training_set(path: Path, config: TrainConfig) -> TrainingSet:
    """Read the training set of a run in the form that its networks want.

    Args:
        path: as for `load_images`.
        config: of the run.

    Raises:
        NothingReadableError: no such folder, or no image in it that is readable and large enough.
    """
    network = config.network
    if network.image_size is None:
        return load_photographs(path, config.crop_size)
    stored = round(network.image_size * MARGIN) if config.augment else network.image_size
    return load_images(path, stored, network.channels, stretch=network.fit == "stretch")


def load_images(path: Path, image_size: int, channels: int, split: str = "train", stretch: bool = False) -> ImageSet:
    """Read a whole image set into memory.

    Args:
        path: a folder of images (searched recursively), or the root of MNIST, CIFAR-10, SVHN or CelebA as
            torchvision lays them out on disk.
        image_size: S; images are cropped to a centered square and scaled. 28-pixel MNIST is padded to 32 first.
        channels: 1 (luminance) or 3 (RGB).
        split: ``train`` or ``test``; a plain folder is taken as it is.
        stretch: scale the whole image, whatever its proportions, instead of the square in its middle.

    Raises:
        NothingReadableError: no such folder, or no readable image in it.
        AgeRestoreError: not enough memory for all of it.
    """
    source = open_source(path, split)
    with _enough_memory(path, COPIES * source.count * channels * image_size**2):
        images = torch.empty(source.count, channels, image_size, image_size, dtype=torch.uint8)
        count = 0
        for image in source:
            images[count] = _fit(image, image_size, channels, stretch)
            count += 1
    return ImageSet(images[:count], source.labels, tuple(source.skipped))


def load_photographs(path: Path, least: int = 1, split: str = "train") -> PhotoSet:
    """Read photographs of any size into memory, as RGB.

    They have labels if each lies in a folder that is named by the WordNet id of its class in ImageNet, as in
    n01440764/a.jpg.

    Args:
        path: as for `load_images`.
        least: smallest side of those that are taken.
        split: as for `load_images`.

    Raises:
        NothingReadableError: no such folder, or no image in it that is readable and large enough.
        AgeRestoreError: not enough memory for all of it.
    """
    source = open_source(path, split)
    with _enough_memory(path, 3 * sum(source.areas(least))):
        sides = []
        images = []
        for image in source:
            sides.append(min(image.shape[:2]))
            if sides[-1] >= least:
                images.append(_planes(image, 3))
    if not images:
        raise NothingReadableError(f"{path}: no image of at least {least}x{least} pixels; give larger photographs")
    skipped = source.skipped
    if small := len(sides) - len(images):
        skipped = [*skipped, f"{path}: {small} of {len(sides)} images left out, smaller than {least}x{least} pixels"]
    labels = _numbers(source.folders, IMAGENET_CLASSES)
    if labels is not None:
        labels = labels[torch.tensor(sides) >= least]
    return PhotoSet(tuple(images), labels, skipped=tuple(skipped))


@contextmanager
def _enough_memory(path: Path, needed: int) -> Iterator[None]:
    """Read a set that takes so many bytes, if there are as many.

    Raises:
        AgeRestoreError: There are not, or they run out.
    """
    free = devices.free_memory()
    if needed > free:
        sizes = f"its images take {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        raise AgeRestoreError(f"{path}: {sizes}; give a part of it, or a machine with more memory")
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not devices.is_out_of_memory(error):
            raise
        raise AgeRestoreError(f"{path}: not enough memory for the whole set; give a part of it") from None


def _fit(array: Pixels, size: int, channels: int, stretch: bool = False) -> Tensor:
    """(H, W, C) uint8 -> (channels, size, size) uint8."""
    height, width = array.shape[:2]
    if (height, width) == (28, 28) and size in (32, round(32 * MARGIN)):
        array = np.pad(array, ((2, 2), (2, 2), (0, 0)))
        height = width = 32
    if (height, width) != (size, size):
        side = min(height, width)
        if not stretch:
            top, left = (height - side) // 2, (width - side) // 2
            array = array[top : top + side, left : left + side]
        shrink = side > size
        array = cv2.resize(array, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
        array = array.reshape(size, size, -1)  # OpenCV drops a single channel
    return _planes(array, channels)


def _planes(array: Pixels, channels: int) -> Tensor:
    """(H, W, C) uint8 -> (channels, H, W) uint8: color becomes luminance, gray is repeated."""
    if channels == 1 and array.shape[2] == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[:, :, None]
    image = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return image.expand(channels, -1, -1).clone() if image.shape[0] != channels else image
