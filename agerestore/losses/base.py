"""What all objectives share: the batch that they see, and the form of the function that computes their loss terms."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from agerestore.errors import UsageError

Networks = Mapping[str, Any]  # callables by the name of the network


@dataclass(frozen=True)
class Batch:
    """What one update step of one player is given. Images are in [-1, 1].

    Attributes:
        x: (B, C, S, S) clean images.
        z: (N, M) prior codes: one for each image, or for each region of it. With classes (N, K + M).
        damaged: (B, C, S, S) the same images degraded; None where the objective needs none.
        mask: (B, 1, S, S), 1 where a pixel of ``damaged`` is missing; None where the objective needs none.
        view: (B, C, S, S) other views of the same images; None where the objective needs none.
        noise: (B, M) from N(0, I), of which a Gaussian posterior makes its draws.
        labels: (B,) int64 of the images, -1 where it is not known; None where the set has none.
        labeled: (B, C, S, S) images of the labeled subset, as an encoder sees them; None where all are labeled.
        labeled_classes: (B,) int64, their labels.
        defects: (B, 1, S, S) uint8, the kind of defect that can be seen in ``damaged``, from 1; 0 for none, and 255 for
            one that is too faint to be asked for. None where the objective needs none.
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
    defects: Tensor | None = None

    @property
    def encoder_input(self) -> Tensor:
        """(B, C, S, S), the images that an encoder sees: the degraded ones where there are any."""
        return self.x if self.damaged is None else self.damaged

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors that are not None, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def part(self, number: int, count: int) -> "Batch":
        """The ``number``-th, from 0, of ``count`` parts of equal size."""
        return Batch(**{name: value.chunk(count)[number] for name, value in self.tensors.items()})

    def copy(self) -> "Batch":
        """A copy with memory of its own."""
        return Batch(**{name: value.clone() for name, value in self.tensors.items()})

    def overwrite(self, other: "Batch") -> None:
        """Copy the tensors of another batch, of the same names and shapes, into the memory of this one."""
        for name, value in self.tensors.items():
            value.copy_(other.tensors[name])


def learns(player: str, name: str) -> bool:
    """Whether a network is one of a player's, which may be several joined by +."""
    return name in player.split("+")


def require_labels(labels: Tensor | None) -> Tensor:
    """The labels of a set.

    Raises:
        UsageError: it has none.
    """
    if labels is None:
        raise UsageError(
            "this objective learns from labels, and these images have none: train on MNIST, CIFAR-10 or SVHN as "
            "torchvision lays them out, or choose another objective"
        )
    return labels


class Objective(Protocol):
    """Computes named loss terms of one player, those that are ``wanted``."""

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Return a scalar for each name in ``wanted`` that is known, with gradient to the networks of the player."""
        ...


class LossTerms(NamedTuple):
    """The loss terms of an objective.

    Attributes:
        compute: the function that computes them.
        names: of all of them.
    """

    compute: Objective
    names: tuple[str, ...]
