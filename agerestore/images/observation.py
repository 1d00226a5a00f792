"""`Observation`: damaged images and the mask of their missing pixels, as tensors."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Observation:
    """A batch of damaged images.

    Attributes:
        image: (B, C, H, W) float, RGB or gray in [0, 1]; unclipped noise may leave that range.
        mask: (B, 1, H, W) float of 0 and 1, 1 where a pixel is missing; None if none is.
    """

    image: Tensor
    mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, indices: slice | Tensor) -> Self:
        """Images of the batch: a slice of them, or those at indices (N,)."""
        return type(self)(self.image[indices], None if self.mask is None else self.mask[indices])

    def split(self, size: int) -> list[Self]:
        """Batches of at most ``size`` images."""
        return [self[start : start + size] for start in range(0, len(self), size)]

    def crop(self, rows: slice, columns: slice) -> Self:
        """A rectangle of every image."""
        mask = None if self.mask is None else self.mask[:, :, rows, columns]
        return type(self)(self.image[:, :, rows, columns], mask)

    def to(self, device: torch.device) -> Self:
        """Move image and mask to a device."""
        return type(self)(self.image.to(device), None if self.mask is None else self.mask.to(device))

    @property
    def known(self) -> Tensor:
        """(B, 1, H, W) float, 1 where a pixel is known, else 0."""
        return torch.ones_like(self.image[:, :1]) if self.mask is None else 1 - self.mask

    def filled(self, value: float = 0) -> Tensor:
        """The images with ``value`` in place of missing pixels, which may hold anything, even NaN."""
        return self.image if self.mask is None else self.image.masked_fill(self.mask > 0, value)
