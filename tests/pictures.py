"""Pictures for the tests of reading and writing: noise, files made by hand, metadata, comparisons."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from agerestore.images.photo import Photo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DISPLAY_P3_LIKE = SRGB[:36] + SRGB[36:].replace(b"s\0R\0G\0B", b"P\0-\0\x33\0X")  # another profile, same size
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'


def noise(height: int, width: int, samples: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    shape = (height, width, samples)
    return np.random.default_rng(seed).integers(0, int(np.iinfo(dtype).max) + 1, shape).astype(dtype)


def png(rows: bytes, size: tuple[int, int], depth: int, color_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand from rows that each begin with their filter byte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def stored(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def exif_block(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0112] = "a street", "Leica", orientation
    exif[0x8769] = {0x9003: "1999:12:31 23:59:59", 0x927C: b"maker\0note"}
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 15.0)}
    return exif.tobytes()


def facts(exif: bytes | None) -> tuple[dict[int, object], ...]:
    """What an EXIF block says, without its pointers."""
    assert exif is not None
    loaded = Image.Exif()
    loaded.load(exif)
    first = {tag: value for tag, value in loaded.items() if tag not in (0x8769, 0x8825)}
    return first, dict(loaded.get_ifd(0x8769)), dict(loaded.get_ifd(0x8825))


def assert_same(found: Photo, expected: Photo) -> None:
    assert found.pixels.dtype == expected.pixels.dtype
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert (found.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        np.testing.assert_array_equal(found.alpha, expected.alpha)


def cmyk_profile(paper: tuple[int, int, int], ink: tuple[int, int, int]) -> bytes:
    """The smallest CMYK profile: `paper` without ink, `ink` with any, both Lab of 8 bits (ICC.1:2001-04)."""
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50
    ramp, one, none = bytes(range(256)), 65536, 0
    matrix = struct.pack(">9i", one, none, none, none, one, none, none, none, one)
    grid = bytes(paper) + bytes(ink) * 15  # two nodes for each of the four inks
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + grid + ramp * 3
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"x\0\0\0",
        b"wtpt": b"XYZ " + bytes(4) + white,
        b"A2B0": lut + bytes(-len(lut) % 4),
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    kind = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02100000, b"prtr", b"CMYK", b"Lab ")
    header = kind + bytes(12) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + table + body
