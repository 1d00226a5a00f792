"""The model that colors: a conditional AGE in Lab, whose generator g(L, z) gives the colors a, b of a lightness L.

The encoder e(L, a, b) gives the code of a color image: one point on the sphere for all of its colors. A code prior
p(z | L) says which codes images of a lightness have, so that samples need not come from the whole sphere.

Two architectures. ``color-resnet`` is the AGE author's own, layer for layer (branch cAGE of the official code, May
2017): raw Lab, the code tiled next to the lightness, an unbounded output. ``color`` is ours: the code scales and shifts
the features of every residual block, the output is bounded, and colors are drawn at half the size of the lightness, as
in most JPEG files, which takes a third of the work and leaves no texture of the pixel shuffle.

Networks see *packed* images, (B, C + 2, H, W): C planes of lightness, then a and b.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config.networks import ColorizerConfig
from agerestore.images.color import rgb_to_lab
from agerestore.models.color_networks import LIGHTNESS_UNIT, MIDDLE_LIGHTNESS, ColorNetworks
from agerestore.models.latent import GaussianMixture, project
from agerestore.models.layers import dcgan
from agerestore.models.layers.code_prior import CodePrior
from agerestore.models.layers.color import CHROMA_UNIT, ColorGenerator, ColorResnetGenerator

FEATURE_GRID = 4  # features of a lightness are means over this many parts of the image a side


def pack(config: ColorizerConfig, lab: Tensor) -> Tensor:
    """Lab (B, 3, S, S) -> what the networks of ``config`` see, (B, C + 2, H, W)."""
    if config.architecture == "color-resnet":
        return lab
    lightness = F.pixel_unshuffle((lab[:, :1] - MIDDLE_LIGHTNESS) / LIGHTNESS_UNIT, 2)
    return torch.cat([lightness, F.avg_pool2d(lab[:, 1:], 2) / CHROMA_UNIT], 1)


def unpack_chroma(config: ColorizerConfig, packed: Tensor) -> Tensor:
    """The a and b of Lab, (B, 2, H, W), of a packed image."""
    return packed[:, -2:] * (1.0 if config.architecture == "color-resnet" else CHROMA_UNIT)


class Colorizer(ColorNetworks):
    """The networks for images of 64x64; see `ColorNetworks`.

    Attributes:
        encoder: packed image -> code on the sphere.
        generator: packed lightness, code -> packed image. Code 0 is for the point estimate, where a run trains it.
        code_prior: features of the generator -> distribution of codes; None where the configuration has none.
    """

    def __init__(self, config: ColorizerConfig) -> None:
        super().__init__(config)
        self.generator: ColorResnetGenerator | ColorGenerator
        if config.architecture == "color-resnet":
            layers = dcgan.encoder_layers(64, 3, config.latent_dim, config.width)
            self.generator = ColorResnetGenerator(config.latent_dim, config.width)
        else:
            layers = dcgan.encoder_layers(32, 6, config.latent_dim, config.width)
            self.generator = ColorGenerator(config.latent_dim, config.width)
        self.encoder = dcgan.Encoder(layers)
        self.code_prior = None
        if config.prior_components:
            self.code_prior = CodePrior(self.generator.features_dim, config.latent_dim, config.prior_components)

    def initialize(self) -> None:
        """The encoder and the author's generator as in his code, N(0, 0.02); ours as in `ColorGenerator.initialize`."""
        dcgan.initialize(self.encoder)
        if self.code_prior is not None:
            self.code_prior.initialize()
        self.generator.initialize()

    @classmethod
    def preprocess(cls, config: Any, image: Tensor) -> Tensor:
        """RGB (B, 3, S, S) in [0, 1] -> packed images."""
        return pack(config, rgb_to_lab(image))

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which an image of this size is colored: always that of the training, whatever the proportions."""
        return self.config.image_size, self.config.image_size

    def encode(self, lab: Tensor) -> Tensor:
        """See `ColorNetworks.encode`."""
        code: Tensor = self.encoder(pack(self.config, lab))
        return code

    def generate(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See `ColorNetworks.generate`."""
        lightness = lightness.expand(len(code), -1, -1, -1)
        return unpack_chroma(self.config, self.generator(self._packed(lightness), project(code)))

    def code_distribution(self, lightness: Tensor) -> GaussianMixture:
        """See `ColorNetworks.code_distribution`."""
        assert self.code_prior is not None
        found: GaussianMixture = self.code_prior(self._features(lightness)[-1])
        return found

    def features(self, lightness: Tensor) -> Tensor:
        """First features of the generator for lightness (B, 1, S, S) and code 0, (B, D): means over parts of it."""
        return F.adaptive_avg_pool2d(F.relu(self._features(lightness)[0]), FEATURE_GRID).flatten(1)

    def _features(self, lightness: Tensor) -> list[Tensor]:
        code = lightness.new_zeros(len(lightness), self.config.latent_dim)
        return self.generator.features(self._packed(lightness), code)

    def _packed(self, lightness: Tensor) -> Tensor:
        return pack(self.config, F.pad(lightness, (0, 0, 0, 0, 0, 2)))[:, :-2]
