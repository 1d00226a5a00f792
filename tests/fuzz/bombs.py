"""Small files that ask for much: memory, time or pixels."""

import struct
import zlib
from collections.abc import Callable

from fuzz.metadata import Directory, Entry, Layout
from fuzz.png import SIGNATURE, bomb
from fuzz.tiff import sound


def png_of(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (1, 1)) -> bytes:
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def tiff_of(*extra: Entry, following: int = 0, **changed: int) -> bytes:
    """A gray TIFF of 20 x 20 pixels with other tags."""
    told, strips = sound("L", "raw")
    entries = [entry for entry in told if entry.tag not in {each.tag for each in extra}]
    entries += [Entry(273, 4, [8]), Entry(279, 4, [len(strips[0])]), *extra]
    at = 8 + len(strips[0])
    body = Layout().write(Directory(sorted(entries, key=lambda entry: entry.tag), following), at)
    return Layout().header + struct.pack("<I", at) + strips[0] + body


def long_chain(pages: int) -> bytes:
    """A TIFF with page after page, all of one pixel."""
    pixel = [*(Entry(tag, 3, [1]) for tag in (256, 257, 259, 262)), Entry(273, 4, [8]), Entry(279, 3, [1])]
    page = Layout().write(Directory(pixel), 0)
    starts = range(16, 16 + len(page) * pages, len(page))
    following = (struct.pack("<I", start) for start in (*starts[1:], 0))
    return b"II*\0" + struct.pack("<I", 16) + bytes(8) + b"".join(page[:-4] + each for each in following)


def overlapping(tags: int, length: int) -> bytes:
    """A TIFF whose many tags all have the same long value."""
    extra = [Entry(40000 + number, 7, b"12345", length, 8) for number in range(tags)]
    return tiff_of(*extra) + bytes(length)


BOMBS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a page after another": lambda: (".tif", long_chain(50_000)),
    "tags that share a value": lambda: (".tif", overlapping(4000, 2_000_000)),
    "EXIF tags that share a value": lambda: (".png", png_of((b"eXIf", overlapping(4000, 2_000_000)))),
    "layers that are a number": lambda: (".tif", tiff_of(Entry(37724, 4, [2**32 - 1]))),
    "texts of 70 MB": lambda: (".png", png_of(*((b"zTXt", b"a%d\0\0" % n + bomb()) for n in range(40)))),
    "profiles of 70 MB": lambda: (".png", png_of(*[(b"iCCP", b"a\0\0" + bomb())] * 40)),
    "a large PNG": lambda: (".png", png_of(size=(2**31 - 1, 2**31 - 1))),
    "a large TIFF": lambda: (".tif", tiff_of(Entry(256, 4, [2**31]), Entry(257, 4, [2**31]))),
    "a text for a photometric interpretation": lambda: (".tif", tiff_of(Entry(262, 2, b"\x1b[31m" * 9000))),
}
