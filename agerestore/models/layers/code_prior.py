"""The code prior p(z | L): which codes color images of a lightness have, as a mixture of Gaussians.

A mixture density network (Bishop, "Mixture Density Networks", 1994).
"""

import math

import torch
from torch import Tensor, nn

from agerestore.models.latent import GaussianMixture, project

GRID = 4  # parts of an image a side that the distribution is predicted from
DROPOUT = 0.1
INITIAL_LOG_STD, MIN_LOG_STD = math.log(0.3), -4.0  # of codes in a component


class CodePrior(nn.Module):
    """Features of the generator for a lightness, (B, C, H, W) with H and W at least `GRID` -> distribution of codes.

    Args:
        channels: C.
        latent_dim: M, numbers of a code.
        components: of the mixture.
    """

    def __init__(self, channels: int, latent_dim: int, components: int) -> None:
        super().__init__()
        self.shape = (components, 1 + 2 * latent_dim)
        self.layers = nn.Sequential(
            nn.ReLU(), nn.BatchNorm2d(channels),
            nn.Conv2d(channels, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 48, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(),
            nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), nn.Dropout(DROPOUT),
            nn.Linear(48 * GRID**2, 64), nn.ReLU(), nn.Dropout(DROPOUT),
        )  # fmt: skip
        self.head = nn.Linear(64, math.prod(self.shape))

    def initialize(self) -> None:
        """As torch, but means start anywhere on the sphere, with nearly equal weights and standard deviations."""
        components, latent_dim = self.shape[0], self.shape[1] // 2
        means = project(torch.randn(components, latent_dim))
        log_std = torch.full((components, latent_dim), INITIAL_LOG_STD)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(torch.cat([torch.zeros(components, 1), means, log_std], 1).flatten())

    def forward(self, features: Tensor) -> GaussianMixture:
        """See the class."""
        numbers = self.head(self.layers(features)).float().unflatten(1, self.shape)
        means, log_std = numbers[..., 1:].chunk(2, dim=2)
        return GaussianMixture(numbers[..., 0], means, log_std.clamp_min(MIN_LOG_STD).exp())
