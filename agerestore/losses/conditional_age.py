"""The AGE game under a condition: g(z, y) and e(x, y), with y what is known of a damaged picture.

It is played on surprises: what the estimate did not foresee of the clean picture, in units of the error it expected.
The terms are those of `agerestore.losses.age`, each code being that of one region of a picture, and two more:

========= =========================================================================================================
term      meaning
========= =========================================================================================================
kl_within divergence of e(g(z, y), y) across draws of z for one y; large where the generator does not heed z
energy    absolute log ratio of the mean square of g(z, y), across draws and in a region, to that of g(e(x, y), y); of
          luminance and of two differences of colors, each for itself
========= =========================================================================================================

Without the last, draws from the prior are several times as large as what the clean picture asks for; and colored where
it is gray, as long as the three are taken together.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config.training import SAMPLES_PER_CONDITION
from agerestore.errors import UsageError
from agerestore.losses import age
from agerestore.losses.base import Batch, Networks, learns
from agerestore.losses.divergence import Divergence
from agerestore.models.layers.estimator import Estimate
from agerestore.models.photo import REGION, Condition

TERMS = (*age.TERMS, "kl_within", "variance_ratio")
QUIET = 0.01  # mean square of a surprise that is not told from none
OPPONENT = (1, 1, 1), (1, 0, -1), (1, -2, 1)  # axes of RGB; photographs surprise nearly always along the first


@dataclass(frozen=True)
class ConditionalAGE:
    """The AGE game around an estimator that is held fixed.

    Attributes:
        game: the terms without a condition, which are computed on networks bound to one.
        draws: of z for each condition in ``kl_within``.
    """

    game: age.AGE
    draws: int = SAMPLES_PER_CONDITION

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``; codes (B, M) are those of all regions."""
        if batch.damaged is None or batch.mask is None:
            raise UsageError(
                "the conditional game is played on damaged pictures: set degradation, such as noise:sigma=0..55"
            )
        with torch.no_grad():
            condition = Condition(batch.damaged, batch.mask, networks["estimator"](batch.damaged, batch.mask))
        surprise = replace(batch, x=condition.residual(batch.x))
        terms = self.game(player, _bind(networks, condition), surprise, wanted)
        if "kl_within" in wanted or "variance_ratio" in wanted:
            terms |= self._draws(player, networks, condition, surprise, wanted)
        return terms

    def _draws(
        self, player: str, networks: Networks, condition: Condition, batch: Batch, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """Terms across several draws of z for each of the first conditions."""
        count = len(condition.damaged) // self.draws
        bound = _bind(networks, _repeat(condition, count, self.draws))
        z = batch.z[: len(batch.z) // len(condition.damaged) * count * self.draws]
        with torch.set_grad_enabled(learns(player, "generator")):
            fake = bound["generator"](z)
        terms: dict[str, Tensor] = {}
        if "kl_within" in wanted:
            codes = bound["encoder"](fake).view(count, self.draws, -1, z.shape[1])
            terms["kl_within"] = divergence_within(self.game.divergence, codes)
        if "variance_ratio" in wanted:
            once = _bind(networks, _repeat(condition, count, 1))
            with torch.no_grad():
                asked = _opponent_energy(once["generator"](once["encoder"](batch.x[:count])))
            drawn = _opponent_energy(fake).view(count, self.draws, *asked.shape[1:]).mean(dim=1)
            terms["variance_ratio"] = ((drawn + QUIET) / (asked + QUIET)).log().abs().mean()
        return terms


def divergence_within(divergence: Divergence, codes: Tensor) -> Tensor:
    """Divergence of codes (conditions, draws, N, M) from the prior, across the draws of each condition."""
    draws = codes.shape[1]
    deviations = (codes - codes.mean(dim=1, keepdim=True)) * math.sqrt(draws / (draws - 1))
    return divergence(deviations.flatten(0, 2))


def _opponent_energy(surprise: Tensor) -> Tensor:
    """Mean square of (B, 3, H, W) along each axis of `OPPONENT` in each region; (B, 3, H/16, W/16)."""
    axes = F.normalize(surprise.new_tensor(OPPONENT), dim=1)
    return F.avg_pool2d(F.conv2d(surprise, axes[:, :, None, None]).square(), REGION)


def _bind(networks: Networks, condition: Condition) -> Networks:
    """Networks of one argument: surprises to codes (regions, M), and codes to surprises."""
    batch, rows, columns = (condition.damaged.shape[0], *(side // REGION for side in condition.damaged.shape[2:]))

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
