"""The EXIF orientation (EXIF 2.32, section 4.6.4): how stored pixels are turned upright."""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

Turned = NDArray[Any]  # (H, W) or (H, W, C) of any dtype

TURNS: Mapping[int, Callable[[Turned], Turned]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: x.swapaxes(0, 1)[:, ::-1],
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: x.swapaxes(0, 1)[::-1],
}
SIDEWAYS = (5, 6, 7, 8)  # with which width and height change places


def upright(stored: Turned, orientation: int | None) -> Turned:
    """Turn an image (H, W) or (H, W, C) upright, as a view; one without a valid orientation is taken for upright."""
    return TURNS.get(orientation or 1, TURNS[1])(stored)
