"""The model that colors photographs of any size: a conditional AGE over the features of an image classifier.

The encoder e(L, a, b) gives the code of a color image, a few numbers on the sphere for all of its colors; the
generator g(L, z) gives the colors a, b of a lightness. Both see the lightness; the generator also sees what a frozen
backbone knows of its content. A code prior p(z | L) says which codes images of a lightness have.

The backbone is no part of the weights: all models of this kind share one file of it.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config.networks import PhotoColorizerConfig
from agerestore.images.color import rgb_to_lab
from agerestore.models.color_networks import LIGHTNESS_UNIT, MIDDLE_LIGHTNESS, ColorNetworks
from agerestore.models.latent import GaussianMixture, project
from agerestore.models.layers import dcgan, efficientnet_lite
from agerestore.models.layers.code_prior import CodePrior
from agerestore.models.layers.color_decoder import ColorDecoder, ColorEncoder, Condition
from agerestore.models.layers.efficientnet_lite import LITE0, EfficientNetLite

STRIDE = efficientnet_lite.STRIDE
SHORT_SIDES = 128, 256  # pixels of an image that the networks see, unless the long side would exceed the next
LONG_SIDE = 640


def pack_lightness(lightness: Tensor) -> Tensor:
    """Lightness (B, 1, H, W) in [0, 100] -> (B, 4, H/2, W/2), about in [-1, 1]."""
    return F.pixel_unshuffle((lightness - MIDDLE_LIGHTNESS) / LIGHTNESS_UNIT, 2)


class PhotoColorizer(ColorNetworks):
    """The networks for images of any size; see `ColorNetworks`.

    Attributes:
        encoder: packed lightness and chroma -> code on the sphere.
        generator: condition and code -> colors. Code 0 is for the point estimate, where a run trains it.
        backbone: gray image -> features; frozen.
        code_prior: features -> distribution of codes; None where the configuration has none.
    """

    input_multiple: ClassVar[int] = STRIDE

    def __init__(self, config: PhotoColorizerConfig) -> None:
        super().__init__(config)
        self.encoder = ColorEncoder(config.latent_dim)
        self.generator = ColorDecoder(config.latent_dim, config.widths)
        self.backbone = EfficientNetLite(LITE0, efficientnet_lite.shipped_weights())
        self.code_prior = None
        if config.prior_components:
            channels = sum(efficientnet_lite.WIDTHS[-2:])
            self.code_prior = CodePrior(channels, config.latent_dim, config.prior_components)

    def initialize(self) -> None:
        """The encoder N(0, 0.02), as in the AGE paper's code; the generator as in `ColorDecoder.initialize`."""
        dcgan.initialize(self.encoder)
        if self.code_prior is not None:
            self.code_prior.initialize()
        self.generator.initialize()

    @property
    def begins_with_estimate(self) -> bool:
        """See `ColorNetworks.begins_with_estimate`."""
        return bool(self.config.first_answer == "estimate")

    @property
    def supports(self) -> frozenset[str]:
        """See `ColorNetworks.supports`; and hints."""
        return super().supports | {"hints"}

    @classmethod
    def verify_shared_weights(cls) -> None:
        """Those of the backbone; see `ModelNetworks.verify_shared_weights`."""
        efficientnet_lite.shipped_weights()

    @classmethod
    def preprocess(cls, config: Any, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in [0, 1] -> Lab."""
        return rgb_to_lab(image)

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which an image of this size is colored: nearly its proportions, multiples of the stride.

        Small images are enlarged no more than to the size of the views of training.
        """
        least, most = SHORT_SIDES
        short = min(max(min(height, width), least), most)
        scale = min(short / min(height, width), LONG_SIDE / max(height, width))
        rows, columns = (max(round(side * scale / STRIDE), 2) * STRIDE for side in (height, width))
        return rows, columns

    def encode(self, lab: Tensor) -> Tensor:
        """See `ColorNetworks.encode`."""
        code: Tensor = self.encoder(pack_lightness(lab[:, :1]), F.avg_pool2d(lab[:, 1:], 2))
        return code

    def generate(self, lightness: Tensor, code: Tensor) -> Tensor:
        """See `ColorNetworks.generate`; (B, 2, H/2, W/2).

        Args:
            lightness: one for each code, or one for all.
            code: (B, M) on the sphere, or zeros for the point estimate.
        """
        condition = self.condition(lightness)
        if len(lightness) != len(code):
            condition = condition.repeat(1, len(code))
        chroma: Tensor = self.generator(condition, project(code)).chroma
        is_estimate = ~code.any(dim=1)[:, None, None, None]
        return torch.where(is_estimate, self.config.estimate_saturation * chroma, chroma)

    def code_distribution(self, lightness: Tensor) -> GaussianMixture:
        """See `ColorNetworks.code_distribution`."""
        assert self.code_prior is not None
        found: GaussianMixture = self.code_prior(content_of(self.condition(lightness)))
        return found

    def features(self, lightness: Tensor) -> Tensor:
        """What the backbone knows of lightness (B, 1, H, W), (B, D): means and deviations of its last features."""
        last = content_of(self.condition(lightness)).flatten(2)
        return torch.cat([last.mean(dim=2), last.std(dim=2)], 1)

    def similarity_features(self, lightness: Tensor) -> Tensor:
        """What the backbone knows of each place of lightness (B, 1, H, W): (B, C, H/2, W/2).

        The mean square over the channels of each stride from 8 on is about one.
        """
        size = [side // 2 for side in lightness.shape[2:]]
        deep = self.condition(lightness).features[2:]
        scaled = [each / each.shape[1] ** 0.5 for each in deep]
        return torch.cat([F.interpolate(each, size, mode="bilinear") for each in scaled], 1)

    def condition(self, lightness: Tensor) -> Condition:
        """What the generator knows of a lightness (B, 1, H, W) in [0, 100]."""
        found: Condition = self.generator.condition(
            pack_lightness(lightness), self.backbone(lightness.expand(-1, 3, -1, -1) / 100)
        )
        return found


def content_of(condition: Condition) -> Tensor:
    """The features at strides 16 and 32, both at 16: (B, C, H/16, W/16)."""
    *_, middle, last = condition.features
    return torch.cat([middle, F.interpolate(last, middle.shape[2:], mode="nearest")], 1)
