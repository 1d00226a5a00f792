"""Clean training images, held in memory as uint8.

Sets are read once; crops, flips and damage are made on the device, batch by batch.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from agerestore.data import sources
from agerestore.data.seeds import derive_seed
from agerestore.device import is_out_of_memory
from agerestore.errors import AgeRestoreError, NothingReadableError, UsageError

AUGMENT_MARGIN = 1.25  # pictures that are to be cropped at random are held this much larger
MAX_UPSCALE = 2.5  # of pieces of photographs


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

    def to(self, device: torch.device) -> "ImageSet":
        """The images on a device; labels stay where they are."""
        return ImageSet(self.images.to(device), self.labels)


@dataclass(frozen=True)
class PhotoSet:
    """Photographs of any sizes.

    Attributes:
        images: each (3, H, W) uint8.
        skipped: one line for each file that could not be read, and one for those that are too small.
    """

    images: tuple[Tensor, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Tensor) -> "PhotoSet":
        """The photographs at ``indices``."""
        return PhotoSet(tuple(self.images[i] for i in indices.tolist()))

    def to(self, device: torch.device) -> "PhotoSet":
        """The photographs on a device."""
        return PhotoSet(tuple(image.to(device) for image in self.images))

    def crops(self, count: int, size: int, generator: torch.Generator, enlarged: float = 0) -> Tensor:
        """Random square pieces, turned and mirrored at random; a large photograph gives more of them.

        Args:
            count: N.
            size: S, at most the smallest side.
            generator: source of randomness, on the CPU.
            enlarged: share of the pieces that are enlarged to this size, by up to `MOST_ENLARGED`.

        Returns:
            (N, 3, S, S) uint8, on the device of the photographs.
        """
        area = torch.tensor([float(image.shape[1] * image.shape[2]) for image in self.images])
        pieces = []
        for index in torch.multinomial(area, count, replacement=True, generator=generator).tolist():
            image, side = self.images[index], size
            if enlarged:
                chance, factor = torch.rand(2, generator=generator).tolist()
                side = round(size / MAX_UPSCALE**factor) if chance < enlarged else size
            top, left = (int(torch.randint(length - side + 1, (), generator=generator)) for length in image.shape[1:])
            turns, mirrored = torch.randint(4, (2,), generator=generator).tolist()
            piece = image[:, top : top + side, left : left + side].rot90(turns, (1, 2))
            pieces.append(resize(piece[None].flip(3) if mirrored % 2 else piece[None], size, "bicubic"))
        return torch.cat(pieces)


AnySet = ImageSet | PhotoSet


def load_images(path: Path, image_size: int, channels: int, split: str = "train", stretch: bool = False) -> ImageSet:
    """Read a whole image set into memory.

    Args:
        path: a folder of images (searched recursively), or the root of MNIST, CIFAR-10, SVHN or CelebA as
            torchvision lays them out on disk.
        image_size: S; images are cropped to a centered square and scaled. 28-pixel MNIST is padded to 32 first.
        channels: 1 (luminance) or 3 (RGB).
        split: ``train`` or ``test``; a plain folder is taken as it is.
        stretch: scale the whole picture, whatever its proportions, instead of the square in its middle.

    Raises:
        NothingReadableError: no such folder, or no readable image in it.
        AgeRestoreError: not enough memory for all of it.
    """
    arrays, labels, skipped = sources.read(path, split)
    with _enough_memory(path):
        images = torch.stack([_fit(array, image_size, channels, stretch) for array in arrays])
    return ImageSet(images, labels, tuple(skipped))


def load_photographs(path: Path, least: int = 1, split: str = "train") -> PhotoSet:
    """Read photographs of any size into memory, as RGB.

    Args:
        path: as for `load`.
        least: smallest side of those that are taken.
        split: as for `load`.

    Raises:
        NothingReadableError: no such folder, or no picture in it that is readable and large enough.
    """
    arrays, _, skipped = sources.read(path, split)
    with _enough_memory(path):
        read = [_planes(array, 3) for array in arrays]
    images = tuple(image for image in read if min(image.shape[1:]) >= least)
    if not images:
        raise NothingReadableError(f"{path}: no picture of at least {least}x{least} pixels; give larger photographs")
    if small := len(read) - len(images):
        skipped = [*skipped, f"{path}: {small} of {len(read)} pictures left out, smaller than {least}x{least} pixels"]
    return PhotoSet(images, tuple(skipped))


@contextmanager
def _enough_memory(path: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise AgeRestoreError(f"{path}: not enough memory for the whole set; train on a part of it") from None


def split_validation(images: AnySet, share: float) -> tuple[AnySet, AnySet]:
    """Hold a fixed random ``share`` of a set out, one picture at least: (training part, validation part)."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(20170407))
    held_out = num_held_out(len(images), share)
    return images.take(order[held_out:]), images.take(order[:held_out])


def num_held_out(count: int, share: float) -> int:
    """How many pictures `split_validation` holds out."""
    return max(round(count * share), 1 if share > 0 and count > 1 else 0)


def dataset_digest(images: AnySet) -> str:
    """What tells sets apart: a hash of each picture's size and sum, in their order, and of the labels."""
    sums = [int(image.sum()) for image in images.images]
    shapes = [tuple(image.shape) for image in images.images]
    labels = images.labels.tolist() if isinstance(images, ImageSet) and images.labels is not None else None
    return hashlib.blake2b(repr((sums, shapes, labels)).encode(), digest_size=16).hexdigest()


def resize(images: Tensor, size: int, mode: str = "bilinear") -> Tensor:
    """Scale (N, C, H, W) uint8 to (N, C, size, size) uint8, averaging where it shrinks; ``mode`` as torch names it."""
    if images.shape[2:] == (size, size):
        return images
    scaled = torch.nn.functional.interpolate(images.float(), (size, size), mode=mode, antialias=True)
    return scaled.round().clamp(0, 255).to(torch.uint8)


def hide_labels(labels: Tensor, count: int | None, seed: int) -> Tensor:
    """Labels (N,) of which all but ``count`` are hidden as -1: as many are left of each class, drawn from ``seed``.

    Raises:
        UsageError: a class has fewer pictures than its share.

    >>> known_labels(torch.tensor([0, 0, 1, 1, 1]), 2, seed=0).sort().values
    tensor([-1, -1, -1,  0,  1])
    """
    if count is None:
        return labels
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(derive_seed("labels", seed)))
    places = [order[labels[order] == label] for label in labels.unique().tolist()]
    shares = [count // len(places) + (number < count % len(places)) for number in range(len(places))]
    kept = torch.cat([place[:share] for place, share in zip(places, shares, strict=True)])
    if len(kept) < count:
        raise UsageError(f"labels={count}: only {len(kept)} are there, as many of each class; set fewer")
    return torch.full_like(labels, -1).index_copy(0, kept, labels[kept])


def _fit(array: np.ndarray, size: int, channels: int, stretch: bool = False) -> Tensor:
    """(H, W, C) uint8 -> (channels, size, size) uint8."""
    height, width = array.shape[:2]
    if (height, width) == (28, 28) and size in (32, round(32 * AUGMENT_MARGIN)):
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


def _planes(array: np.ndarray, channels: int) -> Tensor:
    """(H, W, C) uint8 -> (channels, H, W) uint8: color becomes luminance, gray is repeated."""
    if channels == 1 and array.shape[2] == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[:, :, None]
    image = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return image.expand(channels, -1, -1).clone() if image.shape[0] != channels else image
