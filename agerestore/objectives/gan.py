"""Adversarial terms (Goodfellow et al., 2014), and DCGAN, which is nothing else.

Of what is judged, ``image``, ``code``, ``label`` or ``joint``, with D = sigmoid(critic):

=========== =============================================== ================================
term        meaning                                         for whom
=========== =============================================== ================================
WHAT_real   -log D(real)                                    the critic
WHAT_fake   -log(1 - D(fake))                               the critic
WHAT_fool   -log D(fake), the non-saturating loss           the network that makes the fakes
WHAT_slope  half the squared slope of the critic's logit,   the critic
            the mean of that at real and at fake ones
=========== =============================================== ================================

The first three are log 2 where D = 1/2 everywhere, and the fourth is 0: at the end of the game. A critic that pays for
its slope (the mean of R1 and R2 of Mescheder, Geiger & Nowozin, "Which training methods for GANs do actually
converge?", 2018, eq. 9 and 10) lets the game come to rest there, where otherwise both sides circle around it.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.objectives.base import Batch, Networks


def terms_of(what: str) -> tuple[str, str, str, str]:
    """Names of the four terms of what is judged."""
    return f"{what}_real", f"{what}_fake", f"{what}_fool", f"{what}_slope"


TERMS = terms_of("image")


def accept(logits: Tensor) -> Tensor:
    """-log D, mean over the batch, of logits (B,)."""
    return F.softplus(-logits).mean()


def reject(logits: Tensor) -> Tensor:
    """-log(1 - D), mean over the batch, of logits (B,)."""
    return F.softplus(logits).mean()


def slope(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Half the squared norm of the gradient of a critic's logit (B,) at x (B, ...), mean over the batch."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean() / 2


def adversarial(
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
    of_real, of_fake, of_fool, of_slope = terms_of(what)
    terms: dict[str, Tensor] = {}
    if of_real in wanted:
        terms[of_real] = accept(critic(real()))
    if of_fake in wanted or of_fool in wanted:
        logits = critic(fake())
        terms |= {name: loss(logits) for name, loss in ((of_fake, reject), (of_fool, accept)) if name in wanted}
    if of_slope in wanted:
        terms[of_slope] = (slope(critic, real()) + slope(critic, fake())) / 2
    return terms


def dcgan_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms for ``critic`` or ``generator``; who does not learn is held fixed by the loop."""
    return adversarial("image", networks["critic"], lambda: batch.x, lambda: networks["generator"](batch.z), wanted)
