"""Which paints to draw for a lightness, where a picture may be colored in several ways.

Codes are drawn from those that such a lightness has (`agerestore.models.colorizer.Paints`), and so that they
complement each other: of many draws, each one after the first is that which, beside those before it, brings all the
others closest, as if each were the truth in its turn (greedy facility location). Where most cars are gray, a second
gray rarely comes closer to the truth than the first.
"""

import torch
from torch import Tensor

from agerestore.metrics.color import ellipse_distance
from agerestore.models.colorizer import Colorizer
from agerestore.models.latent import project, sample_latents

CANDIDATES = 256  # draws among which paints are chosen
FIRST = 2  # of these draws the first paint is the one farthest from the gray that people have already
APART = 0.015  # what a unit of Lab between tints is worth, in dB: by PSNR alone a gray would follow a gray
UNEXPLAINED = 5.0  # mean square of a and b that codes do not explain: pictures nearer than that are as good as alike


@torch.no_grad()
def draw_codes(model: Colorizer, lightness: Tensor, count: int, seed: int) -> Tensor:
    """Draw codes (K, M) of paints for a picture; of one seed the first ones are the same for every K.

    Args:
        model: networks in eval mode; where they know nothing of paints, codes are uniform on the sphere.
        lightness: (1, 1, S, S) in [0, 100].
        count: K; beyond `CANDIDATES` they are as they are drawn.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    if model.code_prior is None:
        drawn = [sample_latents(1, model.config.latent_dim, generator) for _ in range(count)]
        return torch.cat(drawn).to(lightness.device)
    known = model.code_distribution(lightness)
    draws = FIRST if count == 1 else max(count, CANDIDATES)
    codes = project(torch.cat([known.draw(generator) for _ in range(draws)]))
    first, others = codes[:CANDIDATES], codes[CANDIDATES:count]
    painted = model.generate(lightness.expand(len(first), -1, -1, -1), first)
    return torch.cat([first[_complementary(painted, min(count, len(first)))], others])


def _complementary(painted: Tensor, count: int) -> list[int]:
    """Of pictures in different paints, (N, 2, H, W) of a and b, the numbers of K that complement each other."""
    tints, pixels = central_mean(painted), painted.flatten(1)
    error = torch.cdist(pixels, pixels).square() / pixels.shape[1]
    fits = 10 * torch.log10(255**2 / (error + UNEXPLAINED))  # PSNR in dB of each, taken for the truth, in each
    chosen = [int(tints[:FIRST].norm(dim=1).argmax())]
    while len(chosen) < count:
        best = fits[:, chosen].max(dim=1, keepdim=True).values
        closer = (fits - best).clamp_min(0).mean(dim=0)
        apart = torch.cdist(tints, tints[chosen]).min(dim=1).values
        gain = closer + APART * apart
        gain[chosen] = -torch.inf
        chosen.append(int(gain.argmax()))
    return chosen


def central_mean(planes: Tensor) -> Tensor:
    """Means (B, C) of (B, C, S, S) within the ellipse that half the height and width make."""
    return planes[:, :, ellipse_distance(planes) < 0.25].mean(dim=2)
