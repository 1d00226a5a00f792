"""The model for photographs of any size: a regression network, and a conditional AGE around it for samples.

The estimator f maps a damaged image y to a point estimate f(y) of the clean image and the standard deviation s(y) that
its error is expected to have (as Kendall and Gal, 2017). Samples come from an encoder and a generator: g(z, y) = f(y) +
s(y) r(z, y), where r is a normalized residual with r(0, y) = 0. The latent z is a map of codes on the unit sphere, one
for each region of 16x16 pixels. The estimator has weights of its own, which the adversarial stage leaves alone.

No layer normalizes or pools over the image: a pixel depends on its neighborhood alone, so that tiles with enough
overlap equal the whole. Images are added up in fp32.
"""

from collections.abc import Collection
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.config.networks import PhotoConfig
from agerestore.images.composite import INTERPOLATION_REACH
from agerestore.models.base import ModelNetworks
from agerestore.models.latent import project, sample_latents
from agerestore.models.layers.estimator import (
    MULTIPLE,
    NO_MARGIN,
    Estimate,
    Estimator,
    Margin,
    ResidualBlock,
    residual_blocks,
    zero,
)

REGION = PhotoConfig.region  # sides are padded to a multiple of it for samples
SAMPLE_BLOCKS = 2  # residual blocks of the generator at each of its two resolutions
MAX_RESIDUAL = 4.0  # clip value of normalized residuals, in standard deviations


class Condition(NamedTuple):
    """What the encoder and the generator of samples are conditioned on, in the range of the networks, [-1, 1].

    Attributes:
        damaged: (B, 3, H, W), 0 where pixels are missing.
        mask: (B, 1, H, W), 1 where pixels are missing.
        estimate: the point estimate, from which samples depart.
    """

    damaged: Tensor
    mask: Tensor
    estimate: Estimate

    @property
    def std(self) -> Tensor:
        """Predicted standard deviation of the error of the estimate, (B, 3, H, W)."""
        return (self.estimate.log_variance / 2).exp()

    def residual(self, image: Tensor) -> Tensor:
        """Image (B, 3, H, W) -> its difference from the estimate in standard deviations, clipped to `MAX_RESIDUAL`."""
        return ((image - self.estimate.image) / self.std).clamp(-MAX_RESIDUAL, MAX_RESIDUAL)

    def image(self, residual: Tensor) -> Tensor:
        """Normalized residual (B, 3, H, W) -> image (B, 3, H, W): the inverse of `residual`."""
        return self.estimate.image + self.std * residual


class ResidualEncoder(nn.Module):
    """Normalized residual of an image and its condition -> latent map (B, M, H/16, W/16), each code on the sphere."""

    def __init__(self, width: int, latent_dim: int) -> None:
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            nn.Conv2d(4 * 10, w, 3, padding=1), nn.LeakyReLU(0.2),  # half resolution
            nn.Conv2d(w, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, 2 * w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, latent_dim, 1),
        )  # fmt: skip

    def forward(self, residual: Tensor, condition: Condition) -> Tensor:
        """See the class; ``residual`` (B, 3, H, W) in standard deviations."""
        x = torch.cat([residual, condition.damaged, condition.estimate.image, condition.mask], 1)
        codes = self.layers(F.pixel_unshuffle(x, 2)).float()
        return project(codes.movedim(1, -1)).movedim(-1, 1)


class ResidualGenerator(nn.Module):
    """Latent map and condition -> normalized residual, which vanishes at z = 0.

    No layer has a bias, and features of the condition enter as factors, so that the residual grows from 0 with the
    length of z, up to `MAX_RESIDUAL`. Opposite codes give opposite residuals: the mean of all samples is the point
    estimate, the posterior mean.

    Args:
        half: channels at half resolution.
        quarter: at quarter resolution.
        latent_dim: M, numbers of a code.
        features: channels of the estimator's features at half and quarter resolution.
    """

    def __init__(self, half: int, quarter: int, latent_dim: int, features: tuple[int, int]) -> None:
        super().__init__()
        self.stem = nn.ConvTranspose2d(latent_dim, quarter, 4, stride=4, bias=False)
        self.gates = nn.ModuleList(map(nn.Conv2d, features[::-1], (quarter, half), (1, 1)))
        self.blocks = nn.ModuleList(
            residual_blocks(channels, SAMPLE_BLOCKS, bias=False) for channels in (quarter, half)
        )
        self.upsample = nn.ConvTranspose2d(quarter, half, 4, stride=2, padding=1, bias=False)
        self.head = nn.Conv2d(half, 4 * 3, 3, padding=1, bias=False)

    def forward(self, code: Tensor, condition: Condition) -> Tensor:
        """See the class; latent map (B, M, H/16, W/16) -> (B, 3, H, W) in standard deviations."""
        quarter, half = (1 + gate(x) for gate, x in zip(self.gates, condition.estimate.features, strict=True))
        x = self.stem(code) * quarter  # linear in the code: -x is that of the opposite code
        residual = (self._residual(x, half) - self._residual(-x, half)) / 2
        return MAX_RESIDUAL * torch.tanh(residual / MAX_RESIDUAL)

    def _residual(self, x: Tensor, half: Tensor) -> Tensor:
        x = self.blocks[1](self.upsample(self.blocks[0](x)) * half)
        return F.pixel_shuffle(self.head(x).float(), 2)


class PhotoRestorer(ModelNetworks):
    """The estimator, and the encoder and generator of samples around it. Images are in [0, 1] at its public methods.

    Attributes:
        estimator: damaged image, mask -> `Estimate`.
        encoder: normalized residual, `Condition` -> latent map; None where the configuration has no codes.
        generator: latent map, `Condition` -> normalized residual; likewise.
    """

    input_multiple: ClassVar[int] = MULTIPLE
    memory_format: ClassVar[torch.memory_format] = torch.channels_last  # twice as fast on large images
    can_widen: ClassVar[bool] = True
    onnx_outputs: ClassVar[tuple[str, ...]] = ("estimate", "std")

    def __init__(self, config: PhotoConfig) -> None:
        super().__init__(config)
        half, quarter = config.widths[1:]
        self.estimator = Estimator(config.widths, config.blocks)
        self.encoder: ResidualEncoder | None = None
        self.generator: ResidualGenerator | None = None
        if config.latent_dim:
            widths = config.sampler_widths or (half, quarter)
            self.encoder = ResidualEncoder(widths[0], config.latent_dim)
            self.generator = ResidualGenerator(*widths, config.latent_dim, (half, quarter))

    def initialize(self) -> None:
        """As torch, but residual branches and the output start at zero, so that the estimator is the identity."""
        for module in self.modules():
            if isinstance(module, ResidualBlock):
                zero(module.second)
        zero(self.estimator.head)

    @property
    def supports(self) -> frozenset[str]:
        """All options of restoring but latent refinement; samples where there are codes."""
        samples = {"samples", "seed"} if self.config.latent_dim else set()
        detection = {"sensitivity", "fill_large"}
        return frozenset({"mask", "strength", "sigma", "ensemble", "tile", "uncertainty", *detection, *samples})

    def strip_for_inference(self, trained: Collection[str]) -> "PhotoRestorer":
        """The estimator alone where the generator was not trained."""
        return self if "generator" in trained else self.estimator_only()

    def estimator_only(self) -> "PhotoRestorer":
        """The estimator without the encoder and the generator of samples, sharing its weights."""
        return self.sharing({"estimator"}, latent_dim=0)

    def halo(self, masked: bool, samples: bool = False) -> int:
        """Pixels on each side that a pixel of the answer depends on: half of the receptive field.

        Args:
            masked: whether pixels are missing, and interpolated from those around them.
            samples: of a sample instead of the estimate.
        """
        halo: int = self.estimator.reach + (INTERPOLATION_REACH if masked else 0)
        return halo + (8 * SAMPLE_BLOCKS + 4 * SAMPLE_BLOCKS + 8 + REGION if samples else 0)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """The point estimate, clipped to [0, 1]."""
        return self.estimate(image, mask)[0].clamp(0, 1)

    def onnx_forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """The point estimate and the standard deviation of its error."""
        estimate, std = self.estimate(image, mask)
        return estimate.clamp(0, 1), std.clamp(0, 1)

    def estimate(self, image: Tensor, mask: Tensor | None = None, margin: Margin = NO_MARGIN) -> tuple[Tensor, Tensor]:
        """Damaged image (B, 3, H, W) -> point estimate and predicted standard deviation of its error, the same shape.

        Args:
            image: any size; values outside [0, 1], as unclipped noise gives, are taken as they are.
            mask: (B, 1, H, W), 1 where pixels are missing; their values do not matter.
            margin: pixels on each side that are context alone, at least `halo` or 0; the answers are without them, and
                cost less.
        """
        damaged, mask = _to_networks(image, mask)
        answer = self.estimator(damaged, mask, margin)
        return (answer.image + 1) / 2, (answer.log_variance / 2).exp() / 2

    def condition(self, image: Tensor, mask: Tensor | None = None) -> Condition:
        """What samples of a damaged image (B, 3, H, W) in [0, 1] depend on; sides are multiples of `REGION`."""
        damaged, mask = _to_networks(image, mask)
        return Condition(damaged, mask, self.estimator(damaged, mask))

    def encode(self, image: Tensor, condition: Condition) -> Tensor:
        """Image (B, 3, H, W) in [0, 1] -> latent map (B, M, H/16, W/16) on the sphere."""
        assert self.encoder is not None
        code: Tensor = self.encoder(condition.residual(image * 2 - 1), condition)
        return code

    def generate(self, code: Tensor, condition: Condition) -> Tensor:
        """Latent map (B, M, H/16, W/16) -> image (B, 3, H, W) in [0, 1]; zeros give the point estimate."""
        assert self.generator is not None
        return (condition.image(self.generator(code, condition)) + 1) / 2

    @torch.no_grad()
    def scale_samples(self, factor: float) -> None:
        """Scale the normalized residuals of all samples, up to their bound: the last layer has no bias."""
        assert self.generator is not None
        self.generator.head.weight.mul_(factor)

    def sample_latent_maps(self, height: int, width: int, count: int, generator: torch.Generator) -> Tensor:
        """Draw latent maps for an image: (K, M, rows, columns), a code for each region that it touches.

        Args:
            height: of the image.
            width: of the image.
            count: K.
            generator: source of randomness.
        """
        rows, columns = -(-height // REGION), -(-width // REGION)
        codes = sample_latents(count * rows * columns, self.config.latent_dim, generator)
        return codes.view(count, rows, columns, -1).movedim(-1, 1)

    def samples(self, image: Tensor, mask: Tensor | None, latent_maps: Tensor) -> Tensor:
        """Plausible clean images for a damaged one.

        Args:
            image: (1, 3, H, W) in [0, 1], any size.
            mask: (1, 1, H, W), 1 where pixels are missing, or None.
            latent_maps: (K, M, rows, columns), as of `sample_latent_maps`.

        Returns:
            (K, 3, H, W).
        """
        height, width = image.shape[2:]
        padding = (0, -width % REGION, 0, -height % REGION)
        image = F.pad(image, padding, mode="replicate")
        mask = None if mask is None else F.pad(mask, padding, mode="replicate")
        condition = self.condition(image, mask)
        codes = latent_maps.to(image.device).split(1)
        return torch.cat([self.generate(code, condition)[:, :, :height, :width] for code in codes])


def _to_networks(image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """[0, 1] -> [-1, 1], with 0 where pixels are missing."""
    if mask is None:
        return image * 2 - 1, torch.zeros_like(image[:, :1])
    return torch.where(mask > 0, 0.0, image * 2 - 1), mask
