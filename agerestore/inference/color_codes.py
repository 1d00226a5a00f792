"""Diverse color codes for a lightness, where an image may be colorized in several ways.

Codes are drawn from the code prior p(z | L). Of many draws, each code after the first is the one that, with those
before it, brings all others closest, as if each were the truth in its turn (greedy facility location): where most cars
are gray, a second gray rarely comes closer to the truth than the first.
"""

from typing import Any

import torch
from torch import Tensor

from agerestore.metrics.color import ellipse_distance
from agerestore.models.latent import project, sample_latents

CANDIDATES = 256  # draws among which codes are chosen
FIRST = 2  # the first code is the more colorful one of so many draws: people have the gray image already
APART_WEIGHT = 0.015  # dB for a unit of Lab between mean colors: by PSNR alone a gray would follow a gray
RESIDUAL_MSE = 5.0  # mean square of a and b that codes do not explain: images closer than that count as equal


@torch.no_grad()
def draw_codes(networks: Any, lightness: Tensor, count: int, seed: int) -> Tensor:
    """Draw codes (K, M) for an image; the first ones of a seed are the same for every K.

    Args:
        networks: of a colorizer, in eval mode; without a code prior, codes are uniform on the sphere.
        lightness: (1, 1, S, S) in [0, 100].
        count: K; those beyond `CANDIDATES` are not chosen for diversity.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    if networks.code_prior is None:
        drawn = [sample_latents(1, networks.config.latent_dim, generator) for _ in range(count)]
        return torch.cat(drawn).to(lightness.device)
    prior = networks.code_distribution(lightness)
    draws = FIRST if count == 1 else max(count, CANDIDATES)
    codes = project(torch.cat([prior.draw(generator) for _ in range(draws)]))
    first, others = codes[:CANDIDATES], codes[CANDIDATES:count]
    chroma = networks.generate(lightness.expand(len(first), -1, -1, -1), first)
    return torch.cat([first[_most_diverse(chroma, min(count, len(first)))], others])


def _most_diverse(chroma: Tensor, count: int) -> list[int]:
    """Indices of K of the colorizations (N, 2, H, W), a and b, chosen greedily."""
    means, pixels = central_mean(chroma), chroma.flatten(1)
    error = torch.cdist(pixels, pixels).square() / pixels.shape[1]
    psnr = 10 * torch.log10(255**2 / (error + RESIDUAL_MSE))  # dB of each if another is the truth
    chosen = [int(means[:FIRST].norm(dim=1).argmax())]
    while len(chosen) < count:
        best = psnr[:, chosen].max(dim=1, keepdim=True).values
        closer = (psnr - best).clamp_min(0).mean(dim=0)
        apart = torch.cdist(means, means[chosen]).min(dim=1).values
        gain = closer + APART_WEIGHT * apart
        gain[chosen] = -torch.inf
        chosen.append(int(gain.argmax()))
    return chosen


def central_mean(planes: Tensor) -> Tensor:
    """Means (B, C) of planes (B, C, S, S) over the central ellipse of half the height and width."""
    return planes[:, :, ellipse_distance(planes) < 0.25].mean(dim=2)
