"""Hostile files: their chunks, tags, types, offsets, lengths, counts and nesting are mostly right and rarely odd."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from fuzz import jpeg, png, riff, tiff
from fuzz.source import Source

KINDS: dict[str, Callable[[Source], bytes]] = {
    ".png": png.png,
    ".jpg": jpeg.jpeg,
    ".tif": tiff.tiff,
    ".webp": riff.webp,
    ".bmp": riff.bmp,
    ".avif": riff.avif,
}
FREQUENT = (*(".png", ".jpg", ".tif") * 4, *(".webp",) * 3, ".bmp", ".avif")

ODD_PARTS = (200, 60, 25, 10)  # one in how many parts of a file is odd


class Hostile(NamedTuple):
    """A file."""

    suffix: str
    data: bytes


def hostile_file(random: Random) -> Hostile:
    suffix = FREQUENT[random.randrange(len(FREQUENT))]
    source = Source(random, ODD_PARTS[random.randrange(len(ODD_PARTS))])
    return Hostile(suffix, source.damaged(KINDS[suffix](source)))
