"""What every system shares: the batch a term sees, and the shape of the function that computes terms."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from agerestore.errors import UsageError

Networks = Mapping[str, Any]  # by the name of the player; each can be called


@dataclass(frozen=True)
class Batch:
    """What one step of one player is given.

    Attributes:
        x: (B, C, S, S) clean images in [-1, 1].
        z: (N, M) prior codes: one for each image, or for each region of it. With classes (N, K + M).
        damaged: (B, C, S, S) the same images damaged, [-1, 1] scaled; None where the objective needs none.
        mask: (B, 1, S, S), 1 where a pixel of ``damaged`` is unknown; None where the objective needs none.
        view: (B, C, S, S) other views of the same images; None where the objective needs none.
        noise: (B, M) from N(0, I), of which a Gaussian posterior makes its draws.
        labels: (B,) int64 of the images, -1 where it is not known; None where the set has none.
        labeled: (B, C, S, S) images of the labeled subset, as an encoder sees them; None where all are labeled.
        labeled_classes: (B,) int64, their labels.
    """

    x: Tensor
    z: Tensor
    damaged: Tensor | None = None
    mask: Tensor | None = None
    view: Tensor | None = None
    noise: Tensor | None = None
    labels: Tensor | None = None
    labeled: Tensor | None = None
    labeled_classes: Tensor | None = None

    @property
    def seen(self) -> Tensor:
        """(B, C, S, S): what an encoder sees of the images: damaged where there is damage."""
        return self.x if self.damaged is None else self.damaged

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What there is of it."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def part(self, number: int, count: int) -> "Batch":
        """The ``number``-th, from 0, of ``count`` parts of equal size."""
        return Batch(**{name: value.chunk(count)[number] for name, value in self.tensors.items()})

    def copy(self) -> "Batch":
        """The same in memory of its own."""
        return Batch(**{name: value.clone() for name, value in self.tensors.items()})

    def overwrite(self, other: "Batch") -> None:
        """Put what another batch holds in the place of what this one does, which holds as much."""
        for name, value in self.tensors.items():
            value.copy_(other.tensors[name])


def learns(player: str, name: str) -> bool:
    """Whether a network is one of a player's, which may be several joined by +."""
    return name in player.split("+")


def labels_of(labels: Tensor | None) -> Tensor:
    """The labels, or one line that says that there are none."""
    if labels is None:
        raise UsageError(
            "this objective learns from labels, and these pictures have none: train on MNIST, CIFAR-10 or SVHN as "
            "torchvision lays them out, or choose another objective"
        )
    return labels


class Objective(Protocol):
    """Named loss terms of one player, computed only where ``wanted``."""

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Return a scalar for each name in ``wanted``, with gradient to ``networks[player]``."""
        ...
