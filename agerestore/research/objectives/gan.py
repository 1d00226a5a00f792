"""Adversarial terms (Goodfellow et al., 2014), and DCGAN, which is nothing else.

Of what is judged, ``image``, ``code``, ``label`` or ``joint``, with D = sigmoid(critic):

=========== =============================================== ================================
term        meaning                                         for whom
=========== =============================================== ================================
WHAT_real   -log D(real)                                    the critic
WHAT_fake   -log(1 - D(fake))                               the critic
WHAT_fool   -log D(fake), the non-saturating loss           the network that makes the fakes
=========== =============================================== ================================

Each is log 2 where D = 1/2 everywhere: at the end of the game.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.losses.base import Batch, Networks


def term_names(what: str) -> tuple[str, str, str]:
    """Names of the three terms of what is judged."""
    return f"{what}_real", f"{what}_fake", f"{what}_fool"


TERMS = term_names("image")


def real_loss(logits: Tensor) -> Tensor:
    """-log D, mean over the batch, of logits (B,)."""
    return F.softplus(-logits).mean()


def fake_loss(logits: Tensor) -> Tensor:
    """-log(1 - D), mean over the batch, of logits (B,)."""
    return F.softplus(logits).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], codes: Tensor) -> Tensor:
    """Half the squared gradient of a critic's logits (B,) at codes (B, M), mean over the batch.

    A critic that pays for it at real and at fake ones (R1 and R2 of Mescheder, Geiger & Nowozin, "Which training
    methods for GANs do actually converge?", 2018) lets the game come to rest, where otherwise both circle around the
    end of it. Each logit is to depend on its own code alone: no batch norms.
    """
    codes = codes.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(codes).sum(), codes, create_graph=True)
    return gradient.square().sum(1).mean() / 2


def adversarial_terms(
    what: str,
    critic: Callable[[Tensor], Tensor],
    real: Callable[[], Tensor],
    fake: Callable[[], Tensor],
    wanted: Collection[str],
) -> dict[str, Tensor]:
    """The ``wanted`` terms of what is judged.

    Args:
        what: the name that terms begin with.
        critic: -> logits (B,). Real and fake ones pass it apart, with batch statistics of their own.
        real: makes what is to be accepted; called only where it is needed.
        fake: likewise what is to be rejected.
        wanted: names of terms; those of other systems are left alone.
    """
    of_real, of_fake, of_fool = term_names(what)
    terms: dict[str, Tensor] = {}
    if of_real in wanted:
        terms[of_real] = real_loss(critic(real()))
    if of_fake in wanted or of_fool in wanted:
        logits = critic(fake())
        terms |= {name: loss(logits) for name, loss in ((of_fake, fake_loss), (of_fool, real_loss)) if name in wanted}
    return terms


def dcgan_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms for ``critic`` or ``generator``; who does not learn is held fixed by the loop."""
    return adversarial_terms(
        "image", networks["critic"], lambda: batch.x, lambda: networks["generator"](batch.z), wanted
    )
