"""Clean training and test images, held in memory as uint8.

A set is read once; crops, mirror images and degraded versions are made batch by batch, see `agerestore.data.batches`.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor

from agerestore.data.seeds import derive_seed
from agerestore.errors import UsageError

MAX_UPSCALE = 2.5  # of random crops of photographs
SMALLEST_VIEW, WIDEST_VIEW = 0.5, 1.7  # of the short side of a photograph, and of a view's own


@dataclass(frozen=True)
class TrainingSet(ABC):
    """A set of clean images: an `ImageSet` or a `PhotoSet`.

    Attributes:
        one_size: whether all images have one size.
        images: N images (C, H, W) uint8, in a tensor or a tuple.
        labels: (N,) int64, or None where the source has none.
        skipped: one line for each file, or kind of files, that was left out.
        found: how many images the source has; 0 of a set that comes from no source.
    """

    one_size: ClassVar[bool]

    images: Any
    labels: Tensor | None = None
    skipped: tuple[str, ...] = ()
    found: int = 0

    def __len__(self) -> int:
        return len(self.images)

    @property
    @abstractmethod
    def largest_batch(self) -> float:
        """The most images that a batch can hold."""

    @abstractmethod
    def groups(self) -> list[Tensor]:
        """The images as batches (B, C, H, W) uint8, each of one size."""

    @abstractmethod
    def take(self, indices: Tensor) -> Self:
        """The images at ``indices`` (K,) int64, with their labels."""

    @abstractmethod
    def to(self, device: torch.device) -> Self:
        """The images on a device; labels stay where they are."""

    def digest(self) -> str:
        """A hash that tells sets apart: of each image's size and sum, in their order, and of the labels."""
        sums = [int(image.sum()) for image in self.images]
        shapes = [tuple(image.shape) for image in self.images]
        labels = self.labels.tolist() if self.one_size and self.labels is not None else None  # photographs': not used
        return hashlib.blake2b(repr((sums, shapes, labels)).encode(), digest_size=16).hexdigest()


Set = TypeVar("Set", bound=TrainingSet)


@dataclass(frozen=True)
class ImageSet(TrainingSet):
    """A set of images of one size, (N, C, S, S) uint8; see `TrainingSet`."""

    one_size = True

    images: Tensor

    @property
    def largest_batch(self) -> float:
        """N: a batch shows each image once at most."""
        return len(self.images)

    def groups(self) -> list[Tensor]:
        """See `TrainingSet.groups`: a single one."""
        return [self.images]

    def take(self, indices: Tensor) -> Self:
        """See `TrainingSet.take`."""
        return type(self)(self.images[indices], None if self.labels is None else self.labels[indices])

    def to(self, device: torch.device) -> Self:
        """See `TrainingSet.to`."""
        return type(self)(self.images.to(device), self.labels)


@dataclass(frozen=True)
class PhotoSet(TrainingSet):
    """Photographs of any sizes, each (3, H, W) uint8; see `TrainingSet`. Labels are for evaluation alone."""

    one_size = False

    images: tuple[Tensor, ...]

    @property
    def largest_batch(self) -> float:
        """Unlimited: a batch holds random crops, several of a photograph."""
        return math.inf

    def groups(self) -> list[Tensor]:
        """See `TrainingSet.groups`: one for each photograph."""
        return [image[None] for image in self.images]

    def take(self, indices: Tensor) -> Self:
        """See `TrainingSet.take`."""
        labels = None if self.labels is None else self.labels[indices]
        return type(self)(tuple(self.images[i] for i in indices.tolist()), labels)

    def to(self, device: torch.device) -> Self:
        """See `TrainingSet.to`."""
        return type(self)(tuple(image.to(device) for image in self.images), self.labels)

    def crops(self, count: int, size: int, generator: torch.Generator, upscaled: float = 0) -> Tensor:
        """Random square crops, rotated by multiples of 90 degrees and mirrored; larger photographs give more of them.

        Args:
            count: N.
            size: S, at most the smallest side.
            generator: on the CPU.
            upscaled: share of the crops that are upscaled to this size, by up to `MAX_UPSCALE`.

        Returns:
            (N, 3, S, S) uint8, on the device of the photographs.
        """
        area = torch.tensor([float(image.shape[1] * image.shape[2]) for image in self.images])
        crops = []
        for index in torch.multinomial(area, count, replacement=True, generator=generator).tolist():
            image, side = self.images[index], size
            if upscaled:
                chance, factor = torch.rand(2, generator=generator).tolist()
                side = round(size / MAX_UPSCALE**factor) if chance < upscaled else size
            top, left = (int(torch.randint(length - side + 1, (), generator=generator)) for length in image.shape[1:])
            rotation, mirrored = torch.randint(4, (2,), generator=generator).tolist()
            crop = image[:, top : top + side, left : left + side].rot90(rotation, (1, 2))
            crops.append(resize(crop[None].flip(3) if mirrored % 2 else crop[None], size, "bicubic"))
        return torch.cat(crops)

    def views(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        """Random views of whole scenes: each a large part of one photograph, half of them wider, half mirrored.

        Args:
            count: N.
            size: S.
            generator: on the CPU.

        Returns:
            (N, 3, S, S) uint8, on the device of the photographs; what was not square is stretched.
        """
        views = []
        for index in torch.randint(len(self.images), (count,), generator=generator).tolist():
            image = self.images[index]
            share, down, across, longer, mirrored = torch.rand(5, generator=generator).tolist()
            short = min(image.shape[1:])
            side = max(short * (SMALLEST_VIEW + (1 - SMALLEST_VIEW) * share), min(short, size // 2))
            stretch = 1 + (WIDEST_VIEW - 1) * max(2 * longer - 1, 0)
            height, width = (min(round(side * (stretch if whole > short else 1)), whole) for whole in image.shape[1:])
            top, left = int(down * (image.shape[1] - height + 1)), int(across * (image.shape[2] - width + 1))
            view = image[None, :, top : top + height, left : left + width]
            views.append(resize(view.flip(3) if mirrored < 0.5 else view, size))
        return torch.cat(views)


def split_validation(images: Set, share: float) -> tuple[Set, Set]:
    """Hold a fixed random ``share`` of a set out, one image at least: (training part, validation part)."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(20170407))
    held_out = num_held_out(len(images), share)
    return images.take(order[held_out:]), images.take(order[:held_out])


def num_held_out(count: int, share: float) -> int:
    """How many images `split_validation` holds out of ``count``."""
    return max(round(count * share), 1 if share > 0 and count > 1 else 0)


def resize(images: Tensor, size: int, mode: str = "bilinear") -> Tensor:
    """Scale (N, C, H, W) uint8 to (N, C, size, size) uint8, averaging where it shrinks; ``mode`` as torch names it."""
    if images.shape[2:] == (size, size):
        return images
    scaled = torch.nn.functional.interpolate(images.float(), (size, size), mode=mode, antialias=True)
    return scaled.round().clamp(0, 255).to(torch.uint8)


def hide_labels(labels: Tensor, count: int | None, seed: int) -> Tensor:
    """Labels (N,) of which all but ``count`` are hidden as -1: as many are left of each class, drawn from ``seed``.

    Raises:
        UsageError: a class has fewer images than its share.

    >>> hide_labels(torch.tensor([0, 0, 1, 1, 1]), 2, seed=0).sort().values
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
