"""Clean training images: folders and torchvision's layouts on disk, held in memory as uint8.

Nothing is downloaded. Sets are read once; crops, flips and damage are made on the device, batch by batch.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from agerestore import imagefile
from agerestore.errors import AgeRestoreError, ImageFileError, NothingReadableError, is_out_of_memory
from agerestore.imagecodec import readable_suffixes

AUGMENT_MARGIN = 1.25  # pictures that are to be cropped at random are held this much larger


@dataclass(frozen=True)
class ImageSet:
    """A set of images of one size.

    Attributes:
        images: (N, C, S, S) uint8.
        labels: (N,) int64, or None where the source has none.
        skipped: one line for each file that could not be read.
    """

    images: Tensor
    labels: Tensor | None = None
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor) -> "ImageSet":
        """The images (and labels) at ``indices``."""
        return ImageSet(self.images[indices], None if self.labels is None else self.labels[indices])


def load(path: Path, image_size: int, channels: int, split: str = "train") -> ImageSet:
    """Read a whole image set into memory.

    Args:
        path: a folder of images (searched recursively), or the root of MNIST, CIFAR-10, SVHN or CelebA as
            torchvision lays them out on disk.
        image_size: S; images are cropped to a centred square and scaled. 28-pixel MNIST is padded to 32 first.
        channels: 1 (luminance) or 3 (RGB).
        split: ``train`` or ``test``; a plain folder is taken as it is.

    Raises:
        NothingReadableError: no such folder, or no readable image in it.
    """
    if not path.is_dir():
        raise NothingReadableError(f"{path}: no such folder; give a folder of images")
    for found, reader in LAYOUTS:
        if (path / found).exists():
            arrays, labels, skipped = reader(path, split)
            break
    else:
        arrays, labels, skipped = _folder(path)
    try:
        images = torch.stack([_fit(array, image_size, channels) for array in arrays])
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise AgeRestoreError(f"{path}: not enough memory for the whole set; train on a part of it") from None
    return ImageSet(images, labels, tuple(skipped))


def split_validation(images: ImageSet, share: float) -> tuple[ImageSet, ImageSet]:
    """Hold a fixed random ``share`` of a set out: (training part, validation part)."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(20170407))
    held_out = round(len(images) * share)
    return images.take(order[held_out:]), images.take(order[:held_out])


def resize(images: Tensor, size: int) -> Tensor:
    """Scale (N, C, H, W) uint8 to (N, C, size, size) uint8, averaging where it shrinks."""
    if images.shape[2:] == (size, size):
        return images
    scaled = torch.nn.functional.interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
    return scaled.round().to(torch.uint8)


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from anything printable: the random state of a step is a function of where it stands."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@lru_cache(maxsize=2)
def _permutation(length: int, seed: int, epoch: int) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed("epoch", seed, epoch))
    return torch.randperm(length, generator=generator)


def batch_indices(length: int, batch_size: int, step: int, seed: int) -> Tensor:
    """Which images iteration ``step`` sees: shuffled epochs, the last incomplete batch dropped; (B,) int64.

    A function of its arguments only, so that a resumed run sees what the uninterrupted one would have seen.
    """
    per_epoch = max(length // batch_size, 1)
    epoch, position = divmod(step, per_epoch)
    return _permutation(length, seed, epoch)[position * batch_size : (position + 1) * batch_size]


def _fit(array: np.ndarray, size: int, channels: int) -> Tensor:
    """(H, W, C) uint8 -> (channels, size, size) uint8."""
    height, width = array.shape[:2]
    if (height, width) == (28, 28) and size == 32:
        array = np.pad(array, ((2, 2), (2, 2), (0, 0)))
    elif (height, width) != (size, size):
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = array[top : top + side, left : left + side]
        shrink = side > size
        array = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
        array = array.reshape(size, size, -1)  # OpenCV drops a single channel
    if channels == 1 and array.shape[2] == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[:, :, None]
    image = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return image.expand(channels, size, size).clone() if image.shape[0] != channels else image


Arrays = tuple[Iterable[np.ndarray], Tensor | None, list[str]]


def _folder(path: Path) -> Arrays:
    arrays: list[np.ndarray] = []
    skipped: list[str] = []
    suffixes = readable_suffixes()
    for file in sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file()):
        try:
            arrays.append(imagefile.read_pixels(file))
        except ImageFileError as error:
            skipped.append(str(error))
    if not arrays:
        raise NothingReadableError(f"{path}: no readable image in this folder; give a folder of images")
    return arrays, None, skipped


def _mnist(path: Path, split: str) -> Arrays:
    from torchvision.datasets import MNIST

    source = MNIST(path, train=split == "train")
    return list(source.data.numpy()[..., None]), source.targets, []


def _cifar10(path: Path, split: str) -> Arrays:
    from torchvision.datasets import CIFAR10

    source = CIFAR10(path, train=split == "train")
    return list(source.data), torch.tensor(source.targets), []


def _svhn(path: Path, split: str) -> Arrays:
    from torchvision.datasets import SVHN

    source = SVHN(path, split=split)
    return list(source.data.transpose(0, 2, 3, 1)), torch.from_numpy(source.labels).long(), []


def _celeba(path: Path, split: str) -> Arrays:
    """Aligned CelebA, framed as the official code does: 178x218 scaled to 64x78, rows 7 to 70."""
    code = {"train": "0", "test": "2"}[split]
    rows = (path / "celeba" / "list_eval_partition.txt").read_text().split("\n")
    names = [row.split()[0] for row in rows if row.split()[1:] == [code]]
    arrays = []
    for name in names:
        pixels = imagefile.read_pixels(path / "celeba" / "img_align_celeba" / name)
        arrays.append(cv2.resize(pixels, (64, 78), interpolation=cv2.INTER_AREA)[7:71])
    return arrays, None, []


LAYOUTS: tuple[tuple[str, Callable[[Path, str], Arrays]], ...] = (
    ("MNIST/raw", _mnist),
    ("cifar-10-batches-py", _cifar10),
    ("train_32x32.mat", _svhn),
    ("celeba/list_eval_partition.txt", _celeba),
)


def has_splits(path: Path) -> bool:
    """Whether a set knows its training and test part apart: one of torchvision's layouts, not a plain folder."""
    return any((path / found).exists() for found, _ in LAYOUTS)
