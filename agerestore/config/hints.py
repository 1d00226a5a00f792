"""Color hints: colors that are known at points of an image."""

import re
from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, NamedTuple, Self

from agerestore.config.checks import check_whole
from agerestore.errors import UsageError

MOST_HINTS = 1000  # of an image
_COLOR = re.compile("#[0-9a-fA-F]{6}")


class Hint(NamedTuple):
    """A color that is known at a point of an image.

    Attributes:
        x: pixels from the left, from 0, of the image as it is shown.
        y: pixels from the top.
        color: as ``#rrggbb`` in sRGB; its lightness does not count.
    """

    x: int
    y: int
    color: str

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.color}"

    @classmethod
    def read(cls, x: Any, y: Any, color: Any) -> Self:
        """Check the parts of a hint.

        Raises:
            UsageError: a coordinate is no whole number or negative, or the color is none.
        """
        check_whole(0, hints_x=x, hints_y=y)
        if not isinstance(color, str) or not _COLOR.fullmatch(color):
            raise UsageError(f"`hints`: {color!r} is no color; write it as #rrggbb, such as #a0522d")
        return cls(index(x), index(y), color.lower())


def read_hints(hints: Iterable[Any]) -> tuple[Hint, ...]:
    """Read hints given as (x, y, color) each.

    Raises:
        UsageError: one is not of that form, or there are more than `MOST_HINTS`.
    """
    found = []
    for each in hints:
        if isinstance(each, str) or not isinstance(each, Sequence) or len(each) != 3:
            raise UsageError(f"`hints`: {each!r} is not of the form (x, y, '#rrggbb')")
        found.append(Hint.read(*each))
    if len(found) > MOST_HINTS:
        raise UsageError(f"{len(found)} hints are more than {MOST_HINTS}; give fewer")
    return tuple(found)
