"""Hostile TIFFs."""

import io
import struct
from functools import cache
from typing import Any

import numpy as np
from fuzz import metadata
from fuzz.metadata import FIRST, OWN, Directory, Entry, Layout
from fuzz.source import EDGES, Source
from pictures import noise
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from agerestore.images.formats import tiff as ours
from agerestore.images.formats.metadata import Metadata

SIDE = 20
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "I;16", "I", "F", "RGB;16", "RGBA;16", "tiles")
COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "tiff_ccitt", "zstd", "lzma")
PLACES, LENGTHS, TILE_PLACES, TILE_LENGTHS = 273, 279, 324, 325


@cache
def sound(mode: str, compression: str) -> tuple[tuple[Entry, ...], tuple[bytes, ...]]:
    """The tags of a TIFF but those of its strips, and the strips."""
    if mode == "tiles":
        return tiled()
    if mode.endswith(";16") and mode != "I;16":
        return parsed(ours.encode(noise(SIDE, SIDE, len(mode) - 3, np.uint16), Metadata()))
    special = {"group4": ("1",), "tiff_ccitt": ("1",), "jpeg": ("L", "RGB", "YCbCr")}.get(compression, MODES)
    image = Image.new("LAB", (SIDE, SIDE)) if mode == "LAB" else Image.fromarray(noise(SIDE, SIDE, 3)).convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression if mode in special else "raw")
    return parsed(file.getvalue())


def tiled() -> tuple[tuple[Entry, ...], tuple[bytes, ...]]:
    numbers = {256: 40, 257: 20, 258: 8, 259: 1, 262: 1, 277: 1, 322: 32, 323: 32}
    return tuple(Entry(tag, 3, [value]) for tag, value in numbers.items()), (bytes(range(256)) * 4,) * 2


def parsed(data: bytes) -> tuple[tuple[Entry, ...], tuple[bytes, ...]]:
    tags = ImageFileDirectory_v2(data[:8])
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    strips = tuple(data[at : at + size] for at, size in zip(tags[PLACES], tags[LENGTHS], strict=True))
    entries = tuple(Entry(tag, tags.tagtype[tag], numbers(value)) for tag, value in sorted(tags.items()))
    return tuple(entry for entry in entries if entry.tag not in (PLACES, LENGTHS)), strips


def numbers(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("latin-1") + b"\0"
    if isinstance(value, bytes):
        return value
    many = value if isinstance(value, tuple) else (value,)
    return [part for each in many for part in fraction(each)]


def fraction(value: Any) -> tuple[int, ...]:
    return (int(value),) if isinstance(value, int) else (int(value.numerator), int(value.denominator))


def described(source: Source) -> list[Entry]:
    """Tags besides those of the pixels."""
    layers = b"Adobe Photoshop Document Data Block\0" + source.pick(b"8BIMLayr", b"MIB8ryaL", b"")
    many = [
        Entry(700, source.pick(1, 7, 2, 4), metadata.xmp(source)),
        Entry(34675, source.pick(7, 1, 2), metadata.icc(source)),
        Entry(33723, source.pick(7, 4, 1), b"\x1c\x02\x78\0\3Ann" + source.data()),
        Entry(34377, source.pick(1, 7), metadata.resources(source)),
        Entry(37724, source.pick(7, 1, 4), layers + source.data()),
        Entry(34665, 4, metadata.exif_directory(source)),
        Entry(330, source.pick(4, 13, 3), source.pick(OWN, FIRST, [1, 2], Directory([Entry(256, 3, [9])], OWN))),
        Entry(338, 3, [source.pick(0, 1, 2, 3)] * source.pick(1, 2, 5)),
        Entry(339, 3, [source.pick(1, 2, 3, 4, 5, 6)] * source.pick(1, 3)),
        Entry(320, 3, [source.number(0, 65535)] * source.pick(768, 1, 767)),
        Entry(317, 3, [source.pick(1, 2, 3, 9)]),
        Entry(347, 7, source.pick(b"\xff\xd8\xff\xd9", b"", source.data())),
        Entry(530, 3, source.pick([1, 1], [2, 2], [0, 0], [9, 9], [4])),
        Entry(284, 3, [source.pick(1, 2, 0)]),
        Entry(266, 3, [source.pick(1, 2, 9)]),
        Entry(50706, 1, [1, 4, 0, 0]),
        metadata.any_tag(source),
        metadata.orientation(source),
    ]
    return [metadata.oddly_typed(source, source.pick(*many)) for _ in range(source.number(0, 3))]


def odd_pixels(source: Source, entries: list[Entry]) -> None:
    """Change what one tag says of the pixels."""
    entry = source.pick(*entries)
    right = entry.value
    others = (*EDGES, 20, 100000, 2000, 4, 6, 10, 12, 64, 32803, 34892, 34712, 50001, 34925)
    if isinstance(right, list) and right:
        entry.value = [source.pick(*others)] * source.pick(len(right), 1, len(right) + 1)
    entry.count = source.odd(None, *EDGES)


def tiff(source: Source) -> bytes:
    layout = Layout(source.pick("<", ">"), source.odd(False, True))
    mode = source.pick(*MODES)
    told, strips = sound(mode, source.pick(*COMPRESSIONS))
    entries = [metadata.oddly_typed(source, Entry(each.tag, each.kind, each.value)) for each in told]
    if source.number(0, 2) == 0:
        odd_pixels(source, entries)
    start = 16 if layout.big else 8
    strips = tuple(source.damaged(strip) for strip in strips)
    places = [source.odd_number(start + sum(map(len, strips[:i]))) for i in range(len(strips))]
    tags = (TILE_PLACES, TILE_LENGTHS) if mode == "tiles" else (PLACES, LENGTHS)
    entries.append(Entry(tags[0], source.odd(4, 3, 16), places))
    entries.append(Entry(tags[1], source.odd(4, 3, 16), [source.odd_number(len(strip)) for strip in strips]))
    entries += described(source)
    entries = [each for each in entries for _ in range(source.odd(1, 0, 2))]
    entries.sort(key=lambda entry: entry.tag if not source.is_odd() else -entry.tag)
    page = Directory(entries[:3], source.odd(0, OWN, FIRST))
    following = source.odd(0, OWN, FIRST, 1, 2**32 - 1, page)
    at = start + sum(map(len, strips))
    body = layout.write(Directory(entries, following, source.odd(None, 0, 1, 300, 65535)), at)
    first = layout.offset(source.odd(at, *EDGES))
    return layout.header + first + b"".join(strips) + source.damaged(body)


def long_chain(directories: int) -> bytes:
    """A TIFF of nothing but directories, each leading to the next."""
    links = (struct.pack("<HI", 0, 8 + 6 * (i + 1)) for i in range(directories))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(links) + struct.pack("<HI", 0, 0)
