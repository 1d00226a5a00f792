"""What is known of a damaged picture: its pixels, which of them are unknown, and what can be estimated."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

REGION = 16  # pixels a side, of which a code speaks
MOST_SURPRISE = 4.0  # expected deviations


@dataclass(frozen=True)
class Observation:
    """A batch of damaged pictures.

    Attributes:
        image: (B, C, H, W) float, RGB or gray in [0, 1]; unclipped noise may leave that range.
        mask: (B, 1, H, W) float of 0 and 1, 1 where a pixel is unknown; None when every pixel was observed.
    """

    image: Tensor
    mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, pictures: slice | Tensor) -> Self:
        """Some pictures of the batch, a slice of them or those at indices (N,)."""
        return type(self)(self.image[pictures], None if self.mask is None else self.mask[pictures])

    def split(self, size: int) -> list[Self]:
        """Batches of at most ``size`` pictures."""
        return [self[start : start + size] for start in range(0, len(self), size)]

    def crop(self, rows: slice, columns: slice) -> Self:
        """A piece of every picture."""
        mask = None if self.mask is None else self.mask[:, :, rows, columns]
        return type(self)(self.image[:, :, rows, columns], mask)

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return type(self)(self.image.to(device), None if self.mask is None else self.mask.to(device))

    @property
    def known(self) -> Tensor:
        """(B, 1, H, W) float, 1 where a pixel was observed, else 0."""
        return torch.ones_like(self.image[:, :1]) if self.mask is None else 1 - self.mask

    def filled(self, value: float = 0) -> Tensor:
        """The pictures with ``value`` where they are unknown: what stood there, even NaN, cannot matter."""
        return self.image if self.mask is None else self.image.masked_fill(self.mask > 0, value)


class Estimate(NamedTuple):
    """The best single estimate of a clean picture, in the range of the networks, [-1, 1].

    Attributes:
        image: (B, 3, H, W) float32.
        log_variance: (B, 3, H, W) float32, of its error.
        features: at quarter and at half resolution, (B, C, H/4, W/4) and (B, C', H/2, W/2), sides rounded up: what it
            was made of.
    """

    image: Tensor
    log_variance: Tensor
    features: tuple[Tensor, ...]


class Condition(NamedTuple):
    """What a conditional encoder and generator are told of a picture, in the range of the networks, [-1, 1].

    Attributes:
        damaged: (B, 3, H, W), 0 where unknown.
        mask: (B, 1, H, W), 1 where unknown.
        estimate: the center, from which samples depart.
    """

    damaged: Tensor
    mask: Tensor
    estimate: Estimate

    @property
    def deviation(self) -> Tensor:
        """Standard deviation of the error of the estimate, as the estimator expects it; (B, 3, H, W)."""
        return (self.estimate.log_variance / 2).exp()

    def surprise(self, image: Tensor) -> Tensor:
        """What the estimate did not foresee of a picture, in units of the error expected; (B, 3, H, W)."""
        return ((image - self.estimate.image) / self.deviation).clamp(-MOST_SURPRISE, MOST_SURPRISE)

    def picture(self, surprise: Tensor) -> Tensor:
        """Undo `surprise`."""
        return self.estimate.image + self.deviation * surprise
