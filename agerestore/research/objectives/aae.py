"""Adversarial autoencoders (Makhzani et al., 2015): a critic holds the codes of pictures to a prior. All six uses.

============== ==========================================================================================
term           meaning, with y and z the class probabilities and the style that the encoder gives x
============== ==========================================================================================
match_x        reconstruction error of g(y, z) against x
code_real      -log D(z), z from the prior: what counts as real here
code_fake      -log(1 - D(z)), z of x
code_fool      -log D(z), z of x
label_real...  the same three for y, whose prior is one class for certain, each as likely as another
code_slope     how steep the critic of z is, mean of that at the prior's and that at those of x; see `gan.slope`
cross_entropy  of y, for pictures whose label is known
heads_apart    how far classes are within `APART` of each other among the styles: mean over pairs
match_view     as match_x, with y of another view of the picture: y is to say what views share, z the rest
agreement      -log of the probability that x and its other view, each drawn by its y, come to one class
============== ==========================================================================================

An unsupervised autoencoder has no y. Where the critic is *told*, it sees beside each code the label it should belong
to, or that it has none; a prior code comes from that label's component, and where there is none from any. Where y is
*given*, the generator draws from the true label, and z is left to hold the style alone; cross-entropy then teaches a y
for pictures that come without a label, which is ours: the paper's encoder says none.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.losses.age import MATCH
from agerestore.losses.base import Batch, Networks, labels_of
from agerestore.models.latent import Posterior, one_hot
from agerestore.research.objectives.gan import adversarial_terms, gradient_penalty, term_names

TERMS = (
    "match_x", *term_names("code"), "code_slope", *term_names("label"), "cross_entropy", "heads_apart", "match_view",
    "agreement",
)  # fmt: skip
APART = 4.0  # standard deviations of the style

Found = Callable[[], Posterior]
Side = Callable[[], Tensor]


@dataclass(frozen=True)
class AAE:
    """The terms of an adversarial autoencoder.

    Attributes:
        match_x: reconstruction loss, a key of `agerestore.losses.age.MATCH`.
        classes: K, of the codes.
        told: classes that the critic of styles is told of; 0 where it sees styles alone.
        given: the generator draws from true labels instead of those that the encoder finds.
        noise: deviation, below 1, of the noise in the styles that the generator sees, where the encoder is sure of
            them. Styles shrink to make room for it, so that those of the Gaussian prior keep its variance.
    """

    match_x: str = "l2"
    classes: int = 0
    told: int = 0
    given: bool = False
    noise: float = 0.0

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder``, ``generator``, ``code_critic`` or ``label_critic``."""
        found: Found = cache(lambda: networks["encoder"].posterior(batch.seen))
        terms = self._regularization(networks, batch, found, wanted)
        if "match_x" in wanted:
            terms["match_x"] = MATCH[self.match_x](networks["generator"](self._code(found(), batch)), batch.x)
        if "cross_entropy" in wanted:
            logits = networks["encoder"].posterior(batch.seen if batch.known is None else batch.known).logits
            labels = batch.labels if batch.known_labels is None else batch.known_labels
            terms["cross_entropy"] = F.cross_entropy(logits, labels_of(labels))
        if "match_view" in wanted or "agreement" in wanted:
            terms |= self._of_views(networks, batch, found(), wanted)
        if "heads_apart" in wanted:
            terms["heads_apart"] = embedding_margin_loss(networks["generator"].embeddings())
        return terms

    def _of_views(
        self, networks: Networks, batch: Batch, found: Posterior, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The terms that see another view of each picture."""
        if batch.view is None:
            raise UsageError("match_view and agreement are of another view of each picture: --set views=true")
        other: Posterior = networks["encoder"].posterior(batch.view)
        terms: dict[str, Tensor] = {}
        if "match_view" in wanted:
            code = torch.cat([other.logits.softmax(1), self._style(found, batch)], 1)
            terms["match_view"] = MATCH[self.match_x](networks["generator"](code), batch.x)
        if "agreement" in wanted:
            terms["agreement"] = agreement_loss(found.logits, other.logits)
        return terms

    def _regularization(
        self, networks: Networks, batch: Batch, found: Found, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The terms of both critics, as far as there are any."""
        y, z = batch.z[:, : self.classes], batch.z[:, self.classes :]
        sides: dict[str, tuple[Side, Side]] = {
            "code": (lambda: self._told(z, batch), lambda: self._told(found().style(batch.noise), batch)),
            "label": (lambda: y, lambda: found().logits.softmax(1)),
        }
        terms: dict[str, Tensor] = {}
        for what, (real, fake) in sides.items():
            if f"{what}_critic" in networks:
                terms |= adversarial_terms(what, networks[f"{what}_critic"], real, fake, wanted)
        if "code_slope" in wanted and "code_critic" in networks:
            terms["code_slope"] = self._slope(networks["code_critic"], z, found().style(batch.noise), batch)
        return terms

    def _slope(self, critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, batch: Batch) -> Tensor:
        """How steep the critic is along styles, whatever labels it is told beside them."""
        plain = getattr(critic, "forward", critic)  # what is compiled has no second derivatives
        sides = [gradient_penalty(lambda style: plain(self._told(style, batch)), codes) for codes in (real, fake)]
        return torch.stack(sides).mean()

    def _told(self, style: Tensor, batch: Batch) -> Tensor:
        """Styles (B, M) with the labels beside them, for a critic that is told; one column more for no label."""
        if not self.told:
            return style
        labels = labels_of(batch.labels)
        return torch.cat([style, one_hot(torch.where(labels < 0, self.told, labels), self.told + 1)], 1)

    def _code(self, found: Posterior, batch: Batch) -> Tensor:
        """(B, K + M), of which the generator draws."""
        style = self._style(found, batch)
        if not self.classes:
            return style
        y = one_hot(labels_of(batch.labels), self.classes) if self.given else found.logits.softmax(1)
        return torch.cat([y, style], 1)

    def _style(self, found: Posterior, batch: Batch) -> Tensor:
        """(B, M), of which the generator draws."""
        style = found.style(batch.noise)
        if not self.noise or batch.noise is None or found.log_variance is not None:
            return style
        return math.sqrt(1 - self.noise**2) * style + self.noise * batch.noise


def agreement_loss(one: Tensor, other: Tensor) -> Tensor:
    """-log sum_k p_k q_k, mean over the batch, of class probabilities p and q with these logits (B, K)."""
    return -torch.logsumexp(one.log_softmax(1) + other.log_softmax(1), 1).mean()


def embedding_margin_loss(places: Tensor) -> Tensor:
    """How far places (K, M) are within `APART` of each other: the mean over pairs of what is missing."""
    return (APART - F.pdist(places)).clamp_min(0).mean()
