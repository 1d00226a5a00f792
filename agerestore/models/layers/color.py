"""Generators of the colors of a lightness: the AGE author's, and ours, whose code modulates every block."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.models.layers import dcgan

CHROMA_UNIT = 15.0  # a and b of Lab that our networks see as 1
MAX_CHROMA = 110 / CHROMA_UNIT  # where sRGB ends
RESNET_BLOCKS = 10
BLOCKS = (1, 2, 2)  # residual blocks at 1/2, 1/4 and 1/8 of the lightness; those at 1/2 and 1/4 on both ways


class ColorResnetGenerator(nn.Module):
    """The author's: lightness (B, 1, 64, 64) in [0, 100] and codes (B, M) -> Lab (B, 3, 64, 64), unbounded.

    Attributes:
        features_dim: channels of the last of its features.
    """

    compiled_methods: ClassVar[tuple[str, ...]] = ("features",)

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.features_dim = width
        w = width
        self.layers = nn.Sequential(
            nn.Conv2d(1 + latent_dim, w, 5, stride=2, padding=2), nn.BatchNorm2d(w), nn.ReLU(),
            nn.Conv2d(w, w, 5, stride=2, padding=2),
            *(_ReflectedBlock(w) for _ in range(RESNET_BLOCKS)),
            nn.Conv2d(w, 2 * 4**2, 3, padding=1), nn.PixelShuffle(4),
        )  # fmt: skip

    def initialize(self) -> None:
        """N(0, 0.02), as the author's code."""
        dcgan.initialize(self)

    def features(self, lightness: Tensor, code: Tensor) -> list[Tensor]:
        """What the output is drawn from, (B, width, 16, 16)."""
        tiled = code[:, :, None, None].expand(-1, -1, *lightness.shape[2:])
        return [self.layers[:-2](torch.cat([lightness, tiled], 1))]

    def forward(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        (features,) = self.features(lightness, code)
        return torch.cat([lightness, self.layers[-2:](features).float()], 1)


class _ReflectedBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.branch(x)
        return out


class ModulatedBlock(nn.Module):
    """(B, C, H, W), (B, M) -> (B, C, H, W): a residual block whose features the code scales and shifts.

    After FiLM (Perez et al., 2018).
    """

    def __init__(self, width: int, latent_dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.code = nn.Linear(latent_dim, 2 * width)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        scale, shift = self.code(code)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = x + self.second(F.relu(self.first(F.relu(x)) * (1 + scale) + shift))
        return out


class ColorGenerator(nn.Module):
    """Ours, a U-Net: packed lightness (B, 4, S/2, S/2) and codes (B, M) -> packed image (B, 6, S/2, S/2), bounded.

    Attributes:
        features_dim: channels of the last of its features.
    """

    compiled_methods: ClassVar[tuple[str, ...]] = ("features",)

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.features_dim = 4 * width
        widths = (width, 2 * width, 4 * width)

        def blocks(level: int) -> nn.ModuleList:
            return nn.ModuleList(ModulatedBlock(widths[level], latent_dim) for _ in range(BLOCKS[level]))

        self.stem = nn.Conv2d(4, width, 3, padding=1)
        self.down = nn.ModuleList(blocks(level) for level in range(3))
        self.up = nn.ModuleList(blocks(level) for level in range(2))
        self.downsample = nn.ModuleList(nn.Conv2d(widths[k], widths[k + 1], 2, stride=2) for k in range(2))
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(widths[k + 1], widths[k], 2, stride=2) for k in range(2))
        self.head = nn.Conv2d(width, 2, 3, padding=1)

    def initialize(self) -> None:
        """As torch, but the output and the last weights of residual branches start at zero: no colors at first."""
        for module in self.modules():
            if isinstance(module, ModulatedBlock):
                nn.init.zeros_(module.second.weight)
                nn.init.normal_(module.code.weight, 0.0, 1.0)  # of unit codes: shifts as large as what they shift
        for each in self.head.parameters():
            nn.init.zeros_(each)

    def features(self, lightness: Tensor, code: Tensor) -> list[Tensor]:
        """Features of each size on the way down, (B, width 2^k, S/2^(k+1), S/2^(k+1)) for k = 0, 1, 2."""
        features = []
        x = self.stem(lightness)
        for level, blocks in enumerate(self.down):
            for block in blocks:  # type: ignore[attr-defined]  # a list of blocks
                x = block(x, code)
            features.append(x)
            if level < len(self.downsample):
                x = self.downsample[level](x)
        return features

    def forward(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        *skips, x = self.features(lightness, code)
        for level in (1, 0):
            x = skips[level] + self.upsample[level](x)
            for block in self.up[level]:  # type: ignore[attr-defined]
                x = block(x, code)
        chroma = MAX_CHROMA * torch.tanh(self.head(F.relu(x)).float() / MAX_CHROMA)
        return torch.cat([lightness, chroma], 1)
