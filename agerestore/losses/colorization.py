"""The AGE game on colors: g(L, z) colors the lightness of real pictures, e(L, a, b) gives the code of a colored one.

Pictures are packed: C planes of lightness, then a and b (see `agerestore.models.colorizer`). The terms are those of
`agerestore.losses.age` and three more:

============ ==============================================================================================
term         meaning
============ ==============================================================================================
kl_within    divergence of e(L, g(L, z)) across draws of z for one L; large where the generator does not heed z
colorfulness absolute log ratio of the mean square of a and b in drawn pictures to that in real ones
regression     reconstruction error of g(L, 0), as in ``match_x``: plain regression, without a game
============ ==============================================================================================

The author's code takes the encoder's ``kl_fake`` with the lightness of the same real batch, as here, and draws a fresh
batch for each step of the generator; here all steps of an iteration see one. Its variant age_rev measures ``kl_fake``
for four pictures, each with all 64 z of the batch; ``kl_within`` does so for 16 with four each.
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
    """The game on colors.

    Attributes:
        game: its terms without a condition, which are computed on networks bound to a lightness.
        draws: of z for each lightness that fake pictures have, where ``kl_within`` is wanted.
    """

    game: age.AGE
    draws: int = SAMPLES_PER_CONDITION

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``."""
        lightness = batch.x[:, :-2]
        # The code of a picture is to give the colors of another view of it: of its paints, not of places in it.
        target = batch.x if batch.view is None else batch.view
        terms = self.game.real(player, _bind(networks, target[:, :-2]), batch.x, wanted, target)
        if "kl_within" in wanted:
            terms |= self._draws(player, networks, batch, wanted)
        elif not {"kl_fake", "match_z", "colorfulness"}.isdisjoint(wanted):
            found, fake, _ = self.game.fake(player, _bind(networks, lightness), batch.z, wanted)
            terms |= found | _colorfulness(fake, batch.x, wanted)
        if "regression" in wanted:
            center = networks["generator"](lightness, torch.zeros_like(batch.z))
            terms["regression"] = age.MATCH[self.game.match_x](center, batch.x)
        return terms

    def _draws(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """The terms of fake pictures, several for each of the first lightnesses."""
        count = len(batch.x) // self.draws
        lightness = batch.x[:count, :-2].repeat_interleave(self.draws, dim=0)
        z = batch.z[: len(lightness)]
        terms, fake, code = self.game.fake(player, _bind(networks, lightness), z, wanted)
        codes = code.view(count, self.draws, 1, -1)
        return (
            terms | _colorfulness(fake, batch.x, wanted) | {"kl_within": divergence_within(self.game.divergence, codes)}
        )


def _colorfulness(fake: Tensor, real: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
    if "colorfulness" not in wanted:
        return {}
    drawn, asked = (distributed.mean(each[:, -2:].square().mean()) for each in (fake, real))
    return {"colorfulness": ((drawn + 1e-6) / (asked + 1e-6)).log().abs()}


def _bind(networks: Networks, lightness: Tensor) -> Networks:
    """Networks of one argument."""
    return {"encoder": networks["encoder"], "generator": partial(networks["generator"], lightness)}
