"""Conditional AGE losses: g(z, y) and e(x, y), with the condition y, a degraded image and its estimate.

Encoder and generator work on residuals: the clean image minus the estimate, in units of the predicted std. The terms
are those of `agerestore.losses.age`, each code being that of one region of an image, and two more:

============== ====================================================================================================
term           meaning
============== ====================================================================================================
kl_within      divergence of e(g(z, y), y) across samples of z for one y; large where the generator ignores z
variance_ratio log-variance-ratio regularizer: |log(mean square of g(z, y), over samples and a region, / that of
               g(e(x, y), y))|, separately for luminance and two color differences
============== ====================================================================================================

Without the last, samples from the prior are several times too large, and colored where the image is gray if the three
axes are taken together.
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
VARIANCE_EPS = 0.01  # mean square below which residuals are alike
OPPONENT = (1, 1, 1), (1, 0, -1), (1, -2, 1)  # axes of RGB; residuals of photographs lie mostly along the first


@dataclass(frozen=True)
class ConditionalAGE:
    """Conditional AGE losses around an estimator that is held fixed.

    Attributes:
        unconditional: computes the terms of networks that are bound to a condition.
        samples: of z for each condition, in the terms that compare them.
    """

    unconditional: age.AGE
    samples: int = SAMPLES_PER_CONDITION

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``; codes (B, M) are those of all regions."""
        if batch.damaged is None or batch.mask is None:
            raise UsageError("conditional losses need degraded images: set degradation, such as noise:sigma=0..55")
        with torch.no_grad():
            condition = Condition(batch.damaged, batch.mask, networks["estimator"](batch.damaged, batch.mask))
        residual = replace(batch, x=condition.residual(batch.x))
        terms = self.unconditional(player, _bind(networks, condition), residual, wanted)
        if "kl_within" in wanted or "variance_ratio" in wanted:
            terms |= self._compare_samples(player, networks, condition, residual, wanted)
        return terms

    def _compare_samples(
        self, player: str, networks: Networks, condition: Condition, batch: Batch, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """Terms across several samples of z for each of the first conditions."""
        count = len(condition.damaged) // self.samples
        bound = _bind(networks, _repeat(condition, count, self.samples))
        z = batch.z[: len(batch.z) // len(condition.damaged) * count * self.samples]
        with torch.set_grad_enabled(learns(player, "generator")):
            fake = bound["generator"](z)
        terms: dict[str, Tensor] = {}
        if "kl_within" in wanted:
            codes = bound["encoder"](fake).view(count, self.samples, -1, z.shape[1])
            terms["kl_within"] = divergence_within(self.unconditional.divergence, codes)
        if "variance_ratio" in wanted:
            once = _bind(networks, _repeat(condition, count, 1))
            with torch.no_grad():
                target = _opponent_energy(once["generator"](once["encoder"](batch.x[:count])))
            sampled = _opponent_energy(fake).view(count, self.samples, *target.shape[1:]).mean(dim=1)
            terms["variance_ratio"] = ((sampled + VARIANCE_EPS) / (target + VARIANCE_EPS)).log().abs().mean()
        return terms


def divergence_within(divergence: Divergence, codes: Tensor) -> Tensor:
    """Divergence of codes (conditions, samples, N, M) from the prior, across the samples of each condition."""
    count = codes.shape[1]
    deviations = (codes - codes.mean(dim=1, keepdim=True)) * math.sqrt(count / (count - 1))
    return divergence(deviations.flatten(0, 2))


def _opponent_energy(residual: Tensor) -> Tensor:
    """Mean square of (B, 3, H, W) along each axis of `OPPONENT` in each region; (B, 3, H/16, W/16)."""
    axes = F.normalize(residual.new_tensor(OPPONENT), dim=1)
    return F.avg_pool2d(F.conv2d(residual, axes[:, :, None, None]).square(), REGION)


def _bind(networks: Networks, condition: Condition) -> Networks:
    """Networks of one argument: residuals to codes (regions, M), and codes to residuals."""
    batch, rows, columns = (condition.damaged.shape[0], *(side // REGION for side in condition.damaged.shape[2:]))

    def encode(image: Tensor) -> Tensor:
        return cast(Tensor, networks["encoder"](image, condition)).movedim(1, -1).flatten(0, 2)

    def generate(code: Tensor) -> Tensor:
        latent_map = code.view(batch, rows, columns, -1).movedim(-1, 1)
        return cast(Tensor, networks["generator"](latent_map, condition))

    return {"encoder": encode, "generator": generate}


def _repeat(condition: Condition, count: int, samples: int) -> Condition:
    """The first ``count`` conditions, each ``samples`` times in a row."""

    def each(tensor: Tensor) -> Tensor:
        return tensor[:count].repeat_interleave(samples, dim=0)

    image, log_variance, features = condition.estimate
    estimate = Estimate(each(image), each(log_variance), tuple(map(each, features)))
    return Condition(each(condition.damaged), each(condition.mask), estimate)
