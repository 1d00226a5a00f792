"""What is known of a damaged picture: its pixels and which of them are unknown."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Observation:
    """A batch of damaged pictures.

    Attributes:
        image: (B, C, H, W) float, RGB or grey in [0, 1]; unclipped noise may leave that range.
        mask: (B, 1, H, W) float of 0 and 1, 1 where a pixel is unknown; None when every pixel was observed.
    """

    image: Tensor
    mask: Tensor | None = None
