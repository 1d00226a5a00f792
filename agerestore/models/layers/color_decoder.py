"""Encoder and generator of colors over the features of a backbone, for images of any size.

The generator is a U-Net from stride 32 to stride 2. The code and the content of the whole image scale and shift the
features of every block, so that one code can mean a red dress here and a red car there. At stride 4 it says how likely
each color is (`agerestore.models.layers.color_bins`); at stride 2 it draws the edges of the mean color finer.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.models.latent import project
from agerestore.models.layers.color import CHROMA_UNIT, MAX_CHROMA, ModulatedBlock
from agerestore.models.layers.color_bins import ColorBins
from agerestore.models.layers.efficientnet_lite import WIDTHS

CONTENT = 32  # numbers that describe the whole image, next to the code
BLOCKS = (1, 1, 2, 2, 1)  # residual blocks at strides 2, 4, 8, 16 and 32
PACKED = 4  # planes of lightness at stride 2
ENCODER_WIDTHS = (32, 64, 96, 128)
ENCODER_GRID = 4  # parts of an image a side that the encoder sees apart


class Condition(NamedTuple):
    """What the generator knows of gray images.

    Attributes:
        lightness: (B, 4, H/2, W/2) packed, about in [-1, 1].
        features: of the backbone, normalized, at strides 2, 4, 8, 16 and 32.
    """

    lightness: Tensor
    features: list[Tensor]

    def repeat(self, count: int, times: int) -> "Condition":
        """The first ``count`` images, each ``times`` times in a row."""
        first = [each[:count].repeat_interleave(times, dim=0) for each in (self.lightness, *self.features)]
        return Condition(first[0], first[1:])


class Coloring(NamedTuple):
    """What the generator gives.

    Attributes:
        logits: (B, K, H/4, W/4) of the bins of colors.
        chroma: (B, 2, H/2, W/2) a and b of Lab.
    """

    logits: Tensor
    chroma: Tensor


class ColorEncoder(nn.Module):
    """Packed lightness and chroma at stride 2, (B, 6, H/2, W/2) -> codes (B, M) on the sphere."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = PACKED + 2
        for number, width in enumerate(ENCODER_WIDTHS):
            norm = [nn.BatchNorm2d(width)] if number else []
            layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), *norm, nn.LeakyReLU(0.2)]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels * ENCODER_GRID**2, latent_dim)

    def forward(self, lightness: Tensor, chroma: Tensor) -> Tensor:
        """Packed lightness (B, 4, h, w) and a and b of Lab (B, 2, h, w) -> (B, M)."""
        found = self.layers(torch.cat([lightness, chroma / CHROMA_UNIT], 1))
        return project(self.head(F.adaptive_avg_pool2d(found, ENCODER_GRID).flatten(1)).float())


class ColorDecoder(nn.Module):
    """The generator g(L, z); see the module.

    Args:
        latent_dim: M, numbers of a code.
        widths: channels at strides 2, 4, 8, 16 and 32.
    """

    def __init__(self, latent_dim: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.bins = ColorBins()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in WIDTHS)
        self.content = nn.Linear(WIDTHS[-1], CONTENT)
        extra = (PACKED, 0, 0, 0, 0)
        self.entries = nn.ModuleList(
            nn.Conv2d(given + more, width, 3 if more else 1, padding=1 if more else 0)
            for given, more, width in zip(WIDTHS, extra, widths, strict=True)
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList(ModulatedBlock(width, latent_dim + CONTENT) for _ in range(count))
            for width, count in zip(widths, BLOCKS, strict=True)
        )
        self.ups = nn.ModuleList(nn.Conv2d(widths[level + 1], widths[level], 1) for level in range(len(widths) - 1))
        self.logits = nn.Conv2d(widths[1], len(self.bins), 1)
        self.detail = nn.Conv2d(widths[0], 2, 3, padding=1)

    def initialize(self) -> None:
        """As torch, but residual branches and detail start at zero, and colors near gray are likely."""
        for module in self.modules():
            if isinstance(module, ModulatedBlock):
                nn.init.zeros_(module.second.weight)
        for each in (*self.detail.parameters(), self.logits.weight):
            nn.init.zeros_(each)
        with torch.no_grad():
            self.logits.bias.copy_(self.bins.initial_bias())  # type: ignore[union-attr]  # it has one

    def condition(self, lightness: Tensor, features: list[Tensor]) -> Condition:
        """Packed lightness (B, 4, H/2, W/2) and what the backbone gives for it -> what the generator takes."""
        return Condition(lightness, [norm(each.float()) for norm, each in zip(self.norms, features, strict=True)])

    def forward(self, condition: Condition, code: Tensor) -> Coloring:
        """Colors for a condition of B images.

        Args:
            condition: of `condition`.
            code: (B, M) on the sphere, or zeros for the point estimate.
        """
        lightness, features = condition
        content = self.content(features[-1].mean(dim=(2, 3)))
        style = torch.cat([code.to(content.dtype), content], 1)
        logits = x = features[0].new_zeros(0)
        for level in reversed(range(len(features))):
            given = features[level] if level else torch.cat([lightness, features[0]], 1)
            entered = self.entries[level](given)
            x = (
                entered
                if not x.numel()
                else entered + F.interpolate(self.ups[level](x), scale_factor=2, mode="nearest")
            )
            for block in self.blocks[level]:  # type: ignore[attr-defined]  # a list of blocks
                x = block(x, style)
            if level == 1:
                logits = self.logits(F.relu(x))
        coarse = F.interpolate(self.bins.mean(logits), scale_factor=2, mode="bilinear") / CHROMA_UNIT
        chroma = coarse + self.detail(F.relu(x)).float()
        return Coloring(logits, CHROMA_UNIT * MAX_CHROMA * torch.tanh(chroma / MAX_CHROMA))
