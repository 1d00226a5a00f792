"""The conditional AGE for photographs of any size: g(z, y) draws the picture that was damaged to y.

It has a center and a sphere. At z = 0 the answer is the best single estimate of the clean picture. Codes on the sphere,
a coarse field with one for each region of 16x16 pixels, add what that estimate cannot know: g(z, y) = center(y) +
deviation(y) surprise(z, y), with surprise(0, y) = 0. The center has weights of its own: the game costs it nothing.

No part has a norm or pools over the picture: a pixel depends on its neighborhood alone, so that tiles with enough
overlap equal the whole. What is added to the picture is added in fp32.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.config.networks import PhotoConfig
from agerestore.images.composite import INTERPOLATION_REACH, interpolate_masked
from agerestore.images.observation import MOST_SURPRISE, REGION, Condition, Estimate
from agerestore.models.latent import project, sample
from agerestore.models.layers.activations import relu

MULTIPLE = 4  # sides are padded to a multiple of this for the estimate; to one of REGION for the game
SAMPLE_BLOCKS = 2  # residual blocks of the generator at each of its two resolutions
LOG_VARIANCE = math.log(0.1**2)  # where training starts: a standard deviation of 13 gray levels
LEAST_LOG_VARIANCE = -14.0  # an eighth of an 8-bit level


class ResidualBlock(nn.Module):
    """(B, C, H, W) -> (B, C, H, W): two 3x3 convolutions beside the identity, which it is at first."""

    def __init__(self, width: int, bias: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.second(relu(self.first(x)))
        return out.add_(x)  # in place: memory is what holds a sum up


def _blocks(width: int, count: int, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width, bias) for _ in range(count)))


class Estimator(nn.Module):
    """The center: a residual U-shape from a damaged picture to an `Estimate`.

    Args:
        widths: channels at full, half and quarter resolution.
        blocks: residual blocks there on the way down; those at full and half resolution are repeated on the way up.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.enter = nn.Conv2d(4, widths[0], 3, padding=1)
        self.down = nn.ModuleList(map(_blocks, widths, blocks))
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in steps)
        self.up = nn.ModuleList(map(_blocks, widths[:-1], blocks))
        self.leave = nn.Conv2d(widths[0], 6, 3, padding=1)

    def forward(self, damaged: Tensor, mask: Tensor) -> Estimate:
        """Damaged picture (B, 3, H, W) in [-1, 1] and mask (B, 1, H, W), 1 where its pixels are unknown."""
        damaged = interpolate_masked(damaged.float(), mask)
        height, width = damaged.shape[2:]
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        x = self.enter(F.pad(torch.cat([damaged / 2, mask], 1), padding, mode="replicate"))
        passed = []
        for blocks, shrink in zip(self.down, self.shrink, strict=False):  # the coarsest has nothing to shrink to
            passed.append(blocks(x))
            x = shrink(passed[-1])
        features = [self.down[-1](x)]
        for grow, blocks, fine in zip(self.grow[::-1], self.up[::-1], passed[::-1], strict=True):
            features.append(blocks(grow(features[-1]).add_(fine)))
        out = self.leave(features.pop()).float()[:, :, :height, :width]  # (B, 6, H, W)
        residual, log_variance = out.chunk(2, dim=1)
        image = damaged + 2 * residual
        return Estimate(image, (log_variance + LOG_VARIANCE).clamp_min(LEAST_LOG_VARIANCE), tuple(features))


class PairEncoder(nn.Module):
    """Surprise of a picture and its condition -> a field of codes (B, M, H/16, W/16), each on the sphere."""

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

    def forward(self, surprise: Tensor, condition: Condition) -> Tensor:
        """See the class; ``surprise`` (B, 3, H, W) in units of the deviation expected."""
        x = torch.cat([surprise, condition.damaged, condition.estimate.image, condition.mask], 1)
        field = self.layers(F.pixel_unshuffle(x, 2)).float()
        return project(field.movedim(1, -1)).movedim(-1, 1)


class SurpriseGenerator(nn.Module):
    """A field of codes and a condition -> a surprise, which vanishes where the code is 0.

    No layer has a bias, and features of the condition enter as factors: on the way from the center to the sphere the
    surprise grows from nothing, up to a bound. The opposite code draws the opposite surprise, so that the mean of all
    samples is the center, which is the mean of what a damaged picture may have been.

    Args:
        half: channels at half resolution.
        quarter: at quarter resolution.
        latent_dim: of a code.
        seen: channels of the condition's features at half and quarter resolution.
    """

    def __init__(self, half: int, quarter: int, latent_dim: int, seen: tuple[int, int]) -> None:
        super().__init__()
        self.enter = nn.ConvTranspose2d(latent_dim, quarter, 4, stride=4, bias=False)
        self.gates = nn.ModuleList(map(nn.Conv2d, seen[::-1], (quarter, half), (1, 1)))
        self.blocks = nn.ModuleList(_blocks(channels, SAMPLE_BLOCKS, bias=False) for channels in (quarter, half))
        self.grow = nn.ConvTranspose2d(quarter, half, 4, stride=2, padding=1, bias=False)
        self.leave = nn.Conv2d(half, 4 * 3, 3, padding=1, bias=False)

    def forward(self, code: Tensor, condition: Condition) -> Tensor:
        """See the class; codes (B, M, H/16, W/16) -> (B, 3, H, W) in units of the deviation expected."""
        quarter, half = (1 + gate(x) for gate, x in zip(self.gates, condition.estimate.features, strict=True))
        x = self.enter(code) * quarter  # linear in the code, so that -x is what the opposite one gives
        drawn = (self._draw(x, half) - self._draw(-x, half)) / 2
        return MOST_SURPRISE * torch.tanh(drawn / MOST_SURPRISE)

    def _draw(self, x: Tensor, half: Tensor) -> Tensor:
        x = self.blocks[1](self.grow(self.blocks[0](x)) * half)
        return F.pixel_shuffle(self.leave(x).float(), 2)


class PhotoModel(nn.Module):
    """The estimator (the center), and the encoder and generator that play the conditional game around it.

    Pictures are in [0, 1] at its public methods.

    Attributes:
        config: everything needed to build the networks again.
        estimator: damaged picture, mask -> `Estimate`.
        encoder: surprise, `Condition` -> field of codes; not there where the configuration has no codes.
        generator: field of codes, `Condition` -> surprise; likewise.
    """

    def __init__(self, config: PhotoConfig) -> None:
        super().__init__()
        self.config = config
        _, *seen = config.widths
        self.estimator = Estimator(config.widths, config.blocks)
        if config.latent_dim:
            half, quarter = config.game_widths or seen
            self.encoder = PairEncoder(half, config.latent_dim)
            self.generator = SurpriseGenerator(half, quarter, config.latent_dim, (seen[0], seen[1]))

    def alone(self) -> "PhotoModel":
        """The estimator without the networks of the game, sharing its weights."""
        model = PhotoModel(self.config.model_copy(update={"latent_dim": 0}))
        model.estimator = self.estimator
        return model.train(self.training)

    def reach(self, masked: bool, samples: bool = False) -> int:
        """Pixels on each side that a pixel of the estimate depends on.

        Args:
            masked: whether some are unknown, and interpolated from those around them.
            samples: a pixel of a sample instead.
        """
        full, half, quarter = self.config.blocks
        convolutions = 2 + 4 * full + 8 * half + 8 * quarter  # two in a block; the way down and up
        reach = convolutions + MULTIPLE - 1 + (INTERPOLATION_REACH if masked else 0)
        return reach + (8 * SAMPLE_BLOCKS + 4 * SAMPLE_BLOCKS + 8 + REGION if samples else 0)

    def estimate(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Damaged picture (B, 3, H, W) in [0, 1] -> estimate and its expected standard deviation, both the same shape.

        Args:
            image: any size; values outside [0, 1], as unclipped noise gives, are taken as they are.
            mask: (B, 1, H, W), 1 where pixels are unknown; their values do not matter.
        """
        damaged, mask = _to_networks(image, mask)
        answer = self.estimator(damaged, mask)
        return (answer.image + 1) / 2, (answer.log_variance / 2).exp() / 2

    def condition(self, image: Tensor, mask: Tensor | None = None) -> Condition:
        """What the game knows of a damaged picture (B, 3, H, W) in [0, 1] with sides that are multiples of `REGION`."""
        damaged, mask = _to_networks(image, mask)
        return Condition(damaged, mask, self.estimator(damaged, mask))

    def encode(self, image: Tensor, condition: Condition) -> Tensor:
        """Picture (B, 3, H, W) in [0, 1] -> field of codes (B, M, H/16, W/16) on the sphere."""
        code: Tensor = self.encoder(condition.surprise(image * 2 - 1), condition)
        return code

    def generate(self, code: Tensor, condition: Condition) -> Tensor:
        """Field of codes (B, M, H/16, W/16) -> picture (B, 3, H, W) in [0, 1]; zeros give the center."""
        return (condition.picture(self.generator(code, condition)) + 1) / 2

    def fields(self, height: int, width: int, count: int, generator: torch.Generator) -> Tensor:
        """Draw codes for a picture: (K, M, rows, columns), one for each region that it touches.

        Args:
            height: of the picture.
            width: of the picture.
            count: K.
            generator: source of randomness.
        """
        rows, columns = -(-height // REGION), -(-width // REGION)
        codes = sample(count * rows * columns, self.config.latent_dim, generator)
        return codes.view(count, rows, columns, -1).movedim(-1, 1)

    def samples(self, image: Tensor, mask: Tensor | None, fields: Tensor) -> Tensor:
        """Plausible clean pictures for a damaged one.

        Args:
            image: (1, 3, H, W) in [0, 1], any size.
            mask: (1, 1, H, W), 1 where unknown, or None.
            fields: (K, M, rows, columns), as of `fields`.

        Returns:
            (K, 3, H, W).
        """
        height, width = image.shape[2:]
        padding = (0, -width % REGION, 0, -height % REGION)
        image = F.pad(image, padding, mode="replicate")
        mask = None if mask is None else F.pad(mask, padding, mode="replicate")
        condition = self.condition(image, mask)
        fields = fields.to(image.device)
        return torch.cat([self.generate(field[None], condition)[:, :, :height, :width] for field in fields])


def _to_networks(image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """[0, 1] -> [-1, 1], with 0 where nothing is known."""
    if mask is None:
        return image * 2 - 1, torch.zeros_like(image[:, :1])
    return torch.where(mask > 0, 0.0, image * 2 - 1), mask


def initialize(model: PhotoModel) -> None:
    """As torch begins, but residual branches and the estimator's output start at zero: it starts as the identity."""
    for module in model.modules():
        if isinstance(module, ResidualBlock):
            _zero(module.second)
    _zero(model.estimator.leave)


def _zero(layer: nn.Conv2d) -> None:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
