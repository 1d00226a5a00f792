"""A look at the whole of a photograph before it is restored: how dark it is, whether it is gray and has holes.

Dark pictures are exposed for the network, which has learned on bright ones, and put back after it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import match_channels
from agerestore.images.observation import Observation
from agerestore.inference.tiling import Box, divide

BRIGHT = 0.5  # a picture whose brightest pixels are darker than this is exposed
MOST_GAIN = 64
HOT = 2.0  # times the brightest two neighbors: what noise alone does not reach
PIECE = 512  # pixels a side, in which a picture is looked at

Read = Callable[[Box], Observation]


@dataclass(frozen=True)
class Survey:
    """What is found out about each of pictures (B, 1 or 3, H, W).

    Attributes:
        gain: (B, 1, 1, 1), what a dark one is multiplied by for the network, and divided by after it; at least 1.
        gray: (B, 1, 1, 1) bool, whether all known pixels are gray.
        masked: whether any pixel of any of them is unknown.
    """

    gain: Tensor
    gray: Tensor
    masked: bool

    def exposed(self, image: Tensor) -> Tensor:
        """A piece of the pictures (B, 1 or 3, H, W) as the network is to see it: (B, 3, H, W)."""
        color = match_channels(image, 3)
        return torch.where(self.gain > 1, (color * self.gain).clamp_max(1), color)

    def put_back(self, answer: Tensor, damaged: Observation) -> Tensor:
        """What the network answered to an exposed piece, in the brightness, the channels and the range of the piece.

        Known pixels so bright that no exposure was meant for them stay as they are.

        Args:
            answer: (B, 3, H, W), or several (K, 3, H, W) to one.
            damaged: the piece; B of it.
        """
        image, channels = answer / self.gain, damaged.image.shape[1]
        if channels == 3:
            image = torch.where(self.gray, match_channels(match_channels(image, 1), 3), image)
        hot = (damaged.image * self.gain > HOT).any(1, keepdim=True) & (self.gain > 1)
        if damaged.mask is not None:
            hot = hot & (damaged.mask == 0)
        return torch.where(hot, damaged.image, match_channels(image, channels)).clamp(0, 1)


def survey(whole: Box, read: Read) -> Survey:
    """Look at all that is known of pictures, which are read piece by piece."""
    looks = (_look(read(box)) for box in divide(whole, PIECE))
    brightest, colored, masked = zip(*looks, strict=True)
    level = torch.stack(brightest).amax(0)
    exposed = (level >= BRIGHT) | (level <= 0)  # where nothing is known there is nothing to expose
    gain = torch.where(exposed, 1, 1 / level.clamp_min(1 / MOST_GAIN))
    return Survey(gain[:, None, None, None], ~torch.stack(colored).any(0)[:, None, None, None], any(masked))


def _look(piece: Observation) -> tuple[Tensor, Tensor, bool]:
    known = piece.filled()
    return _brightest(known), _colored(known), piece.mask is not None and bool(piece.mask.any())


def _brightest(piece: Tensor) -> Tensor:
    """The brightest two neighbors, by the darker of them, of each of pictures (B, C, H, W): one hot pixel is none."""
    around = F.pad(piece, (0, 1, 0, 1), mode="replicate")
    here, right, below, across = around[..., :-1, :-1], around[..., :-1, 1:], around[..., 1:, :-1], around[..., 1:, 1:]
    pairs = ((here, right), (here, below), (here, across), (right, below))
    return torch.stack([torch.minimum(*pair).flatten(1).amax(1) for pair in pairs]).amax(0)


def _colored(piece: Tensor) -> Tensor:
    """Whether the channels of any pixel differ, for each of pictures (B, C, H, W)."""
    return (piece != piece[:, :1]).flatten(1).any(1)
