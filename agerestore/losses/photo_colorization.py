"""AGE losses of colorization over the features of a backbone: g(L, z) colors a lightness, e(L, a, b) encodes colors.

The terms are those of `agerestore.losses.age` but for ``match_x``, and these:

============ ==========================================================================================================
term         meaning
============ ==========================================================================================================
match_x      mean over images of the logarithm of the mean squared error of a and b of g(L, e(L, a, b))
classes      cross-entropy of its distribution over bins of colors, in which rare colors weigh more
kl_within    divergence of e(L, g(L, z)) across samples of z for one L; large where the generator ignores z
colorfulness absolute log ratio of the mean square of a and b in generated images to that in real ones
vividness    the same, of images colored with the code 0
content      how far what a backbone sees of images colored with the code 0 is from what it sees of the real ones
recognition  divergence of the classes that its classifier gives these images from those of the real ones, in nats
regression   as match_x, with the code 0: plain regression, without an encoder
estimate     as classes, with the code 0
============ ==========================================================================================================

The second half of a batch is not colored with the images' own codes, but with the code 0, so that the content alone
decides as far as it can.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import distributed
from agerestore.config.training import SAMPLES_PER_CONDITION
from agerestore.images.color import lab_to_rgb
from agerestore.losses import age
from agerestore.losses.base import Batch, Networks, learns
from agerestore.losses.conditional_age import divergence_within
from agerestore.models.layers.color import CHROMA_UNIT
from agerestore.models.layers.color_decoder import Coloring, Condition
from agerestore.models.layers.efficientnet_lite import ClassifierHead, package_weights
from agerestore.models.photo_colorizer import content_of, pack_lightness

PERCEIVED = {"content", "recognition"}
OF_REAL = {"kl_real", "match_x", "classes", "vividness", *PERCEIVED}
TERMS = (
    *age.TERMS, "classes", "kl_within", "colorfulness", "vividness", *sorted(PERCEIVED), "regression", "estimate"
)  # fmt: skip
CODE_PRIOR_TERMS = ("surprisal",)


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
        if not OF_REAL.isdisjoint(wanted):
            terms |= self._real(player, networks, condition, chroma, batch, wanted)
        if not {"kl_fake", "match_z", "kl_within", "colorfulness"}.isdisjoint(wanted):
            terms |= self._fake(player, networks, condition, chroma, batch, wanted)
        if not {"regression", "estimate"}.isdisjoint(wanted):
            plain = networks["generator"](condition, torch.zeros_like(batch.z))
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
        if not (OF_REAL - {"kl_real"}).isdisjoint(wanted):
            own = (len(code) + 1) // 2  # images colored with their own codes; the others with the code 0
            drawn = networks["generator"](condition, torch.cat([code[:own], torch.zeros_like(code[own:])]))
            terms["match_x"], terms["classes"] = _errors(networks, drawn, chroma)
            terms["vividness"] = _relative_energy(drawn.chroma[own:], chroma[own:])
            if not PERCEIVED.isdisjoint(wanted):
                terms |= _perceived(networks["backbone"], batch.x[own:], drawn.chroma[own:], wanted)
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
        terms["colorfulness"] = _relative_energy(fake, chroma)
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


def _perceived(
    backbone: Callable[[Tensor], list[Tensor]], lab: Tensor, chroma: Tensor, wanted: Collection[str]
) -> dict[str, Tensor]:
    """What images (B, 3, H, W) and the same ones with other colors, (B, 2, H/2, W/2), are to a classifier."""
    colored = torch.cat([lab[:, :1], F.interpolate(chroma, lab.shape[2:], mode="bilinear")], 1)
    with torch.no_grad():
        real = backbone(lab_to_rgb(lab).clamp(0, 1))
    found = backbone(lab_to_rgb(colored).clamp(0, 1))
    terms = {"content": content_distance(found, real)}
    if "recognition" in wanted:
        head = _classifier().to(chroma.device)
        real_classes, classes = (head(each[-1])[1].float().log_softmax(dim=1) for each in (real, found))
        terms["recognition"] = F.kl_div(classes, real_classes, reduction="batchmean", log_target=True)
    return terms


def content_distance(found: list[Tensor], real: list[Tensor]) -> Tensor:
    """One minus the cosine between features of two images, mean over places and strides.

    Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018, with all weights one.

    Args:
        found: features of one at several strides, each (B, C, H, W).
        real: those of the other.
    """
    each = [1 - F.cosine_similarity(a.float(), b.float(), dim=1).mean() for a, b in zip(found, real, strict=True)]
    return torch.stack(each).mean()


@cache
def _classifier() -> ClassifierHead:
    return ClassifierHead(package_weights("lite0", "without it train with recognition 0 in updates.generator.weights"))


def _relative_energy(drawn: Tensor, real: Tensor) -> Tensor:
    """Absolute logarithm of the ratio of mean squares."""
    of_drawn, of_real = (distributed.mean(each.square().mean()) for each in (drawn, real))
    return ((of_drawn + 1) / (of_real + 1)).log().abs()


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
