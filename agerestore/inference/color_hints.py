"""Color hints: colors that a person gives at points of an image, carried into what the networks see and drew.

Networks learn how far a hint reaches. At its own point it holds exactly: what the drawn colors lack of it there is
added to the surroundings of similar lightness, by interpolation with Gaussian radial basis functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore.config.hints import Hint
from agerestore.errors import UsageError
from agerestore.images.color import rgb_to_lab

REACH = 2.0  # standard deviation of the kernel in pixels of the chroma
LIGHTNESS_REACH = 8.0  # and in units of lightness
RIDGE = 1e-4  # keeps the equations of close hints solvable


@dataclass(frozen=True)
class HintPlanes:
    """Hints on the grid of the chroma that networks draw.

    Attributes:
        planes: (1, 3, h, w): 1 where a color is given, else 0, and a and b of Lab there. Of several hints in one cell
            the mean.
    """

    planes: Tensor

    def bind(self, chroma: Tensor, lightness: Tensor) -> Tensor:
        """Chroma (2, h, w), changed so that it is the given one at each hint; lightness (h, w) is in [0, 100]."""
        rows, columns = self.planes[0, 0].nonzero(as_tuple=True)
        missing = self.planes[0, 1:, rows, columns] - chroma[:, rows, columns]  # (2, N)
        height, width = chroma.shape[1:]
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places = torch.stack([y / REACH, x / REACH, lightness.cpu() / LIGHTNESS_REACH], dim=2).to(chroma)
        kernel = _gaussian(places.flatten(0, 1), places[rows, columns])  # (h w, N)
        own = kernel.view(height, width, -1)[rows, columns]
        weights = torch.linalg.solve(own + RIDGE * torch.eye(len(own), device=own.device), missing.mT)
        bound: Tensor = chroma + (kernel @ weights).mT.view_as(chroma)
        return bound


def _gaussian(places: Tensor, centers: Tensor) -> Tensor:
    """Kernel (P, N) between places (P, 3) and centers (N, 3)."""
    return (-torch.cdist(places, centers).square() / 2).exp()


def hint_planes(hints: Sequence[Hint], size: tuple[int, int], grid: tuple[int, int]) -> HintPlanes:
    """Put hints onto a grid.

    Args:
        hints: at least one.
        size: height and width of the image that their coordinates are of.
        grid: h and w of the chroma.

    Raises:
        UsageError: a hint lies outside the image.
    """
    planes = torch.zeros(3, *grid)
    for hint in hints:
        if hint.x >= size[1] or hint.y >= size[0]:
            raise UsageError(f"hint {hint} lies outside the image of {size[1]}x{size[0]} pixels; move it inside")
        row, column = (int((at + 0.5) * few / full) for at, few, full in zip((hint.y, hint.x), grid, size, strict=True))
        planes[:, row, column] += torch.tensor([1.0, *_chroma_of(hint.color)])
    count = planes[:1]
    return HintPlanes(torch.cat([count.clamp(max=1), planes[1:] / count.clamp(min=1)])[None])


def _chroma_of(color: str) -> NDArray[np.float32]:
    """The a and b of a color such as ``#a0522d``."""
    rgb = torch.tensor([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    chroma: NDArray[np.float32] = rgb_to_lab(rgb.view(1, 3, 1, 1))[0, 1:, 0, 0].numpy()
    return chroma
