"""A residual encoder and generator at 32 and 64 pixels: the second variant of the AGE networks.

Pre-activation blocks; the encoder halves by average pooling, the generator doubles by nearest-neighbor
upsampling followed by a 3x3 convolution, which leaves no checkerboard. Images are in [-1, 1] here.
"""

import math
from itertools import pairwise

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """(B, inputs, H, W) -> (B, outputs, H', W'), resampled by ``resample`` on both branches."""

    def __init__(self, inputs: int, outputs: int, activation: nn.Module, up: bool = False) -> None:
        super().__init__()
        resample = nn.Upsample(scale_factor=2) if up else nn.AvgPool2d(2)
        before, after = (resample, nn.Identity()) if up else (nn.Identity(), resample)
        self.skip = nn.Sequential(resample, nn.Conv2d(inputs, outputs, 1, bias=False))
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inputs), activation, before,
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs), activation,
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), after,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.skip(x) + self.branch(x)
        return out


def _widths(image_size: int, width: int) -> list[int]:
    """Channels from the full size down to 4x4: doubled at each halving, at most 8 x width."""
    halvings = int(math.log2(image_size // 4))
    return [width * min(2**k, 8) for k in range(halvings + 1)]


def encoder_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Image (B, channels, S, S) in [-1, 1] -> (B, latent_dim, 1, 1), S = ``image_size`` of 32 or 64."""
    widths = _widths(image_size, width)
    blocks = [ResidualBlock(a, b, nn.LeakyReLU(0.2)) for a, b in pairwise(widths)]
    return nn.Sequential(
        nn.Conv2d(channels, widths[0], 3, padding=1), *blocks,
        nn.BatchNorm2d(widths[-1]), nn.LeakyReLU(0.2), nn.Conv2d(widths[-1], latent_dim, 4),
    )  # fmt: skip


def generator_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Code (B, latent_dim, 1, 1) -> image (B, channels, S, S) in [-1, 1], S = ``image_size`` of 32 or 64."""
    widths = _widths(image_size, width)[::-1]
    blocks = [ResidualBlock(a, b, nn.ReLU(), up=True) for a, b in pairwise(widths)]
    return nn.Sequential(
        nn.ConvTranspose2d(latent_dim, widths[0], 4), *blocks,
        nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
