"""How a trained pair is doing: the balance of the game as the paper watches it, and reconstruction."""

import math

import torch
from torch import Tensor

from agerestore.divergence import official_kl
from agerestore.latent import moments
from agerestore.metrics import psnr, quantize
from agerestore.networks import Autoencoder

CHUNK = 500


@torch.no_grad()
def balance(model: Autoencoder, codes: Tensor) -> dict[str, float]:
    """Mean and variance of e(g(Z)), dimension by dimension, against their ideal (the AGE paper, section 3.1).

    Args:
        model: networks, in the mode they are to be watched in.
        codes: (B, M) prior codes on the sphere.

    Returns:
        ``mean_max``: largest |m_j| in units of 1/sqrt(M) (ideal 0); ``variance_min`` and ``variance_max``: v_j in
        units of 1/M (ideal 1); ``kl_fake``: the official divergence of the batch.
    """
    dim = codes.shape[1]
    encoded = torch.cat([model.encode(model.generate(part)) for part in codes.split(CHUNK)])
    m, v = moments(encoded)
    return {
        "mean_max": float(m.abs().max()) * math.sqrt(dim),
        "variance_min": float(v.min()) * dim,
        "variance_max": float(v.max()) * dim,
        "kl_fake": float(official_kl(encoded)),
    }


@torch.no_grad()
def reconstruction_psnr(model: Autoencoder, truth: Tensor, robust: bool = False) -> float:
    """Mean PSNR in dB of g(e(x)), rounded to uint8, against x.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) in [0, 1].
        robust: take the robust encoder.
    """
    parts = [psnr(quantize(model.generate(model.encode(part, robust))), part) for part in truth.split(CHUNK)]
    return float(torch.cat(parts).mean())
