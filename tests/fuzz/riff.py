"""Hostile WebPs, bitmaps and AVIFs."""

import io
import struct
from functools import cache
from typing import Any

from fuzz import metadata
from fuzz.source import EDGES, Source
from pictures import noise
from PIL import Image, features

FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RGB", {"quality": 80}), ("RGB", {"lossless": True}), ("RGBA", {"quality": 80}), ("RGBA", {"lossless": True}),
    ("RGB", {"save_all": True, "append_images": [Image.new("RGB", (20, 24), "red")]}),
    ("RGBA", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0", "xmp": b"<x/>", "icc_profile": b"icc"}),
)  # fmt: skip


@cache
def encoded(format: str, number: int) -> bytes:
    mode, options = FORMS[number] if format == "WEBP" else (("RGB", "RGBA", "L")[number % 3], {})
    file = io.BytesIO()
    Image.fromarray(noise(24, 20, 4)).convert(mode).save(file, format, **options)
    return file.getvalue()


@cache
def sound(number: int) -> tuple[tuple[bytes, bytes], ...]:
    """The chunks of a WebP."""
    data, at, found = encoded("WEBP", number), 12, []
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return tuple(found)


def chunk(source: Source, kind: bytes, body: bytes) -> bytes:
    length = struct.pack("<I", source.odd_number(len(body)))
    return source.damaged(kind + length + body + bytes(source.odd(len(body) % 2, 0, 1)))


def extended(source: Source) -> bytes:
    flags = source.odd(0x3C, 0, 0x08, 0x04, 0x20, 0x10, 0x02, 0xFF)
    width, height = (source.odd(side, 0, 1, 16383, 2**24 - 1) for side in (19, 23))
    return bytes([flags, 0, 0, 0]) + struct.pack("<I", width)[:3] + struct.pack("<I", height)[:3]


def webp(source: Source) -> bytes:
    chunks = list(sound(source.number(0, len(FORMS) - 1)))
    if chunks[0][0] != b"VP8X" and not source.is_odd():
        chunks.insert(0, (b"VP8X", extended(source)))
    if source.is_odd():
        chunks[0] = (b"VP8X", extended(source))
    if source.number(0, 2) == 0:
        chunks.insert(1, (b"ICCP", metadata.icc(source)))
    for _ in range(source.number(0, 3)):
        said = (b"EXIF", source.pick(b"", b"Exif\0\0") + metadata.exif(source)), (b"XMP ", metadata.xmp(source))
        pixels = source.pick(b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", bytes(4))
        extra = source.odd(source.pick(*said, (b"abcd", source.data(40))), (pixels, source.data(40)))
        chunks.insert(source.odd(len(chunks), source.number(0, len(chunks))), extra)
    chunks = [(kind, altered(source, kind, body)) for kind, body in chunks for _ in range(source.odd(1, 0, 2))]
    body = b"".join(chunk(source, *each) for each in chunks)
    return bytes(source.odd(b"RIFF", b"RIFX")) + struct.pack("<I", source.odd_number(len(body) + 4)) + b"WEBP" + body


def altered(source: Source, kind: bytes, body: bytes) -> bytes:
    """A bitstream with another size in its header."""
    if kind == b"VP8 " and source.is_odd() and len(body) > 10:
        body = body[:6] + struct.pack("<HH", source.pick(0, 1, 16383, 2000), source.pick(0, 16383, 2000)) + body[10:]
    if kind == b"VP8L" and source.is_odd() and len(body) > 5:
        body = body[:1] + struct.pack("<I", source.pick(*EDGES)) + body[5:]
    return source.damaged(body)


def bmp(source: Source) -> bytes:
    bits = source.odd(source.pick(1, 4, 8, 16, 24, 32), 0, 2, 3, 64, 65535)
    header = source.pick(40, 40, 12, 52, 56, 64, 108, 124)
    header = source.odd(header, 0, 1, 41, 2**31)
    width, height = source.odd(20, 0, 1, 65535, 2000, 2**31), source.odd(24, 0, 1, 65535, 2000, -24)
    packing = source.odd({4: source.pick(0, 2), 8: source.pick(0, 1), 16: 3, 32: 3}.get(bits, 0), 0, 1, 2, 3, 4, 5, 255)
    colors = source.odd_number(2**bits if bits <= 8 else 0)
    if header == 12:
        fields = struct.pack("<HHHH", width % 65536, height % 65536, 1, bits)
    else:
        numbers = (width % 2**32, height % 2**32, source.odd(1, 0, 2), bits, packing, 0, source.odd_number(2835))
        fields = struct.pack("<IIHHIIIIII", *numbers, 2835, colors, 0)
        usual = (0x7C00, 0x3E0, 0x1F, 0) if bits == 16 else (0xFF0000, 0xFF00, 0xFF, source.pick(0, 0xFF000000))
        masks = struct.pack("<IIII", *source.odd(usual, (1, 2, 3, 4), (0, 0, 0, 0)))
        fields += (masks + bytes(80))[: max(min(header, 124) - 40, 0)] if packing != 3 or header > 40 else masks[:12]
    table = bytes(range(256)) * 4
    table = table[: min(colors, 256) * (3 if header == 12 else 4)]
    coded = source.pick(b"\x14\7\0\0" * 24 + b"\0\1", b"\x10\7\0\4abcd\0\0" * 24 + b"\0\1", b"\0\2\xff\xff" * 50)
    pixels = source.odd(coded if packing in (1, 2) else bytes(range(250)) * 12, source.data())
    place = source.odd_number(18 + len(fields) + len(table))
    body = struct.pack("<I", header) + fields + table + source.damaged(pixels)
    return b"BM" + struct.pack("<IHHI", source.odd_number(14 + len(body)), 0, 0, place) + source.damaged(body)


def avif(source: Source) -> bytes:
    """An AVIF with boxes of other sizes and names, and other bytes in them."""
    if not features.check("avif"):
        return bmp(source)
    data = bytearray(encoded("AVIF", source.number(0, 2)))
    for _ in range(source.number(0, 3)):
        names = (b"meta", b"iloc", b"iinf", b"ispe", b"pixi", b"av1C", b"ipma", b"ipco", b"mdat", b"hdlr", b"pitm")
        at = data.find(source.pick(*names))
        if at < 0:
            continue
        place = at + source.pick(-4, -4, 4, 8, 12, source.number(0, 30))
        data[place : place + 4] = struct.pack(">I", source.pick(*EDGES))
    return source.damaged(bytes(data))
