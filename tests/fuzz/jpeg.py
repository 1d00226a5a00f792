"""Hostile JPEGs."""

import io
import struct
from functools import cache

from fuzz import metadata
from fuzz.source import Source
from pictures import noise
from PIL import Image

FORMS = (
    ("RGB", {"quality": 80}), ("RGB", {"quality": 90, "subsampling": 0}), ("L", {"quality": 60}),
    ("RGB", {"progressive": True}), ("CMYK", {"quality": 75}), ("RGB", {"restart_marker_rows": 1}),
    ("L", {"progressive": True, "restart_marker_blocks": 2}), ("RGB", {"subsampling": 1, "optimize": True}),
)  # fmt: skip
FRAMES = (0xC0, 0xC1, 0xC2)


@cache
def sound(number: int, side: int = 24) -> tuple[tuple[tuple[int, bytes], ...], bytes]:
    """The segments of a JPEG up to its first scan, and the rest."""
    mode, options = FORMS[number]
    file, pixels = io.BytesIO(), noise(side, side - 3, 4)
    shown = pixels[..., 0] if mode == "L" else pixels if mode == "CMYK" else pixels[..., :3]
    Image.fromarray(shown, mode).save(file, "JPEG", **options)
    data, at, segments = file.getvalue(), 2, []
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4])
        segments.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return tuple(segments), data[at:]


def segment(source: Source, marker: int, body: bytes) -> bytes:
    length = struct.pack(">H", source.odd_number(len(body) + 2) % 65536)
    return source.damaged(bytes(source.odd(b"\xff", b"\xff\xff\xff", b"")) + bytes([marker]) + length + body)


def frame(source: Source, body: bytes) -> bytes:
    """The frame header with another precision, size or layout of components."""
    fields = bytearray(body)
    fields[0] = source.odd(8, 0, 1, 12, 16, 255)
    height, width = struct.unpack(">HH", body[1:5])
    sizes = (source.odd(height, 0, 1, 65535, 2000, height * 9), source.odd(width, 0, 1, 65535, 2000, width * 9))
    fields[1:5] = struct.pack(">HH", *sizes)
    fields[5] = source.odd(fields[5], 0, 1, 2, 3, 4, 255)
    for at in range(6, len(fields), 3):
        fields[at] = source.odd(fields[at], 0, 1, 82, 255)
        fields[at + 1] = source.odd(fields[at + 1], 0, 0x11, 0x12, 0x21, 0x41, 0x44, 0x31, 0xFF)
        fields[at + 2] = source.odd(fields[at + 2], 0, 1, 3, 4, 255)
    return source.damaged(bytes(fields))


def application(source: Source) -> tuple[int, bytes]:
    """A segment of metadata."""
    numbers = bytes([source.odd_number(1) % 256, source.odd_number(1) % 256])
    jfif = b"JFIF\0\1\1" + bytes([source.odd(1, 0, 2, 9)]) + struct.pack(">HH", *(source.pick(0, 1, 300, 65535),) * 2)
    lengths = struct.pack(">II", *(source.odd_number(60) for _ in "ab"))
    index = metadata.Layout().header + metadata.Layout().offset(8) + metadata.Layout().write(pictures(source), 8)
    return source.pick(
        (0xE1, b"Exif\0\0" + metadata.exif(source)[:65000]),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + metadata.xmp(source)[:65000]),
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + lengths + source.data()),
        (0xE2, b"ICC_PROFILE\0" + numbers + metadata.icc(source)[:65000]),
        (0xE2, b"MPF\0" + source.damaged(index)),
        (0xED, b"Photoshop 3.0\0" + metadata.resources(source)),
        (0xE0, jfif + bytes(2)),
        (0xEE, b"Adobe\0\x64" + bytes(4) + bytes([source.pick(0, 1, 2, 3, 255)])),
        (0xFE, source.data(40)),
        (source.pick(*range(0xC0, 0x100)), source.data(40)),
    )


def pictures(source: Source) -> metadata.Directory:
    """The index of a file of several pictures (CIPA DC-007, section 5.2)."""
    number = source.pick(0, 1, 2, 2**31)
    entries = struct.pack("<IIIHH", 0x20030000, *(source.odd_number(400) for _ in "ab"), 0, 0) * 2
    return metadata.Directory(
        [
            metadata.oddly_typed(source, metadata.Entry(0xB000, 7, b"0100")),
            metadata.oddly_typed(source, metadata.Entry(0xB001, 4, [number])),
            metadata.oddly_typed(source, metadata.Entry(0xB002, 7, entries)),
        ]
    )


def scan(source: Source, rest: bytes) -> bytes:
    """The scans, cut off, with markers inside, without end, or followed by another file."""
    if source.is_odd():
        rest = rest[:-2]
    if source.is_odd():
        at = source.number(2, len(rest) - 1)
        marker = source.pick(0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xC4, 0x00, 0xDC, 0xFF)
        rest = rest[:at] + bytes([0xFF, marker]) + rest[at:]
    if source.is_odd():
        rest = rest[:2] + struct.pack(">H", source.odd_number(12) % 65536) + rest[4:]
    whole = sound(0)
    return source.damaged(rest) + bytes(source.odd(b"", b"\xff\xd8" + whole[1], bytes(5000)))


def jpeg(source: Source) -> bytes:
    segments, rest = sound(source.number(0, len(FORMS) - 1))
    parts = []
    for marker, body in segments:
        if marker in FRAMES:
            parts.append((source.odd(marker, *range(0xC0, 0xD0)), frame(source, body)))
        else:
            parts += [(marker, source.damaged(body))] * source.odd(1, 0, 2)
    for _ in range(source.number(0, 3)):
        parts.insert(source.odd(1, source.number(0, len(parts))), application(source))
    start = source.odd(b"\xff\xd8", b"\xff\xd8\xff\xd8", b"\0\xff\xd8")
    return start + b"".join(segment(source, *part) for part in parts) + scan(source, rest)
