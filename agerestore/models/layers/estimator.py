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
CONVOLUTIONS = 2  # of 3x3 in a residual block: each reaches one pixel further
LEAST_CUT = 16  # pixels: to copy features is not worth less
INITIAL_LOG_VARIANCE = math.log(0.1**2)  # where training starts: a standard deviation of 13 gray levels
MIN_LOG_VARIANCE = -14.0  # a standard deviation of an eighth of an 8-bit level


class Estimate(NamedTuple):
    """The point estimate of a clean image, in the range of the networks, [-1, 1].

    Attributes:
        image: (B, 3, H, W) float32.
        log_variance: (B, 3, H, W) float32, logarithm of the expected squared error of each value.
        features: of the decoder at quarter and at half resolution, (B, C, H/4, W/4) and (B, C', H/2, W/2), sides
            rounded up; none of them where a margin was given.
    """

    image: Tensor
    log_variance: Tensor
    features: tuple[Tensor, ...]


class Margin(NamedTuple):
    """Pixels on each side of an image that are context alone: nothing is asked of them."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    def cut(self, x: Tensor, scale: int = 1) -> Tensor:
        """Features (B, C, H, W) at 1/scale of the resolution, without the margin, which is a multiple of ``scale``."""
        top, left, bottom, right = (side // scale for side in self)
        return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]

    def less(self, other: "Margin") -> "Margin":
        """What is left of the margin where that much is cut off."""
        return Margin(*(side - cut for side, cut in zip(self, other, strict=True)))


NO_MARGIN = Margin()


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


class _Surroundings:
    """Follows how much of the surroundings the layers to come depend on, and cuts off the rest.

    Args:
        margin: of the image.
        reach: pixels on each side that an estimate depends on.
    """

    def __init__(self, margin: Margin, reach: int) -> None:
        self.margin, self._reach = margin, reach

    def cut(self, x: Tensor, scale: int) -> Tensor:
        """Features (B, C, H, W) at 1/scale of the resolution without what no longer counts."""
        spare = Margin(*(max(side - self._reach, 0) // MULTIPLE * MULTIPLE for side in self.margin))
        if max(spare) < LEAST_CUT:
            return x
        self.margin = self.margin.less(spare)
        return spare.cut(x, scale)

    def match(self, x: Tensor, margin: Margin, scale: int) -> Tensor:
        """Earlier features, which had this margin, without what was cut off since."""
        return margin.less(self.margin).cut(x, scale)

    def run(self, block: nn.Module, x: Tensor, scale: int) -> Tensor:
        """A residual block at 1/scale of the resolution."""
        out: Tensor = block(self.cut(x, scale))
        self._reach -= CONVOLUTIONS * scale
        return out


class Estimator(nn.Module):
    """A residual U-Net from a damaged image to an `Estimate`.

    Args:
        widths: channels at full, half and quarter resolution.
        blocks: residual blocks there on the way down; those at full and half resolution are repeated on the way up.

    Attributes:
        reach: pixels on each side that an estimate depends on, without those that missing ones are interpolated from.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        full, half, quarter = blocks
        self.reach = 2 + CONVOLUTIONS * (2 * full + 4 * half + 4 * quarter) + MULTIPLE - 1  # down and up
        steps = list(pairwise(widths))
        self.stem = nn.Conv2d(4, widths[0], 3, padding=1)
        self.down = nn.ModuleList(map(residual_blocks, widths, blocks))
        self.downsample = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in steps)
        self.up = nn.ModuleList(map(residual_blocks, widths[:-1], blocks))
        self.head = nn.Conv2d(widths[0], 6, 3, padding=1)

    def forward(self, damaged: Tensor, mask: Tensor, margin: Margin = NO_MARGIN) -> Estimate:
        """Estimate a part of an image.

        Args:
            damaged: (B, 3, H, W) in [-1, 1].
            mask: (B, 1, H, W), 1 where its pixels are missing.
            margin: the estimate is without it. Where it ends, the image goes on: it is at least `reach` wide, or 0.
        """
        damaged = interpolate_masked(damaged.float(), mask)
        height, width = damaged.shape[2:]
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        x = self.stem(F.pad(torch.cat([damaged / 2, mask], 1), padding, mode="replicate"))
        padded = Margin(margin.top, margin.left, margin.bottom + padding[3], margin.right + padding[1])
        around = _Surroundings(padded, self.reach - 1)
        skips: list[tuple[Tensor, Margin]] = []
        for level, (blocks, downsample) in enumerate(zip(self.down, self.downsample, strict=False)):
            for block in blocks.children():
                x = around.run(block, x, 2**level)
            skips.append((x, around.margin))
            x = downsample(x)
        for block in self.down[-1].children():
            x = around.run(block, x, MULTIPLE)
        features = []
        for level, (upsample, blocks) in reversed(list(enumerate(zip(self.upsample, self.up, strict=True)))):
            if margin == NO_MARGIN:
                features.append(x)
            x = upsample(around.cut(x, 2 ** (level + 1)))
            x = x.add_(around.match(*skips.pop(), 2**level))
            for block in blocks.children():
                x = around.run(block, x, 2**level)
        out = around.margin.cut(self.head(x).float())  # (B, 6, H, W)
        residual, log_variance = out.chunk(2, dim=1)
        image = margin.cut(damaged) + 2 * residual
        return Estimate(image, (log_variance + INITIAL_LOG_VARIANCE).clamp_min(MIN_LOG_VARIANCE), tuple(features))


def zero(layer: nn.Conv2d) -> None:
    """Set weights and bias to 0."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
