"""Large pictures in tiles: each is computed with as much of its surroundings as its pixels depend on.

Tiles then equal the whole, without a seam to blend. A tile for which memory is short is divided, and the work goes on
with the parts.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agerestore.config.options import SMALLEST_TILE
from agerestore.device import is_out_of_memory
from agerestore.errors import AgeRestoreError


class Box(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` are the first row and column behind it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: "Box") -> "Box":
        """The same rectangle as seen from the corner of ``other``."""
        return Box(self.top - other.top, self.left - other.left, self.bottom - other.top, self.right - other.left)


def bounding_box(box: Box, marks: NDArray[np.bool_]) -> Box | None:
    """The smallest part of a box that holds all pixels of it that are marked; None where none is.

    Args:
        box: inside the picture.
        marks: (H, W), of the whole picture.
    """
    here = marks[box.slices]
    rows, columns = (np.flatnonzero(here.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    (top, bottom), (left, right) = ((int(each[0]), int(each[-1]) + 1) for each in (rows, columns))
    return Box(box.top + top, box.left + left, box.top + bottom, box.left + right)


def divide(box: Box, side: int) -> Iterator[Box]:
    """Tiles of at most ``side`` pixels a side that cover a box, row by row; they begin at multiples of ``side``."""
    for top in range(box.top, box.bottom, side):
        for left in range(box.left, box.right, side):
            yield Box(top, left, min(top + side, box.bottom), min(left + side, box.right))


def expand(tile: Box, whole: Box, reach: int, multiple: int) -> Box:
    """A tile with ``reach`` more pixels on each side, as far as the picture goes.

    It begins at a multiple of ``multiple``, so that a network that halves the picture halves it where it would halve
    the whole.
    """
    top, left = (max(start - reach, 0) // multiple * multiple for start in tile[:2])
    return Box(top, left, min(tile.bottom + reach, whole.bottom), min(tile.right + reach, whole.right))


def run(height: int, width: int, side: int, work: Callable[[Box], None]) -> int:
    """Call ``work`` for tiles that cover a picture; where memory is short, for smaller ones.

    Args:
        height: of the picture.
        width: of the picture.
        side: of the tiles, a multiple of `SMALLEST_TILE`.
        work: computes and stores one tile.

    Returns:
        The side of the tiles at the end; a smaller one than asked for if memory was short.

    Raises:
        AgeRestoreError: memory is short for the smallest tile, too.
    """
    waiting = list(divide(Box(0, 0, height, width), side))[::-1]
    while waiting:
        tile = waiting.pop()
        try:
            work(tile)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            side = min(side, max(tile.bottom - tile.top, tile.right - tile.left)) // 2 // SMALLEST_TILE * SMALLEST_TILE
            if side < SMALLEST_TILE:
                raise AgeRestoreError("not enough memory for the smallest tile; close other programs") from None
            waiting = [part for rest in [*waiting, tile] for part in list(divide(rest, side))[::-1]]
    return side
