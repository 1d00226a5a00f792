"""Holes: known colors continued inward over any distance, for networks that fill what lies near known pixels.

In a picture of half the size a hole is half as large. What the network draws there lies, before it looks at the picture
itself, under what is deep in the hole, and then counts as known: as in push-pull (Gortler et al., 1996), with the
network in place of a mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.observation import Observation
from agerestore.inference.tiling import Box, divide

PIECE = 512  # pixels a side, read at a time; a multiple of any cell
RINGS = 2  # of cells around a deep one that are unknown, too
ANYWHERE = 12**-0.5  # standard deviation of what may be anything from 0 to 1


@dataclass(frozen=True)
class Continuation:
    """What known colors become deep inside what is unknown.

    Attributes:
        cell: pixels a side of the squares that have one color each.
        colors: (B, C, rows, columns).
        deviation: (B, 1, rows, columns), the expected standard deviation of their error.
        deep: (B, 1, rows, columns) bool, cells with nothing known in them or in the `RINGS` of cells around them.
    """

    cell: int
    colors: Tensor
    deviation: Tensor
    deep: Tensor

    def under(self, observation: Observation, box: Box) -> Observation:
        """Put the colors under a piece of the picture, and call them known."""
        assert observation.mask is not None  # otherwise nothing is deep
        deep = self._deep(box)
        image = torch.where(deep, self._piece(self.colors, box, "bilinear"), observation.image)
        return Observation(image, observation.mask.masked_fill(deep, 0))

    def doubt(self, observation: Observation, box: Box) -> Tensor:
        """The standard deviation (B, 1, H, W) that unknown pixels of a piece have at least; 0 of known ones.

        Of all of them, and not of deep ones alone: what lies between takes the colors under those for known, too.
        """
        return self._piece(self.deviation, box, "bilinear") * (1 - observation.known)

    def _deep(self, box: Box) -> Tensor:
        return self._piece(self.deep.float(), box, "nearest") > 0

    def _piece(self, cells: Tensor, box: Box, mode: str) -> Tensor:
        """Cells enlarged to the pixels of a box; one more on each side, so that pieces equal the whole."""
        (rows, columns), cell = cells.shape[2:], self.cell
        top, left = max(box.top // cell - 1, 0), max(box.left // cell - 1, 0)
        bottom, right = min(-(-box.bottom // cell) + 1, rows), min(-(-box.right // cell) + 1, columns)
        near = F.interpolate(cells[:, :, top:bottom, left:right], scale_factor=cell, mode=mode)
        rows_of, columns_of = box.within(Box(top * cell, left * cell, 0, 0)).slices
        return near[:, :, rows_of, columns_of]


def continuation(
    whole: Box, read: Callable[[Box], Observation], fill: Callable[[Observation], tuple[Tensor, Tensor]], cell: int
) -> Continuation | None:
    """What is to be put under a picture; None where nothing unknown is deep.

    Args:
        whole: the picture,
        read: which is read piece by piece.
        fill: what the network makes of the picture of cells, in which holes may be deep again, and its deviation.
        cell: pixels a side of what is a pixel there.
    """
    rows = []
    for top in range(0, whole.bottom, PIECE):
        band = Box(top, 0, min(top + PIECE, whole.bottom), whole.right)
        rows.append(torch.cat([_cells(read(box), cell) for box in divide(band, PIECE)], 3))
    image, share = torch.cat(rows, 2).tensor_split([-1], 1)
    known = (share > 0).float()
    deep = F.max_pool2d(known, 2 * RINGS + 1, stride=1, padding=RINGS) == 0
    if not deep.any():
        return None
    colors = image / share.clamp_min(1e-6)
    if known.shape[2:].numel() == 1:  # nowhere to continue a color from
        return Continuation(cell, torch.where(known > 0, colors, 0.5), ANYWHERE * (1 - known), deep)
    colors, deviation = fill(Observation(colors, 1 - known))
    return Continuation(cell, colors, deviation.mean(1, keepdim=True), deep)


def _cells(piece: Observation, cell: int) -> Tensor:
    """(B, C + 1, rows, columns): means over cells, of the picture with 0 where it is unknown, and of what is known."""
    return F.avg_pool2d(torch.cat([piece.filled(), piece.known], 1), cell, ceil_mode=True)
