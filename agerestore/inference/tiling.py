"""Large images in tiles; each is read with as much around it as its pixels depend on, so that tiles equal the whole.

No seam has to be blended. A tile that does not fit into memory is divided.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agerestore import device as devices
from agerestore import machine
from agerestore.config.options import SMALLEST_TILE
from agerestore.errors import AgeRestoreError

LARGEST_TILE = 1280  # pixels a side
BYTES_PER_PIXEL = 560  # of a tile, measured: 556 in fp32, 370 to 490 in bf16
MEMORY_SHARE = 0.25  # of the free memory, for one tile

Progress = Callable[[int, int], None]  # tiles done, tiles in all


class Box(NamedTuple):
    """A rectangle of pixels; ``bottom`` and ``right`` are the first row and column after it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: "Box") -> "Box":
        """The same rectangle in coordinates that begin at the corner of ``other``."""
        return Box(self.top - other.top, self.left - other.left, self.bottom - other.top, self.right - other.left)


def bounding_box(box: Box, marks: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds every marked pixel of a box; None if it has none.

    Args:
        box: inside the image.
        marks: (H, W), of the whole image.
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


def spread(height: int, width: int, side: int, multiple: int = 1) -> list[Box]:
    """Nine boxes of at most ``side`` pixels a side, evenly over an image; fewer where it is no larger than they are.

    Args:
        height: of the image.
        width: of the image.
        side: of a box.
        multiple: boxes begin at multiples of it.
    """
    tops, lefts = (
        sorted({max(length - side, 0) * i // 2 // multiple * multiple for i in range(3)}) for length in (height, width)
    )
    return [Box(top, left, min(top + side, height), min(left + side, width)) for top in tops for left in lefts]


def expand(tile: Box, whole: Box, halo: int, multiple: int) -> Box:
    """A tile with ``halo`` more pixels on each side, cut at the edges of the image.

    It begins at a multiple of ``multiple``, so that a network that halves the image halves it where it would halve the
    whole.
    """
    top, left = (max(start - halo, 0) // multiple * multiple for start in tile[:2])
    return Box(top, left, min(tile.bottom + halo, whole.bottom), min(tile.right + halo, whole.right))


class Tiles:
    """Iterates over the tiles of an image; those that do not fit into memory come again, divided.

    .. code-block::

        tiles = Tiles(height, width, side, progress)
        for tile in tiles:
            with tiles.divided_if_too_large():
                ...  # compute and store the tile

    Args:
        height: of the image.
        width: of the image.
        side: pixels a side, a multiple of `SMALLEST_TILE`.
        progress: called with the numbers of tiles done and in all, before the first and after each. What it raises
            ends the iteration: so work is canceled.
    """

    def __init__(self, height: int, width: int, side: int, progress: Progress | None = None) -> None:
        self.side = side
        self._waiting = list(divide(Box(0, 0, height, width), side))[::-1]
        self._done, self._current, self._progress = 0, Box(0, 0, 0, 0), progress

    def __iter__(self) -> Iterator[Box]:
        self._report()
        while self._waiting:
            self._current, waiting = self._waiting.pop(), len(self._waiting)
            yield self._current
            if len(self._waiting) == waiting:  # it was not divided
                self._done += 1
                self._report()

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._done + len(self._waiting))

    @contextmanager
    def divided_if_too_large(self) -> Iterator[None]:
        """Put a tile back, and divide it and all others, if memory runs out in the body.

        Raises:
            AgeRestoreError: the tile is the smallest one already.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not devices.is_out_of_memory(error):
                raise
            height, width = self._current.bottom - self._current.top, self._current.right - self._current.left
            self.side = min(self.side, max(height, width)) // 2 // SMALLEST_TILE * SMALLEST_TILE
            if self.side < SMALLEST_TILE:
                raise AgeRestoreError("not enough memory for the smallest tile; close other programs") from None
            rest = [*self._waiting, self._current]
            self._waiting = [part for tile in rest for part in list(divide(tile, self.side))[::-1]]


def tile_side(device: torch.device) -> int:
    """Side of the tiles that the free memory of a device allows, in pixels."""
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else machine.free_memory()
    side = int((MEMORY_SHARE * free / BYTES_PER_PIXEL) ** 0.5)
    return max(min(side, LARGEST_TILE) // SMALLEST_TILE * SMALLEST_TILE, SMALLEST_TILE)
