"""The model that colors: a conditional AGE in Lab, whose generator g(L, z) gives the colors a, b of a lightness L.

The encoder e(L, a, b) gives the code of a color image: one point on the sphere for all of its colors. A code prior
p(z | L) says which codes images of a lightness have, so that samples need not come from the whole sphere.

Two architectures. ``color-resnet`` is the AGE author's own, layer for layer (branch cAGE of the official code, May
2017): raw Lab, the code tiled next to the lightness, an unbounded output. ``color`` is ours: the code scales and shifts
the features of every residual block, the output is bounded, and colors are drawn at half the size of the lightness, as
in most JPEG files, which takes a third of the work and leaves no texture of the pixel shuffle.

Networks see *packed* images, (B, C + 2, H, W): C planes of lightness, then a and b.
"""

from collections.abc import Collection
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config.networks import ColorizerConfig
from agerestore.images.color import lab_to_displayable, match_channels, rgb_to_lab
from agerestore.models.base import ModelNetworks, Task
from agerestore.models.latent import GaussianMixture, project
from agerestore.models.layers import dcgan
from agerestore.models.layers.code_prior import CodePrior
from agerestore.models.layers.color import CHROMA_UNIT, ColorGenerator, ColorResnetGenerator

MIDDLE_LIGHTNESS, LIGHTNESS_UNIT = 50.0, 50.0  # lightness of Lab that our networks see as 0, and as 1 more
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


class Colorizer(ModelNetworks):
    """An encoder of the colors of images, and a generator of the colors of a lightness.

    Images are Lab at its public methods, but RGB or gray in [0, 1] at `forward` and `preprocess`.

    Attributes:
        encoder: packed image -> code on the sphere.
        generator: packed lightness, code -> packed image. Code 0 is for the point estimate, where a run trains it.
        code_prior: features of the generator -> distribution of codes; None where the configuration has none.
    """

    task: ClassVar[Task] = "colorization"

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
        self.code_prior: CodePrior | None = None
        if config.prior_components:
            self.code_prior = CodePrior(self.generator.features_dim, config.latent_dim, config.prior_components)

    def initialize(self) -> None:
        """The encoder and the author's generator as in his code, N(0, 0.02); ours as in `ColorGenerator.initialize`."""
        dcgan.initialize(self.encoder)
        if self.code_prior is not None:
            self.code_prior.initialize()
        self.generator.initialize()

    @property
    def supports(self) -> frozenset[str]:
        """Several samples or the colors of a reference, and their saturation."""
        return frozenset({"samples", "seed", "reference", "saturation"})

    @classmethod
    def preprocess(cls, config: Any, image: Tensor) -> Tensor:
        """RGB (B, 3, S, S) in [0, 1] -> packed images."""
        return pack(config, rgb_to_lab(image))

    def strip_for_inference(self, trained: Collection[str]) -> "Colorizer":
        """Without a code prior that was not trained."""
        return self if self.code_prior is None or "code_prior" in trained else self.without_code_prior()

    def without_code_prior(self) -> "Colorizer":
        """The same networks, sharing weights; codes then come from the whole sphere."""
        return self.sharing({"encoder", "generator"}, prior_components=0)

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which an image of this size is colored: always that of the training, whatever the proportions."""
        return self.config.image_size, self.config.image_size

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """The point estimate, code 0: gray or RGB (B, 1 or 3, S, S) -> RGB (B, 3, S, S) of the same lightness."""
        lightness = rgb_to_lab(match_channels(image, 3))[:, :1]
        chroma = self.generate(lightness, lightness.new_zeros(len(lightness), self.config.latent_dim))
        chroma = F.interpolate(chroma.float(), lightness.shape[2:], mode="bilinear")
        return lab_to_displayable(torch.cat([lightness, chroma], 1))

    def encode(self, lab: Tensor) -> Tensor:
        """Lab (B, 3, S, S) -> codes (B, M) on the sphere, of the colors it has."""
        code: Tensor = self.encoder(pack(self.config, lab))
        return code

    def generate(self, lightness: Tensor, code: Tensor) -> Tensor:
        """Lightness (B or 1, 1, S, S) in [0, 100], codes (B, M) -> a and b of Lab, (B, 2, S, S) or half that size.

        Codes are projected onto the sphere; zeros stay, for the point estimate.
        """
        lightness = lightness.expand(len(code), -1, -1, -1)
        return unpack_chroma(self.config, self.generator(self._packed(lightness), project(code)))

    def code_distribution(self, lightness: Tensor) -> GaussianMixture:
        """Distribution of the codes that images of a lightness (B, 1, S, S) have.

        It is near the sphere and not on it: project what is drawn from it.
        """
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
