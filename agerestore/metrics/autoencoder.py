"""Unconditional autoencoders: reconstruction, and how far their codes are from the prior."""

import math

import torch
from torch import Tensor

from agerestore.losses.divergence import age_code_kl
from agerestore.metrics.distribution import sliced_wasserstein
from agerestore.metrics.image import psnr, quantize
from agerestore.models.age import Autoencoder
from agerestore.models.latent import moments

CHUNK = 500  # images that go through the networks at a time


@torch.no_grad()
def moment_statistics(model: Autoencoder, codes: Tensor) -> dict[str, float]:
    """Mean and variance of e(g(Z)) in each dimension, against their ideal (Ulyanov et al., 2018, section 3.1).

    Args:
        model: networks, in the mode in which they are to be measured.
        codes: (B, M) prior codes on the sphere.

    Returns:
        ``mean_max``: largest |m_j| in units of 1/sqrt(M) (ideal 0); ``variance_min`` and ``variance_max``: v_j in
        units of 1/M (ideal 1); ``kl_fake``: `agerestore.losses.divergence.age_code_kl` of the batch.
    """
    dim = codes.shape[1]
    encoded = torch.cat([model.encode(model.generate(part)) for part in codes.split(CHUNK)])
    m, v = moments(encoded)
    return {
        "mean_max": float(m.abs().max()) * math.sqrt(dim),
        "variance_min": float(v.min()) * dim,
        "variance_max": float(v.max()) * dim,
        "kl_fake": float(age_code_kl(encoded)),
    }


@torch.no_grad()
def latent_distance(model: Autoencoder, truth: Tensor, drawn: Tensor) -> float:
    """Distance of the styles of images from the prior, over the distance of two draws from it.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) in [0, 1].
        drawn: (2 N, K + M) from the prior.

    Returns:
        Ratio of sliced Wasserstein distances; about 1 where the distributions cannot be told apart.
    """
    styles = slice(model.config.classes, None)
    codes = torch.cat([model.encode(part) for part in truth.split(CHUNK)])[:, styles]
    one, other = model.codes_of(drawn)[:, styles].chunk(2)
    return sliced_wasserstein(codes, one) / max(sliced_wasserstein(one, other), 1e-12)


@torch.no_grad()
def reconstruction_psnr(model: Autoencoder, truth: Tensor) -> float:
    """Mean PSNR in dB of g(e(x)), rounded to uint8, against x.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) in [0, 1].
    """
    parts = [psnr(quantize(model.generate(model.encode(part))), part) for part in truth.split(CHUNK)]
    return float(torch.cat(parts).mean())
