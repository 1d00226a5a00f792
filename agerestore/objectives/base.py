"""What every system shares: the batch a term sees, and the shape of the function that computes terms."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """What one step of one player is given.

    Attributes:
        x: (B, C, S, S) clean images in [-1, 1].
        z: (B, M) prior codes.
        damaged: (B, C, S, S) the same images damaged, [-1, 1] scaled; None where the objective needs none.
    """

    x: Tensor
    z: Tensor
    damaged: Tensor | None = None


class Objective(Protocol):
    """Named loss terms of one player, computed only where ``wanted``."""

    def __call__(
        self, player: str, networks: Mapping[str, nn.Module], batch: Batch, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """Return a scalar for each name in ``wanted``, with gradient to ``networks[player]``."""
        ...
