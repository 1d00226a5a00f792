"""AGE losses of colorization: g(L, z) colors the lightness L of an image, e(L, a, b) encodes a colored one.

Images are packed: C planes of lightness, then a and b (see `agerestore.models.colorizer`). The terms are those of
`agerestore.losses.age` and three more:

============ ==============================================================================================
term         meaning
============ ==============================================================================================
kl_within    divergence of e(L, g(L, z)) across samples of z for one L; large where the generator ignores z
colorfulness absolute log ratio of the mean square of a and b in generated images to that in real ones
regression   reconstruction error of g(L, 0), as in ``match_x``: plain regression, without an encoder
============ ==============================================================================================

The code of the AGE author (branch cAGE), too, takes the encoder's ``kl_fake`` with the lightness of the same batch; it
draws a new batch for each step of the generator, while here all steps of an iteration see one. Its variant age_rev
measures ``kl_fake`` for four images, each with all 64 z of the batch; ``kl_within`` does so for 16 with four each.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from agerestore import distributed
from agerestore.config.training import SAMPLES_PER_CONDITION
from agerestore.losses import age
from agerestore.losses.base import Batch, Networks
from agerestore.losses.conditional_age import divergence_within

TERMS = (*age.TERMS, "kl_within", "colorfulness", "regression")


@dataclass(frozen=True)
class ColorAGE:
    """AGE losses of colorization.

    Attributes:
        unconditional: computes the terms of networks that are bound to a lightness.
        samples: of z for each lightness, where ``kl_within`` is wanted.
    """

    unconditional: age.AGE
    samples: int = SAMPLES_PER_CONDITION

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``."""
        lightness = batch.x[:, :-2]
        # The code of an image must give the colors of another view of it, so that it says nothing of places.
        target = batch.x if batch.view is None else batch.view
        terms = self.unconditional.real(player, _bind(networks, target[:, :-2]), batch.x, wanted, target)
        if "kl_within" in wanted:
            terms |= self._several(player, networks, batch, wanted)
        elif not {"kl_fake", "match_z", "colorfulness"}.isdisjoint(wanted):
            found, fake, _ = self.unconditional.fake(player, _bind(networks, lightness), batch.z, wanted)
            terms |= found | _colorfulness(fake, batch.x, wanted)
        if "regression" in wanted:
            plain = networks["generator"](lightness, torch.zeros_like(batch.z))
            terms["regression"] = age.MATCH[self.unconditional.match_x](plain, batch.x)
        return terms

    def _several(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """The terms of fake images, several for each of the first lightnesses."""
        count = len(batch.x) // self.samples
        lightness = batch.x[:count, :-2].repeat_interleave(self.samples, dim=0)
        z = batch.z[: len(lightness)]
        terms, fake, code = self.unconditional.fake(player, _bind(networks, lightness), z, wanted)
        codes = code.view(count, self.samples, 1, -1)
        within = divergence_within(self.unconditional.divergence, codes)
        return terms | _colorfulness(fake, batch.x, wanted) | {"kl_within": within}


def _colorfulness(fake: Tensor, real: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
    if "colorfulness" not in wanted:
        return {}
    generated, target = (distributed.mean(each[:, -2:].square().mean()) for each in (fake, real))
    return {"colorfulness": ((generated + 1e-6) / (target + 1e-6)).log().abs()}


def _bind(networks: Networks, lightness: Tensor) -> Networks:
    """Networks of one argument, whose generator is bound to a lightness."""
    return {"encoder": networks["encoder"], "generator": partial(networks["generator"], lightness)}
