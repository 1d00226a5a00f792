"""Large holes: known colours continued inward over any distance, for networks that see a few pixels far.

A network for photographs fills what lies near known pixels. What lies deeper gets, before the network looks, the
colours that push-pull (Gortler et al., 1996) draws on a grid of cells of 8x8 pixels, and then counts as known to it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.observation import Observation
from agerestore.tiling import Box, divide

CELL = 8  # pixels a side
PIECE = 64 * CELL  # read at a time
SMOOTHINGS = 16  # at each scale, after which a colour is the mean of those around it


@dataclass(frozen=True)
class Continuation:
    """What known colours become deep inside what is unknown.

    Attributes:
        colours: (B, C, rows, columns), one for each cell.
        deep: (B, 1, rows, columns) bool, cells with nothing known in them or in the two rings of cells around them.
        contrast: (B, 1, 1, 1), standard deviation of the known cells: how wrong such a colour may be.
    """

    colours: Tensor
    deep: Tensor
    contrast: Tensor

    def under(self, observation: Observation, box: Box) -> Observation:
        """Put the colours under a piece of the picture, and call them known."""
        assert observation.mask is not None  # otherwise nothing is deep
        deep = self._deep(box)
        image = torch.where(deep, self._piece(self.colours, box, "bilinear"), observation.image)
        return Observation(image, observation.mask.masked_fill(deep, 0))

    def doubt(self, box: Box) -> Tensor:
        """The standard deviation (B, 1, H, W) that the error of the colours may have; 0 where there are none."""
        return torch.where(self._deep(box), self.contrast, 0.0)

    def _deep(self, box: Box) -> Tensor:
        return self._piece(self.deep.float(), box, "nearest") > 0

    def _piece(self, cells: Tensor, box: Box, mode: str) -> Tensor:
        """Cells enlarged to the pixels of a box; one more on each side, so that pieces equal the whole."""
        rows, columns = cells.shape[2:]
        top, left = max(box.top // CELL - 1, 0), max(box.left // CELL - 1, 0)
        bottom, right = min(-(-box.bottom // CELL) + 1, rows), min(-(-box.right // CELL) + 1, columns)
        near = F.interpolate(cells[:, :, top:bottom, left:right], scale_factor=CELL, mode=mode)
        rows_of, columns_of = box.within(Box(top * CELL, left * CELL, 0, 0)).slices
        return near[:, :, rows_of, columns_of]


def continuation(whole: Box, read: Callable[[Box], Observation]) -> Continuation | None:
    """What is to be put under a picture, which is read piece by piece; None where nothing unknown is deep."""
    rows = []
    for top in range(0, whole.bottom, PIECE):
        band = Box(top, 0, min(top + PIECE, whole.bottom), whole.right)
        rows.append(torch.cat([_cells(read(box)) for box in divide(band, PIECE)], 3))
    image, share = torch.cat(rows, 2).tensor_split([-1], 1)
    known = (share > 0).float()
    deep = F.max_pool2d(known, 5, stride=1, padding=2) == 0
    if not deep.any():
        return None
    colours = image / share.clamp_min(1e-6)
    count = known.sum((2, 3), keepdim=True).clamp_min(1)
    mean = (colours * known).sum((2, 3), keepdim=True) / count
    variance = ((colours - mean).square() * known).sum((2, 3), keepdim=True) / count
    return Continuation(push_pull(colours, known), deep, variance.mean(1, keepdim=True).sqrt())


def _cells(piece: Observation) -> Tensor:
    """(B, C + 1, rows, columns): means over cells, of the picture with 0 where it is unknown, and of what is known."""
    return F.avg_pool2d(torch.cat([piece.filled(), piece.known], 1), CELL, ceil_mode=True)


def push_pull(image: Tensor, known: Tensor) -> Tensor:
    """Fill what is unknown, from means over ever larger squares.

    Args:
        image: (B, C, H, W) in [0, 1].
        known: (B, 1, H, W), 1 where it is, else 0; where nothing is, all becomes mid-grey.
    """
    height, width = image.shape[2:]
    if max(height, width) == 1:
        return torch.where(known > 0, image, 0.5)
    summed = F.avg_pool2d(torch.cat([image * known, known], 1), (min(height, 2), min(width, 2)), ceil_mode=True)
    coarse = push_pull(summed[:, :-1] / summed[:, -1:].clamp_min(1e-6), (summed[:, -1:] > 0).float())
    filled = torch.where(known > 0, image, F.interpolate(coarse, size=(height, width), mode="bilinear"))
    for _ in range(SMOOTHINGS):
        around = F.avg_pool2d(F.pad(filled, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        filled = torch.where(known > 0, image, around)
    return filled
