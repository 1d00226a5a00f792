"""The estimator of photographs: a residual U-Net whose output is an image and the log variance of its error."""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.images.composite import interpolate_masked
from agerestore.models.layers.activations import relu

MULTIPLE = 4  # sides are padded to a multiple of it
INITIAL_LOG_VARIANCE = math.log(0.1**2)  # where training starts: a standard deviation of 13 gray levels
MIN_LOG_VARIANCE = -14.0  # a standard deviation of an eighth of an 8-bit level


class Estimate(NamedTuple):
    """The point estimate of a clean image, in the range of the networks, [-1, 1].

    Attributes:
        image: (B, 3, H, W) float32.
        log_variance: (B, 3, H, W) float32, logarithm of the expected squared error of each value.
        features: of the decoder at quarter and at half resolution, (B, C, H/4, W/4) and (B, C', H/2, W/2), sides
            rounded up.
    """

    image: Tensor
    log_variance: Tensor
    features: tuple[Tensor, ...]


class ResidualBlock(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): x + conv(relu(conv(x))) with 3x3 convolutions; the identity at initialization."""

    def __init__(self, width: int, bias: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.second(relu(self.first(x)))
        return out.add_(x)  # in place: additions are bound by memory


def residual_blocks(width: int, count: int, bias: bool = True) -> nn.Sequential:
    """``count`` blocks after each other."""
    return nn.Sequential(*(ResidualBlock(width, bias) for _ in range(count)))


class Estimator(nn.Module):
    """A residual U-Net from a damaged image to an `Estimate`.

    Args:
        widths: channels at full, half and quarter resolution.
        blocks: residual blocks there on the way down; those at full and half resolution are repeated on the way up.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.stem = nn.Conv2d(4, widths[0], 3, padding=1)
        self.down = nn.ModuleList(map(residual_blocks, widths, blocks))
        self.downsample = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in steps)
        self.up = nn.ModuleList(map(residual_blocks, widths[:-1], blocks))
        self.head = nn.Conv2d(widths[0], 6, 3, padding=1)

    def forward(self, damaged: Tensor, mask: Tensor) -> Estimate:
        """Damaged image (B, 3, H, W) in [-1, 1] and mask (B, 1, H, W), 1 where its pixels are missing."""
        damaged = interpolate_masked(damaged.float(), mask)
        height, width = damaged.shape[2:]
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        x = self.stem(F.pad(torch.cat([damaged / 2, mask], 1), padding, mode="replicate"))
        skips = []
        for blocks, downsample in zip(self.down, self.downsample, strict=False):  # nothing is below the last blocks
            skips.append(blocks(x))
            x = downsample(skips[-1])
        features = [self.down[-1](x)]
        for upsample, blocks, skip in zip(self.upsample[::-1], self.up[::-1], skips[::-1], strict=True):
            features.append(blocks(upsample(features[-1]).add_(skip)))
        out = self.head(features.pop()).float()[:, :, :height, :width]  # (B, 6, H, W)
        residual, log_variance = out.chunk(2, dim=1)
        image = damaged + 2 * residual
        return Estimate(image, (log_variance + INITIAL_LOG_VARIANCE).clamp_min(MIN_LOG_VARIANCE), tuple(features))


def zero(layer: nn.Conv2d) -> None:
    """Set weights and bias to 0."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
