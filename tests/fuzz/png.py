"""Hostile PNGs."""

import struct
import zlib
from functools import cache

from fuzz import metadata
from fuzz.source import EDGES, Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
FORMS = ((0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16),
         (6, 8), (6, 16))  # fmt: skip
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SIZES = ((1, 1), (7, 5), (24, 20), (33, 9), (1, 40), (64, 64))
BOMBS = ((0, 5), (100000, 100000), (2**31 - 1, 1), (2**31 - 1, 2**31 - 1), (2**32 - 1, 2**32 - 1), (65536, 65536),
         (60000, 3), (2000, 2000), (2000, 2100))  # fmt: skip


@cache
def bomb() -> bytes:
    """70 MB in 68 kB."""
    return zlib.compress(bytes(70_000_000))


def chunk(source: Source, kind: bytes, body: bytes) -> bytes:
    length = struct.pack(">I", source.odd_number(len(body)))
    checksum = source.odd(zlib.crc32(kind + body), 0, 2**32 - 1)
    return source.damaged(length + kind + body + struct.pack(">I", checksum))


def samples(source: Source, size: tuple[int, int], form: tuple[int, int], interlaced: bool) -> bytes:
    """Filtered rows, of all passes where they are interlaced."""
    width, height = size
    bits = CHANNELS.get(form[0], 1) * form[1]
    parts = PASSES if interlaced else ((0, 0, 1, 1),)
    color, filters = source.data() or b"\0", source.pick(b"\0", b"\1\2\3\4", b"\2", b"\4\0")
    rows = b""
    for left, top, across, down in parts:
        columns, lines = -(-(width - left) // across), -(-(height - top) // down)
        if columns <= 0 or lines <= 0:
            continue
        row = (color * (columns * bits // 8 // len(color) + 2))[: (columns * bits + 7) // 8]
        rows += b"".join(filters[y % len(filters) :][:1] + row for y in range(lines))
    return source.damaged(rows if not source.is_odd() else rows.replace(b"\1", b"\x09"))


def pixel_chunks(source: Source, rows: bytes) -> bytes:
    stream = source.damaged(zlib.compress(rows, source.pick(6, 0)))
    cuts = sorted(source.number(0, len(stream)) for _ in range(source.odd(0, 1, 3)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    between = source.odd(b"", chunk(source, b"tIME", bytes(7)), chunk(source, b"IEND", b""))
    return bytes(between.join(chunk(source, b"IDAT", part) for part in parts))


def text(source: Source, body: bytes) -> bytes:
    key = source.pick(b"Title", b"Raw profile type exif", b"Raw profile type iptc", b"Raw profile type APP1", b"",
                      b"XML:com.adobe.xmp", b"k" * 90, b"\xff\n\x1b[31m")  # fmt: skip
    packed = source.damaged(source.odd(zlib.compress(body), bomb()))
    method = source.odd(b"\0", b"\1", b"")
    return bytes(
        source.pick(
            chunk(source, b"tEXt", key + b"\0" + body),
            chunk(source, b"zTXt", key + b"\0" + method + packed),
            chunk(source, b"iTXt", key + b"\0" + source.pick(b"\0\0", b"\1\0", b"\1\7", b"") + b"de\0t\0" + body),
            chunk(source, b"iTXt", key + b"\0\1\0\0\0" + packed),
        )
    )


def ancillary(source: Source, form: tuple[int, int]) -> bytes:
    """A chunk besides header and pixels."""
    kind = source.pick(b"tRNS", b"iCCP", b"eXIf", b"text", b"pHYs", b"gAMA", b"cHRM", b"acTL", b"other")
    if kind == b"text":
        profile = b"\nexif\n%8d\n%s\n" % (source.odd_number(40), metadata.exif(source).hex().encode())
        return text(source, source.pick(b"words", metadata.xmp(source), profile, metadata.resources(source)))
    if kind == b"tRNS":
        usual = {0: b"\0\1", 2: b"\0\1\0\2\0\3", 3: bytes(range(0, 250, 50))}.get(form[0], b"\0")
        return chunk(source, kind, source.odd(usual, b"", b"\0", b"\xff" * 300, b"\xff\xff", b"\0" * 7))
    if kind == b"iCCP":
        name, method = source.odd(b"p", b"", b"n" * 99, b"\xff\x1b"), source.odd(b"\0", b"\1", b"")
        packed = source.odd(zlib.compress(metadata.icc(source)), bomb())
        return chunk(source, kind, name + b"\0" + method + source.damaged(packed))
    if kind == b"acTL":
        frame = struct.pack(">IIIIIHHBB", 0, source.odd_number(1), 1, 0, 0, 1, source.odd(1, 0), 0, 0)
        count = struct.pack(">II", source.pick(1, 2, 0, 2**31), source.pick(0, 1))
        return chunk(source, kind, count) + chunk(source, b"fcTL", source.damaged(frame))
    if kind == b"other":
        kind = source.pick(b"tIME", b"bKGD", b"hIST", b"sPLT", b"cICP", b"mDCV", b"abCd", b"sBIT")
        kind = source.odd(kind, b"IHDR", b"PLTE", b"IEND", b"ABCD", bytes(4), b"fdAT", b"CgBI", b"\xff\xff\xff\xff")
        return chunk(source, kind, source.data(20))
    if kind == b"eXIf":
        return chunk(source, kind, metadata.exif(source))
    resolution = struct.pack(">IIB", source.odd_number(3000), source.odd_number(3000), source.odd(1, 0, 7))
    gamma, primaries = struct.pack(">I", source.odd_number(45455)), struct.pack(">8I", *EDGES[:8])
    return chunk(source, kind, source.damaged({b"pHYs": resolution, b"gAMA": gamma, b"cHRM": primaries}[kind]))


def palette(source: Source, form: tuple[int, int]) -> bytes:
    if form[0] == 3 or source.is_odd():
        colors = source.odd(2 ** min(form[1], 8), 0, 1, 3, 257, 300)
        return chunk(source, b"PLTE", source.damaged(bytes(range(251)) * 4)[: 3 * colors])
    return b""


def png(source: Source) -> bytes:
    form = source.odd(source.pick(*FORMS), (1, 8), (5, 8), (7, 16), (3, 16), (2, 4), (0, 3), (6, 1), (0, 0), (255, 255))
    real = source.pick(*SIZES)
    size = source.odd(real, *BOMBS)
    interlaced = source.pick(0, 0, 1)
    methods = source.odd(0, 1, 255), source.odd(0, 1, 64), source.odd(interlaced, 2, 1 - interlaced)
    header = chunk(source, b"IHDR", source.damaged(struct.pack(">IIBBBBB", *size, form[1], form[0], *methods)))
    drawn = size if size[0] * size[1] <= 2000 * 2100 and size[0] * size[1] else real
    pixels = pixel_chunks(source, samples(source, drawn, form, bool(interlaced)))
    extra = [ancillary(source, form) for _ in range(source.number(0, 3))]
    late = source.odd(b"", b"".join(extra), source.data())
    before = b"".join([palette(source, form), *extra] if not source.is_odd() else [*extra, palette(source, form)])
    return SIGNATURE + header + before + pixels + late + bytes(source.odd(chunk(source, b"IEND", b""), b""))
