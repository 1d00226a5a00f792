"""What the kinds of models that color share: a code prior p(z | L), the point estimate, and what verbs ask of them."""

from abc import abstractmethod
from collections.abc import Collection
from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import lab_to_displayable, match_channels, rgb_to_lab
from agerestore.models.base import ModelNetworks, Task
from agerestore.models.latent import GaussianMixture
from agerestore.models.layers.code_prior import CodePrior

MIDDLE_LIGHTNESS, LIGHTNESS_UNIT = 50.0, 50.0  # lightness of Lab that our networks see as 0, and as 1 more


class ColorNetworks(ModelNetworks):
    """An encoder of the colors of images, and a generator of the colors of a lightness.

    Images are Lab at its public methods, but RGB or gray in [0, 1] at `forward` and `preprocess`.

    Attributes:
        code_prior: features of the lightness -> distribution of codes; None where the configuration has none.
    """

    task: ClassVar[Task] = "colorization"

    code_prior: CodePrior | None

    @property
    def begins_with_estimate(self) -> bool:
        """Whether the first answer is the point estimate, which training must have taught; else it is drawn."""
        return False

    @property
    def supports(self) -> frozenset[str]:
        """Several samples or the colors of a reference, and their saturation."""
        return frozenset({"samples", "seed", "reference", "saturation"})

    def strip_for_inference(self, trained: Collection[str]) -> Self:
        """Without a code prior that was not trained."""
        return self if self.code_prior is None or "code_prior" in trained else self.without_code_prior()

    def without_code_prior(self) -> Self:
        """The same networks, sharing weights; codes then come from the whole sphere."""
        return self.sharing(self._modules.keys() - {"code_prior"}, prior_components=0)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """The point estimate, code 0: gray or RGB (B, 1 or 3, H, W) -> RGB (B, 3, H, W) of the same lightness."""
        lightness = rgb_to_lab(match_channels(image, 3))[:, :1]
        height, width = lightness.shape[2:]
        missing = (0, -width % self.input_multiple, 0, -height % self.input_multiple)
        whole = F.pad(lightness, missing, mode="replicate")
        chroma = self.generate(whole, lightness.new_zeros(len(lightness), self.config.latent_dim))
        chroma = F.interpolate(chroma.float(), whole.shape[2:], mode="bilinear")[:, :, :height, :width]
        return lab_to_displayable(torch.cat([lightness, chroma], 1))

    @abstractmethod
    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which an image of this size is colored."""

    @abstractmethod
    def encode(self, lab: Tensor) -> Tensor:
        """Lab (B, 3, H, W) of a working size -> codes (B, M) on the sphere, of the colors it has."""

    @abstractmethod
    def generate(self, lightness: Tensor, code: Tensor) -> Tensor:
        """Lightness (B or 1, 1, H, W) in [0, 100], codes (B, M) -> a and b of Lab, (B, 2, H, W) or half that size.

        Codes are projected onto the sphere; zeros stay, for the point estimate.
        """

    @abstractmethod
    def code_distribution(self, lightness: Tensor) -> GaussianMixture:
        """Distribution of the codes that images of a lightness (B, 1, H, W) have.

        It is near the sphere and not on it: project what is drawn from it.
        """

    @abstractmethod
    def features(self, lightness: Tensor) -> Tensor:
        """Features of lightness (B, 1, H, W) that tell images of the domain, (B, D)."""
