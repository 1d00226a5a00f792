"""The AGE game under a condition: g(z, y) and e(x, y), with y what is known of a damaged picture.

It is played on surprises: what the estimate did not foresee of the clean picture, in units of the error it expected.
The terms are those of `agerestore.objectives.age`, each code being that of one region of a picture, and one more:

========= =================================================================================================
term      meaning
========= =================================================================================================
kl_within divergence of e(g(z, y), y) across draws of z for one y; large where the generator does not heed z
========= =================================================================================================
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from agerestore.errors import UsageError
from agerestore.objectives import age
from agerestore.objectives.base import Batch, Networks
from agerestore.observation import Condition, Estimate

TERMS = (*age.TERMS, "kl_within")

Bound = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ConditionalAGE:
    """The AGE game around an estimator that is held fixed.

    Attributes:
        game: the terms without a condition, which are computed on networks bound to one.
        draws: of z for each condition in ``kl_within``.
    """

    game: age.AGE
    draws: int = 4

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``; codes (B, M) are those of all regions."""
        if batch.damaged is None or batch.mask is None:
            raise UsageError(
                "the conditional game is played on damaged pictures: set damage, such as noise:sigma=0..55"
            )
        with torch.no_grad():
            condition = Condition(batch.damaged, batch.mask, networks["estimator"](batch.damaged, batch.mask))
        surprise = replace(batch, x=condition.surprise(batch.x))
        terms = self.game(player, _bind(networks, condition), surprise, wanted)
        if "kl_within" in wanted:
            terms["kl_within"] = self._within(player, networks, condition, batch.z)
        return terms

    def _within(self, player: str, networks: Networks, condition: Condition, z: Tensor) -> Tensor:
        """Divergence of codes from which the mean over the draws for their own condition was taken."""
        count = len(condition.damaged) // self.draws
        bound = _bind(networks, _repeat(condition, count, self.draws))
        z = z[: len(z) // len(condition.damaged) * count * self.draws]
        with torch.set_grad_enabled(player == "generator"):
            fake = bound["generator"](z)
        codes = bound["encoder"](fake).view(count, self.draws, -1, z.shape[1])
        deviations = (codes - codes.mean(dim=1, keepdim=True)) * math.sqrt(self.draws / (self.draws - 1))
        return self.game.divergence(deviations.flatten(0, 2))


def _bind(networks: Networks, condition: Condition) -> Networks:
    """Networks of one argument: surprises to codes (regions, M), and codes to surprises."""
    batch, rows, columns = (condition.damaged.shape[0], *(side // 16 for side in condition.damaged.shape[2:]))

    def encode(image: Tensor) -> Tensor:
        return cast(Tensor, networks["encoder"](image, condition)).movedim(1, -1).flatten(0, 2)

    def generate(code: Tensor) -> Tensor:
        field = code.view(batch, rows, columns, -1).movedim(-1, 1)
        return cast(Tensor, networks["generator"](field, condition))

    return {"encoder": encode, "generator": generate}


def _repeat(condition: Condition, count: int, draws: int) -> Condition:
    """The first ``count`` pictures, each ``draws`` times in a row."""

    def each(tensor: Tensor) -> Tensor:
        return tensor[:count].repeat_interleave(draws, dim=0)

    image, log_variance, features = condition.estimate
    estimate = Estimate(each(image), each(log_variance), tuple(map(each, features)))
    return Condition(each(condition.damaged), each(condition.mask), estimate)
