"""What every system shares: the batch a term sees, and the shape of the function that computes terms."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

Networks = Mapping[str, Callable[..., Any]]  # by the name of the player


@dataclass(frozen=True)
class Batch:
    """What one step of one player is given.

    Attributes:
        x: (B, C, S, S) clean images in [-1, 1].
        z: (N, M) prior codes: one for each image, or for each region of it.
        damaged: (B, C, S, S) the same images damaged, [-1, 1] scaled; None where the objective needs none.
        mask: (B, 1, S, S), 1 where a pixel of ``damaged`` is unknown; None where the objective needs none.
        view: (B, C, S, S) other views of the same images; None where the objective needs none.
    """

    x: Tensor
    z: Tensor
    damaged: Tensor | None = None
    mask: Tensor | None = None
    view: Tensor | None = None

    def part(self, number: int, count: int) -> "Batch":
        """The ``number``-th, from 0, of ``count`` parts of equal size."""
        parts = {name: value.chunk(count)[number] for name, value in vars(self).items() if value is not None}
        return Batch(**parts)


class Objective(Protocol):
    """Named loss terms of one player, computed only where ``wanted``."""

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Return a scalar for each name in ``wanted``, with gradient to ``networks[player]``."""
        ...
