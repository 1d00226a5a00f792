"""Color codes for a lightness, where an image may be colorized in several ways.

The first code is 0, of the point estimate, or for networks of things that have any color, such as cars, the mean of a
component of the code prior p(z | L), drawn. Of many draws from the prior, each code after it is the one that, with
those before it, brings all others closest, as if each were the truth in its turn (greedy facility location): where most
cars are gray, a second gray rarely comes closer to the truth than the first.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.metrics.color import ellipse_distance
from agerestore.models.color_networks import ColorNetworks
from agerestore.models.latent import GaussianMixture, project, sample_latents

CANDIDATES = 128  # draws among which codes are chosen
CHOICE_SIDE = 128  # pixels of the short side at which candidates are compared
APART_WEIGHT = 0.015  # dB for a unit of Lab between mean colors: by PSNR alone a gray would follow a gray
TURNS, GOLDEN_RATIO = 50, 0.618034  # quantiles passed from black to white, and between seeds
CHUNK = 32  # codes that are drawn at a time
AGREEMENT_POWER = 8  # of the cosine between a code and the one that the encoder finds in what it colors
RESIDUAL_MSE = 5.0  # mean square of a and b that codes do not explain: images closer than that count as equal


@torch.no_grad()
def draw_codes(networks: ColorNetworks, lightness: Tensor, count: int, seed: int) -> Tensor:
    """Draw codes (K, M) for an image; the first ones of a seed are the same for every K.

    Args:
        networks: of a colorizer, in eval mode; without a code prior, codes are uniform on the sphere.
        lightness: (1, 1, H, W) in [0, 100], as the networks take it.
        count: K; those beyond `CANDIDATES` are not chosen for diversity.
        seed: of the draw.
    """
    codes = candidates(networks, lightness, seed, 1 if count == 1 else max(count, CANDIDATES))
    if networks.code_prior is None or count == 1:
        return codes[:count]
    first, others = codes[:CANDIDATES], codes[CANDIDATES:count]
    chroma = compared(networks, lightness, first)
    return torch.cat([first[_most_diverse(chroma, min(count, len(first)))], others])


def candidates(networks: ColorNetworks, lightness: Tensor, seed: int, count: int = CANDIDATES) -> Tensor:
    """The first code of an image, and draws, (K, M); see `draw_codes`."""
    generator = torch.Generator().manual_seed(seed)
    if networks.code_prior is None:
        drawn = [sample_latents(1, networks.config.latent_dim, generator) for _ in range(count)]
        codes = torch.cat(drawn).to(lightness.device)
        return torch.cat([torch.zeros_like(codes[:1]), codes[1:]]) if networks.begins_with_estimate else codes
    prior = networks.code_distribution(lightness)
    later = [prior.draw(generator) for _ in range(count - 1)]
    if networks.begins_with_estimate:
        first = torch.zeros_like(prior.means[0, :1])
    else:
        first = _first_draw(networks, prior, lightness, seed)
    return torch.cat([first, *map(project, later)])


def _first_draw(networks: ColorNetworks, prior: GaussianMixture, lightness: Tensor, seed: int) -> Tensor:
    """The mean (1, M), on the sphere, of a component that the image chooses.

    A component counts the more, the better the encoder finds its code in what it colors: where colors spill, or change
    within a body, it finds another.
    """
    means = project(prior.means[0])
    shares = prior.logits[0].softmax(dim=0) * _agreement(networks, lightness, means) ** AGREEMENT_POWER
    return means[_choose(shares, lightness, seed)][None]


def _choose(shares: Tensor, lightness: Tensor, seed: int) -> int:
    """Index of one of several shares (K,), the larger the likelier: with one seed, two cars get two colors.

    A change of the image too small to be seen does not change it.
    """
    quantile = (seed * GOLDEN_RATIO + TURNS * float(lightness.mean()) / 100) % 1
    return int((shares.cumsum(dim=0) < quantile * shares.sum()).sum().clamp(max=len(shares) - 1))


def _agreement(networks: ColorNetworks, lightness: Tensor, codes: Tensor) -> Tensor:
    """Cosine (K,), above 0, between codes on the sphere and those that the encoder finds in what they color."""
    few = _small(networks, lightness)
    chroma = F.interpolate(compared(networks, lightness, codes), few.shape[2:], mode="bilinear")
    found = networks.encode(torch.cat([few.expand(len(codes), -1, -1, -1), chroma], 1))
    return F.cosine_similarity(found, codes).clamp_min(0.01)


def compared(networks: ColorNetworks, lightness: Tensor, codes: Tensor) -> Tensor:
    """Chroma (K, 2, h, w) of each code, at the smaller size at which codes are compared."""
    few = _small(networks, lightness)
    return torch.cat([networks.generate(few, part) for part in codes.split(CHUNK)])


def _small(networks: ColorNetworks, lightness: Tensor) -> Tensor:
    """Lightness (1, 1, H, W) at the size at which codes are compared."""
    scale = min(1, CHOICE_SIDE / min(lightness.shape[2:]))
    multiple = networks.input_multiple
    size = [max(round(side * scale / multiple), 1) * multiple for side in lightness.shape[2:]]
    return F.interpolate(lightness, size, mode="area")


def _most_diverse(chroma: Tensor, count: int) -> list[int]:
    """Indices of K of the colorizations (N, 2, H, W), a and b, the first of them and others chosen greedily."""
    means, pixels = central_mean(chroma), chroma.flatten(1)
    error = torch.cdist(pixels, pixels).square() / pixels.shape[1]
    psnr = 10 * torch.log10(255**2 / (error + RESIDUAL_MSE))  # dB of each if another is the truth
    chosen = [0]
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
