"""Adversarial terms (Goodfellow et al., 2014, equation 1), and DCGAN (Radford et al., 2016), which has no others.

WHAT is what the critic sees: ``image``, ``code``, ``label`` or ``joint``; D = sigmoid(critic).

=========== =============================================== ================================
term        meaning                                         for whom
=========== =============================================== ================================
WHAT_real   -log D(real)                                    the critic
WHAT_fake   -log(1 - D(fake))                               the critic
WHAT_fool   -log D(fake), the non-saturating loss           the network that makes the fakes
=========== =============================================== ================================

Each is log 2 where D = 1/2 everywhere: at the equilibrium.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.losses.base import Batch, Networks


def term_names(what: str) -> tuple[str, str, str]:
    """Names of the three terms of ``what`` a critic sees."""
    return f"{what}_real", f"{what}_fake", f"{what}_fool"


TERMS = term_names("image")


def real_loss(logits: Tensor) -> Tensor:
    """-log D, mean over the batch, of logits (B,)."""
    return F.softplus(-logits).mean()


def fake_loss(logits: Tensor) -> Tensor:
    """-log(1 - D), mean over the batch, of logits (B,)."""
    return F.softplus(logits).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], codes: Tensor) -> Tensor:
    """Half the squared gradient of a critic's logits with respect to its input, mean over the batch.

    At real and at fake inputs these are the penalties R1 and R2 of Mescheder, Geiger and Nowozin, "Which training
    methods for GANs do actually converge?" (2018, equations 9 and 10): training converges where it would otherwise
    circle around the equilibrium.

    Args:
        critic: (B, M) -> logits (B,); each depends on its own row alone, so no batch norms.
        codes: (B, M).
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
    """Those of the three terms that are ``wanted``.

    Args:
        what: the name that terms begin with.
        critic: inputs -> logits (B,). Real and fake inputs pass it apart, with batch statistics of their own.
        real: makes the real inputs; called only where they are needed.
        fake: makes the fake inputs, likewise.
        wanted: names of terms; others than these three are ignored.
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
    """Compute the ``wanted`` terms for ``critic`` or ``generator``."""
    return adversarial_terms(
        "image", networks["critic"], lambda: batch.x, lambda: networks["generator"](batch.z), wanted
    )
