"""The conditional AGE that colors: g(L, z) gives the colors of a lightness, e(L, a, b) the code of a picture.

The code is one point on the sphere for a picture: the paints it has. Two architectures. ``color-resnet`` is the
author's, layer for layer (branch cAGE of the official code, May 2017): raw Lab, the code tiled beside the lightness, no
bound on the output. ``color`` is ours: the code enters as scales and shifts of every residual block, the output is
bounded, and colors are drawn at half the size of the lightness, as in most JPEG files: a third of the work, and no
texture of the pixel shuffle in them.

Which codes a lightness leaves open is told by a small head on what the generator sees in it (`Paints`).

Networks see pictures *packed*, (B, C + 2, H, W): C planes of lightness, then a and b.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.config.networks import ColorConfig
from agerestore.models.latent import Mixture, project
from agerestore.models.layers import dcgan

MIDDLE_LIGHTNESS, LIGHTNESS_UNIT, CHROMA_UNIT = 50.0, 50.0, 15.0  # of Lab, at which ours counts 0 and 1
MOST_CHROMA = 110 / CHROMA_UNIT  # where sRGB ends
RESNET_BLOCKS = 10
FEATURE_GRID = 4  # parts of a picture a side, of which features are means
PAINT_GRID = 4  # parts of a picture a side, from which its paints are told
PAINT_DROPOUT = 0.1
FIRST_LOG_DEVIATION, LEAST_LOG_DEVIATION = math.log(0.3), -4.0  # of codes in a component
OWN_BLOCKS = (1, 2, 2)  # residual blocks at 1/2, 1/4 and 1/8 of the lightness; those at 1/2 and 1/4 on both ways


def pack(config: ColorConfig, lab: Tensor) -> Tensor:
    """Lab (B, 3, S, S) -> what the networks of ``config`` see, (B, C + 2, H, W)."""
    if config.architecture == "color-resnet":
        return lab
    lightness = F.pixel_unshuffle((lab[:, :1] - MIDDLE_LIGHTNESS) / LIGHTNESS_UNIT, 2)
    return torch.cat([lightness, F.avg_pool2d(lab[:, 1:], 2) / CHROMA_UNIT], 1)


def chroma(config: ColorConfig, packed: Tensor) -> Tensor:
    """The a and b of Lab, (B, 2, H, W), of a packed picture."""
    return packed[:, -2:] * (1.0 if config.architecture == "color-resnet" else CHROMA_UNIT)


class ResnetGenerator(nn.Module):
    """The author's: lightness (B, 1, 64, 64) in [0, 100] and codes (B, M) -> Lab (B, 3, 64, 64), unbounded.

    Attributes:
        seen: channels of the last of its features.
    """

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.seen = width
        w = width
        self.layers = nn.Sequential(
            nn.Conv2d(1 + latent_dim, w, 5, stride=2, padding=2), nn.BatchNorm2d(w), nn.ReLU(),
            nn.Conv2d(w, w, 5, stride=2, padding=2),
            *(_ReflectedBlock(w) for _ in range(RESNET_BLOCKS)),
            nn.Conv2d(w, 2 * 4**2, 3, padding=1), nn.PixelShuffle(4),
        )  # fmt: skip

    def features(self, lightness: Tensor, code: Tensor) -> list[Tensor]:
        """What is seen before the colors are drawn, (B, width, 16, 16)."""
        tiled = code[:, :, None, None].expand(-1, -1, *lightness.shape[2:])
        return [self.layers[:-2](torch.cat([lightness, tiled], 1))]

    def forward(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        (seen,) = self.features(lightness, code)
        return torch.cat([lightness, self.layers[-2:](seen).float()], 1)


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


class CodedBlock(nn.Module):
    """(B, C, H, W), (B, M) -> (B, C, H, W): two convolutions beside the identity, which the code modulates."""

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


class OwnGenerator(nn.Module):
    """Ours: packed lightness (B, 4, S/2, S/2) and codes (B, M) -> packed picture (B, 6, S/2, S/2), bounded.

    Attributes:
        seen: channels of the last of its features.
    """

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.seen = 4 * width
        widths = (width, 2 * width, 4 * width)

        def blocks(level: int) -> nn.ModuleList:
            return nn.ModuleList(CodedBlock(widths[level], latent_dim) for _ in range(OWN_BLOCKS[level]))

        self.enter = nn.Conv2d(4, width, 3, padding=1)
        self.down = nn.ModuleList(blocks(level) for level in range(3))
        self.up = nn.ModuleList(blocks(level) for level in range(2))
        self.shrink = nn.ModuleList(nn.Conv2d(widths[k], widths[k + 1], 2, stride=2) for k in range(2))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(widths[k + 1], widths[k], 2, stride=2) for k in range(2))
        self.leave = nn.Conv2d(width, 2, 3, padding=1)

    def features(self, lightness: Tensor, code: Tensor) -> list[Tensor]:
        """What is seen at each size on the way down, (B, width 2^k, S/2^(k+1), S/2^(k+1)) for k = 0, 1, 2."""
        seen = []
        x = self.enter(lightness)
        for level, blocks in enumerate(self.down):
            for block in blocks:  # type: ignore[attr-defined]  # a list of blocks
                x = block(x, code)
            seen.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        return seen

    def forward(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        *passed, x = self.features(lightness, code)
        for level in (1, 0):
            x = passed[level] + self.grow[level](x)
            for block in self.up[level]:  # type: ignore[attr-defined]
                x = block(x, code)
        drawn = MOST_CHROMA * torch.tanh(self.leave(F.relu(x)).float() / MOST_CHROMA)
        return torch.cat([lightness, drawn], 1)


class Paints(nn.Module):
    """p(z | L), the codes that pictures of a lightness have, as a mixture (Bishop, Mixture Density Networks, 1994).

    Args:
        channels: of the generator's features of the lightness, (B, C, H, W) with H and W at least `PAINT_GRID`.
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
            nn.AdaptiveAvgPool2d(PAINT_GRID), nn.Flatten(), nn.Dropout(PAINT_DROPOUT),
            nn.Linear(48 * PAINT_GRID**2, 64), nn.ReLU(), nn.Dropout(PAINT_DROPOUT),
        )  # fmt: skip
        self.leave = nn.Linear(64, math.prod(self.shape))

    def forward(self, seen: Tensor) -> Mixture:
        """See the class; ``seen`` are the features."""
        numbers = self.leave(self.layers(seen)).float().unflatten(1, self.shape)
        means, deviations = numbers[..., 1:].chunk(2, dim=2)
        return Mixture(numbers[..., 0], means, deviations.clamp_min(LEAST_LOG_DEVIATION).exp())


class ColorModel(nn.Module):
    """An encoder of the colors of pictures and a generator of the colors of lightness; Lab at its public methods.

    Attributes:
        config: everything needed to build the networks again.
        encoder: packed picture -> code on the sphere.
        generator: packed lightness, code -> packed picture. Code 0, the center, is for the best single estimate where a
            run trains it.
        paints: features of the generator -> distribution of codes; None where the configuration has none.
    """

    def __init__(self, config: ColorConfig) -> None:
        super().__init__()
        self.config = config
        if config.architecture == "color-resnet":
            layers = dcgan.encoder_layers(64, 3, config.latent_dim, config.width)
            self.generator: ResnetGenerator | OwnGenerator = ResnetGenerator(config.latent_dim, config.width)
        else:
            layers = dcgan.encoder_layers(32, 6, config.latent_dim, config.width)
            self.generator = OwnGenerator(config.latent_dim, config.width)
        self.encoder = dcgan.Encoder(layers)
        self.paints = Paints(self.generator.seen, config.latent_dim, config.paints) if config.paints else None

    def without_paints(self) -> "ColorModel":
        """The same networks, shared, but nothing that knows which codes a lightness has."""
        model = ColorModel(self.config.model_copy(update={"paints": 0}))
        model.encoder, model.generator = self.encoder, self.generator
        return model.train(self.training)

    def encode(self, lab: Tensor) -> Tensor:
        """Lab (B, 3, S, S) -> codes (B, M) on the sphere: the colors it has."""
        code: Tensor = self.encoder(pack(self.config, lab))
        return code

    def generate(self, lightness: Tensor, code: Tensor) -> Tensor:
        """Lightness (B, 1, S, S) in [0, 100] and codes (B, M) -> the a and b of Lab, (B, 2, S, S) or half that size.

        Codes are projected onto the sphere; zeros stay, the center.
        """
        return chroma(self.config, self.generator(self._packed(lightness), project(code)))

    def codes_given(self, lightness: Tensor) -> Mixture:
        """The codes that pictures of a lightness (B, 1, S, S) have.

        It is near the sphere and not on it: project what is drawn from it.
        """
        assert self.paints is not None
        found: Mixture = self.paints(self._seen(lightness)[-1])
        return found

    def features(self, lightness: Tensor) -> Tensor:
        """What the generator sees first in lightness (B, 1, S, S), with the code 0, (B, D): means over parts of it."""
        return F.adaptive_avg_pool2d(F.relu(self._seen(lightness)[0]), FEATURE_GRID).flatten(1)

    def _seen(self, lightness: Tensor) -> list[Tensor]:
        center = lightness.new_zeros(len(lightness), self.config.latent_dim)
        return self.generator.features(self._packed(lightness), center)

    def _packed(self, lightness: Tensor) -> Tensor:
        return pack(self.config, F.pad(lightness, (0, 0, 0, 0, 0, 2)))[:, :-2]


def initialize(model: ColorModel) -> None:
    """The encoder and the author's generator as in his code, N(0, 0.02); ours as torch begins, but without colors.

    Its output starts at zero, and so do the weights that residual branches end with. Which codes a lightness has begins
    as a mixture around codes that are anywhere on the sphere.
    """
    dcgan.initialize(model.encoder)
    if model.paints is not None:
        _initialize_paints(model.paints)
    if not isinstance(model.generator, OwnGenerator):
        dcgan.initialize(model.generator)
        return
    for module in model.generator.modules():
        if isinstance(module, CodedBlock):
            nn.init.zeros_(module.second.weight)
            nn.init.normal_(module.code.weight, 0.0, 1.0)  # of codes of length 1: shifts as large as what they shift
    for each in model.generator.leave.parameters():
        nn.init.zeros_(each)


def _initialize_paints(paints: Paints) -> None:
    components, latent_dim = paints.shape[0], paints.shape[1] // 2
    anywhere = project(torch.randn(components, latent_dim))
    wide = torch.full((components, latent_dim), FIRST_LOG_DEVIATION)
    with torch.no_grad():
        paints.leave.weight.mul_(0.1)
        paints.leave.bias.copy_(torch.cat([torch.zeros(components, 1), anywhere, wide], 1).flatten())
