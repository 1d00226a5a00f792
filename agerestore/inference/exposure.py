"""Statistics of a whole image that every tile needs: how dark it is, whether it is gray, whether pixels are missing.

Networks have been trained on bright images. A dark one is multiplied by a gain before them and divided by it after.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import match_channels
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.tiling import Box, divide

BRIGHT = 0.5  # images whose brightest pixels are darker than this get a gain
MOST_GAIN = 64
HIGHLIGHT = 2.0  # times the brightest pair of neighbors; noise alone does not reach that
BLOCK = 512  # pixels a side, read at a time


@dataclass(frozen=True)
class ImageStats:
    """Statistics of each image of a batch (B, 1 or 3, H, W), over its known pixels.

    Attributes:
        gain: (B, 1, 1, 1), at least 1; above 1 for dark images.
        gray: (B, 1, 1, 1) bool, whether all pixels are gray.
        masked: whether a pixel of any image is missing.
    """

    gain: Tensor
    gray: Tensor
    masked: bool

    def normalize(self, image: Tensor) -> Tensor:
        """(B, 1 or 3, h, w), a part of the images -> (B, 3, h, w), multiplied by the gain where that is above 1."""
        color = match_channels(image, 3)
        return torch.where(self.gain > 1, (color * self.gain).clamp_max(1), color)

    def denormalize(self, answer: Tensor, damaged: Observation) -> Tensor:
        """Undo `normalize` for what the network answered: brightness, channels and range of the damaged part.

        Known highlights, which the gain would clip, stay as they are.

        Args:
            answer: (B, 3, h, w), or (K, 3, h, w) for one image.
            damaged: the part that was normalized, B images.

        Returns:
            (B or K, C, h, w) in [0, 1].
        """
        image, channels = answer / self.gain, damaged.image.shape[1]
        if channels == 3:
            image = torch.where(self.gray, match_channels(match_channels(image, 1), 3), image)
        highlights = (damaged.image * self.gain > HIGHLIGHT).any(1, keepdim=True) & (self.gain > 1)
        if damaged.mask is not None:
            highlights = highlights & (damaged.mask == 0)
        return torch.where(highlights, damaged.image, match_channels(image, channels)).clamp(0, 1)


def measure(raster: Raster, device: torch.device) -> ImageStats:
    """Measure the statistics of images, block by block."""
    blocks = divide(Box(0, 0, *raster.size), BLOCK)
    measured = (_measure(raster.read(block.slices, device)) for block in blocks)
    brightest, colored, masked = zip(*measured, strict=True)
    level = torch.stack(brightest).amax(0)
    bright = (level >= BRIGHT) | (level <= 0)  # 0: nothing is known
    gain = torch.where(bright, 1, 1 / level.clamp_min(1 / MOST_GAIN))
    return ImageStats(gain[:, None, None, None], ~torch.stack(colored).any(0)[:, None, None, None], any(masked))


def _measure(block: Observation) -> tuple[Tensor, Tensor, bool]:
    known = block.filled()
    return _brightest_pair(known), _colored(known), block.mask is not None and bool(block.mask.any())


def _brightest_pair(block: Tensor) -> Tensor:
    """The largest minimum of two adjacent pixels, (B,), of (B, C, h, w); a single hot pixel does not count."""
    around = F.pad(block, (0, 1, 0, 1), mode="replicate")
    here, right, below, across = around[..., :-1, :-1], around[..., :-1, 1:], around[..., 1:, :-1], around[..., 1:, 1:]
    pairs = ((here, right), (here, below), (here, across), (right, below))
    return torch.stack([torch.minimum(*pair).flatten(1).amax(1) for pair in pairs]).amax(0)


def _colored(block: Tensor) -> Tensor:
    """Whether the channels of any pixel differ, (B,) bool, of (B, C, h, w)."""
    return (block != block[:, :1]).flatten(1).any(1)
