"""Adversarial autoencoders (Makhzani et al., 2015), in all six uses of the paper: a critic holds codes to a prior.

The encoder gives an image x class probabilities y (none without classes) and a style z.

===================== ===========================================================================================
term                  meaning
===================== ===========================================================================================
match_x               reconstruction error of g(y, z) against x
code_real             -log D(z), z from the prior
code_fake             -log(1 - D(z)), z of x
code_fool             -log D(z), z of x
label_real...         the same three for y, with a prior of one-hot vectors, uniform over classes
code_gradient_penalty `gan.gradient_penalty` of the critic of z: mean over z of the prior and of x
cross_entropy         of y, for the labeled subset
embedding_margin      hinge loss that keeps class embeddings `MARGIN` apart: mean over pairs
match_view            as match_x, with y of another view of the image: y is to say what views share, z the rest
agreement             -log of the probability that x and its other view, with classes drawn from their y, agree
===================== ===========================================================================================

A *label-conditioned critic* sees with each code the label, or that there is none; a prior code is drawn from the
component of that label, and from any where there is none. A *label-conditioned decoder* is given the true label, which
leaves the style to z alone; cross-entropy then trains y for images without label (ours: the paper's encoder has none).
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
from agerestore.losses.base import Batch, Networks, require_labels
from agerestore.models.latent import Posterior, one_hot
from agerestore.research.objectives.gan import adversarial_terms, gradient_penalty, term_names

TERMS = (
    "match_x", *term_names("code"), "code_gradient_penalty", *term_names("label"), "cross_entropy", "embedding_margin",
    "match_view", "agreement",
)  # fmt: skip
MARGIN = 4.0  # least distance of class embeddings, in standard deviations of the style


@dataclass(frozen=True)
class AAE:
    """The terms of an adversarial autoencoder.

    Attributes:
        match_x: reconstruction loss, a key of `agerestore.losses.age.MATCH`.
        classes: K of the codes; 0 for styles alone.
        critic_classes: classes that the critic of styles is conditioned on; 0 for none.
        label_conditioned: whether the generator is given true labels in place of those of the encoder.
        style_noise: standard deviation, 0 to 1, of noise in the styles that the generator sees where the posterior has
            none. Styles are scaled by sqrt(1 - style_noise^2), so that their variance stays that of the prior.
    """

    match_x: str = "l2"
    classes: int = 0
    critic_classes: int = 0
    label_conditioned: bool = False
    style_noise: float = 0.0

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms for ``encoder``, ``generator``, ``code_critic`` or ``label_critic``."""
        posterior = cache(lambda: networks["encoder"].posterior(batch.encoder_input))
        terms = self._regularization(networks, batch, posterior, wanted)
        if "match_x" in wanted:
            terms["match_x"] = MATCH[self.match_x](networks["generator"](self._code(posterior(), batch)), batch.x)
        if "cross_entropy" in wanted:
            terms["cross_entropy"] = self._cross_entropy(networks, batch)
        if "match_view" in wanted or "agreement" in wanted:
            terms |= self._view_terms(networks, batch, posterior(), wanted)
        if "embedding_margin" in wanted:
            terms["embedding_margin"] = embedding_margin_loss(networks["generator"].embeddings())
        return terms

    def _cross_entropy(self, networks: Networks, batch: Batch) -> Tensor:
        images = batch.encoder_input if batch.labeled is None else batch.labeled
        labels = batch.labels if batch.labeled_classes is None else batch.labeled_classes
        return F.cross_entropy(networks["encoder"].posterior(images).logits, require_labels(labels))

    def _view_terms(
        self, networks: Networks, batch: Batch, posterior: Posterior, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The terms that see another view of each image."""
        if batch.view is None:
            raise UsageError("match_view and agreement need another view of each image: set views=true")
        other: Posterior = networks["encoder"].posterior(batch.view)
        terms: dict[str, Tensor] = {}
        if "match_view" in wanted:
            code = torch.cat([other.logits.softmax(1), self._style(posterior, batch)], 1)
            terms["match_view"] = MATCH[self.match_x](networks["generator"](code), batch.x)
        if "agreement" in wanted:
            terms["agreement"] = agreement_loss(posterior.logits, other.logits)
        return terms

    def _regularization(
        self, networks: Networks, batch: Batch, posterior: Callable[[], Posterior], wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The adversarial terms of those critics that there are."""
        y, z = batch.z[:, : self.classes], batch.z[:, self.classes :]
        sides: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
            "code": (
                lambda: self._critic_input(z, batch),
                lambda: self._critic_input(posterior().style(batch.noise), batch),
            ),
            "label": (lambda: y, lambda: posterior().logits.softmax(1)),
        }
        terms: dict[str, Tensor] = {}
        for what, (real, fake) in sides.items():
            if f"{what}_critic" in networks:
                terms |= adversarial_terms(what, networks[f"{what}_critic"], real, fake, wanted)
        if "code_gradient_penalty" in wanted and "code_critic" in networks:
            styles = (z, posterior().style(batch.noise))
            terms["code_gradient_penalty"] = self._gradient_penalty(networks["code_critic"], styles, batch)
        return terms

    def _gradient_penalty(
        self, critic: Callable[[Tensor], Tensor], styles: tuple[Tensor, Tensor], batch: Batch
    ) -> Tensor:
        """Mean `gradient_penalty` at prior and encoded styles (B, M), with respect to the style alone."""
        plain = getattr(critic, "forward", critic)  # what is compiled has no second derivatives
        sides = [gradient_penalty(lambda style: plain(self._critic_input(style, batch)), each) for each in styles]
        return torch.stack(sides).mean()

    def _critic_input(self, style: Tensor, batch: Batch) -> Tensor:
        """Styles (B, M); if label-conditioned (B, M + K + 1), with the one-hot label, the last for no label."""
        if not self.critic_classes:
            return style
        labels, k = require_labels(batch.labels), self.critic_classes
        return torch.cat([style, one_hot(torch.where(labels < 0, k, labels), k + 1)], 1)

    def _code(self, posterior: Posterior, batch: Batch) -> Tensor:
        """(B, K + M): what the generator sees."""
        style = self._style(posterior, batch)
        if not self.classes:
            return style
        if self.label_conditioned:
            return torch.cat([one_hot(require_labels(batch.labels), self.classes), style], 1)
        return torch.cat([posterior.logits.softmax(1), style], 1)

    def _style(self, posterior: Posterior, batch: Batch) -> Tensor:
        """(B, M): the style that the generator sees."""
        style = posterior.style(batch.noise)
        if not self.style_noise or batch.noise is None or posterior.log_variance is not None:
            return style
        return math.sqrt(1 - self.style_noise**2) * style + self.style_noise * batch.noise


def agreement_loss(one: Tensor, other: Tensor) -> Tensor:
    """-log sum_k p_k q_k, mean over the batch, of class probabilities p and q with these logits (B, K)."""
    return -torch.logsumexp(one.log_softmax(1) + other.log_softmax(1), 1).mean()


def embedding_margin_loss(embeddings: Tensor) -> Tensor:
    """Mean over pairs of max(0, `MARGIN` - distance) of class embeddings (K, M)."""
    return (MARGIN - F.pdist(embeddings)).clamp_min(0).mean()
