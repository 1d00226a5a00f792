"""AGE losses of colorization over the features of a backbone: g(L, z) colors a lightness, e(L, a, b) encodes colors.

The terms are those of `agerestore.losses.age` but for ``match_x``, and these:

============ ==========================================================================================================
term         meaning
============ ==========================================================================================================
match_x      mean over images of the logarithm of the mean squared error of a and b of g(L, e(L, a, b))
classes      cross-entropy of its distribution over bins of colors, in which rare colors weigh more
kl_within    divergence of e(L, g(L, z)) across samples of z for one L; large where the generator ignores z
colorfulness absolute log ratio of the mean square of a and b in generated images to that in real ones
regression   as match_x, with the code 0: plain regression, without an encoder
estimate     as classes, with the code 0
============ ==========================================================================================================

Where a batch has hints, on the second half of its images, the colors of some points are shown to the generator. Not all
images are colored with their own code: a quarter of each half with the code 0, so that the content alone decides as far
as it can, and another quarter of the second half with codes that are drawn, so that hints count more than the code.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import distributed
from agerestore.config.training import SAMPLES_PER_CONDITION
from agerestore.losses import age
from agerestore.losses.base import Batch, Networks, learns
from agerestore.losses.conditional_age import divergence_within
from agerestore.models.layers.color import CHROMA_UNIT
from agerestore.models.layers.color_decoder import Coloring, Condition
from agerestore.models.photo_colorizer import content_of, pack_lightness

TERMS = (*age.TERMS, "classes", "kl_within", "colorfulness", "regression", "estimate")
CODE_PRIOR_TERMS = ("surprisal",)
PARTS = 8  # of a batch, as described above


@dataclass(frozen=True)
class PhotoColorAGE:
    """AGE losses of colorization; images of a batch are Lab.

    Attributes:
        unconditional: has the divergence, the loss of codes and the ceiling.
        samples: of z for each lightness, in the terms of generated images.
    """

    unconditional: age.AGE
    samples: int = SAMPLES_PER_CONDITION

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder`` or ``generator``."""
        condition, chroma = _condition(networks, batch.x), F.avg_pool2d(batch.x[:, 1:], 2)
        terms: dict[str, Tensor] = {}
        if not {"kl_real", "match_x", "classes"}.isdisjoint(wanted):
            terms |= self._real(player, networks, condition, chroma, batch, wanted)
        if not {"kl_fake", "match_z", "kl_within", "colorfulness"}.isdisjoint(wanted):
            terms |= self._fake(player, networks, condition, chroma, batch, wanted)
        if not {"regression", "estimate"}.isdisjoint(wanted):
            plain = networks["generator"](condition, torch.zeros_like(batch.z), batch.hints)
            distance, classes = _errors(networks, plain, chroma)
            terms |= {"regression": distance, "estimate": classes}
        return {name: terms[name] for name in wanted if name in terms}

    def _real(
        self, player: str, networks: Networks, condition: Condition, chroma: Tensor, batch: Batch,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The terms of real images and what their codes give."""
        with torch.set_grad_enabled(learns(player, "encoder")):
            code = networks["encoder"](condition.lightness, chroma)
        terms = {"kl_real": self.unconditional.divergence(code)}
        if not {"match_x", "classes"}.isdisjoint(wanted):
            drawn = networks["generator"](condition, _mixed(code, batch.z), batch.hints)
            terms["match_x"], terms["classes"] = _errors(networks, drawn, chroma)
        return terms

    def _fake(
        self, player: str, networks: Networks, condition: Condition, chroma: Tensor, batch: Batch,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The terms of generated images, several for each of the first lightnesses."""
        count = len(chroma) // self.samples
        several = condition.repeat(count, self.samples)
        z = batch.z[: count * self.samples]
        with torch.set_grad_enabled(learns(player, "generator")):
            fake = networks["generator"](several, z).chroma
        code = networks["encoder"](several.lightness, fake)
        kl = self.unconditional.divergence(code)
        terms = {"kl_fake": kl.clamp(max=self.unconditional.ceiling) if player == "encoder" else kl}
        terms["match_z"] = age.MATCH[self.unconditional.match_z](code, z)
        if "kl_within" in wanted:
            grouped = code.view(count, self.samples, 1, -1)
            terms["kl_within"] = divergence_within(self.unconditional.divergence, grouped)
        generated, real = (distributed.mean(each.square().mean()) for each in (fake, chroma))
        terms["colorfulness"] = ((generated + 1) / (real + 1)).log().abs()
        return terms


def code_prior_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute ``surprisal``, -log p(e(L, a, b) | L) in nats, of real images; ``player`` is always ``code_prior``.

    Encoder and generator are trained already and stay frozen.
    """
    if "surprisal" not in wanted:
        return {}
    condition = _condition(networks, batch.x)
    with torch.no_grad():
        codes = networks["encoder"](condition.lightness, F.avg_pool2d(batch.x[:, 1:], 2))
    return {"surprisal": -networks[player](content_of(condition)).log_prob(codes.float()).mean()}


def _mixed(own: Tensor, z: Tensor) -> Tensor:
    """Codes (B, M) with which the images of a batch are colored."""
    part = len(own) // PARTS
    half, none = len(own) // 2, torch.zeros_like(own[:part])
    first = torch.cat([own[: half - part], none])
    return torch.cat([first, own[half : len(own) - 2 * part], z[:part].to(own.dtype), none])


@torch.no_grad()
def _condition(networks: Networks, lab: Tensor) -> Condition:
    """What the generator knows of the lightness of Lab images."""
    lightness = lab[:, :1]
    seen = networks["backbone"](lightness.expand(-1, 3, -1, -1) / 100)
    found: Condition = networks["generator"].condition(pack_lightness(lightness), seen)
    return found


def _errors(networks: Networks, drawn: Coloring, chroma: Tensor) -> tuple[Tensor, Tensor]:
    """Error of the colors, and of their distribution, against chroma (B, 2, H/2, W/2)."""
    distance = age.log_mse(drawn.chroma / CHROMA_UNIT, chroma / CHROMA_UNIT)
    classes = networks["generator"].bins.cross_entropy(drawn.logits, F.avg_pool2d(chroma, 2))
    return distance, classes
