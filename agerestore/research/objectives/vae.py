"""The variational autoencoder (Kingma & Welling, 2014, equation 3): negative evidence lower bound, in nats per image.

======= ==============================================================================================
term    meaning, with z drawn from the posterior q(z|x)
======= ==============================================================================================
kl      divergence of q(z|x) from N(0, I)
nll     -log p(x|z), p Gaussian around g(z) with one variance for all pixels
match_x mean squared error of g(z) against x, as an alternative to nll with a weight
======= ==============================================================================================

The sum of the first two is the bound. The variance is given, or else the one of highest likelihood for the batch
(Rybkin et al., 2021), so that there is nothing to tune.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import distributed
from agerestore.errors import UsageError
from agerestore.losses.base import Batch, Networks

TERMS = ("kl", "nll", "match_x")
MIN_SQUARED_ERROR = 1e-6  # in a range of 2: an eighth of a gray level


def normal_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)), both (B, M), in nats: sum over M, mean over B."""
    return (log_variance.exp() + mean.square() - log_variance - 1).sum(1).mean() / 2


def negative_log_likelihood(x: Tensor, center: Tensor, sigma: float | None = None) -> Tensor:
    """-log N(x; center, sigma^2 I) for x and center (B, ...), in nats per image.

    Args:
        x: (B, ...).
        center: (B, ...).
        sigma: standard deviation; None for the one of highest likelihood for the batch.
    """
    squared, pixels = distributed.mean(F.mse_loss(center, x)), x[0].numel()
    if sigma is None:
        return pixels / 2 * (1 + (2 * math.pi * squared.clamp_min(MIN_SQUARED_ERROR)).log())
    return pixels / 2 * (squared / sigma**2 + math.log(2 * math.pi * sigma**2))


@dataclass(frozen=True)
class VAE:
    """The terms of the bound.

    Attributes:
        sigma: standard deviation of p(x|z); None for the one of highest likelihood for each batch.
    """

    sigma: float | None = None

    def __call__(self, player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute the ``wanted`` terms, usually for ``encoder+generator``."""
        posterior = networks["encoder"].posterior(batch.encoder_input)
        if posterior.log_variance is None:
            raise UsageError("a VAE needs a Gaussian posterior: set network.posterior=gaussian")
        terms: dict[str, Tensor] = {}
        if "kl" in wanted:
            terms["kl"] = normal_kl(posterior.mean, posterior.log_variance)
        if "nll" in wanted or "match_x" in wanted:
            noise = torch.zeros_like(posterior.mean) if batch.noise is None else batch.noise
            drawn = networks["generator"](posterior.code(noise))
            if "nll" in wanted:
                terms["nll"] = negative_log_likelihood(batch.x, drawn, self.sigma)
            if "match_x" in wanted:
                terms["match_x"] = F.mse_loss(drawn, batch.x)
        return terms
