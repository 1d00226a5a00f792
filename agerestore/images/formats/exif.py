"""EXIF blocks: bytes that begin with a TIFF header and hold directories of tags (EXIF 2.32, section 4.5).

EXIF, IPTC and XMP are carried byte for byte by this package. Measured in its place, libvips 8.18 (pyvips) rewrites
EXIF (112 -> 236 bytes), reads neither a PNG's IPTC nor a TIFF's EXIF, and cuts a TIFF's IPTC (10 -> 3 bytes).
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

NAME = b"Exif\0\0"
ORIENTATION = 0x0112
WIDTHS, HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)  # ImageWidth, PixelXDimension; ImageLength, PixelYDimension
NUMBERS = {3: "H", 4: "I"}  # types of tags that are one number, of 16 or 32 bits
EXIF_DIRECTORY, GPS_DIRECTORY, INTEROPERABILITY_DIRECTORY = 0x8769, 0x8825, 0xA005
# Tags of the first directory that describe the image, not how a file stores it (EXIF 2.32, table 4), and the five
# that Windows adds.
DESCRIPTIVE = (
    *(0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298),
    *range(0x9C9B, 0x9CA0),
)


class _Text(str):
    """Text of a tag, written with the bytes it had; Pillow reads Latin-1 and writes "?" for what is not ASCII."""

    def encode(self, *_: object) -> bytes:
        return str.encode(self, "latin-1")


def bare(block: bytes) -> bytes:
    """Return a block from its TIFF header on; files have the name of the block before it, and some have it twice."""
    while block.startswith(NAME):
        block = block.removeprefix(NAME)
    return block


def orientation(exif: bytes) -> int | None:
    """Return the orientation in a block, 1 to 8 if valid; None without one."""
    found = [_number(exif, *entry) for entry in _first_directory(exif) if entry[0] == ORIENTATION]
    return found[-1] if found else None


def describing(exif: bytes, size: tuple[int, ...]) -> bytes:
    """Let a block describe upright pixels: orientation 1, their size, and no thumbnail, which shows the old pixels.

    The block is patched in place, since rewriting it would break the offsets inside makernotes.

    Args:
        exif: The block; anything else is returned as it is.
        size: (H, W) of the pixels.

    Returns:
        The block, of the same length.
    """
    fixed = bytearray(exif)
    values = {ORIENTATION: 1} | dict.fromkeys(HEIGHTS, size[0]) | dict.fromkeys(WIDTHS, size[1])
    entries = list(_first_directory(exif))
    pointers = [_number(exif, *entry) for entry in entries if entry[0] == EXIF_DIRECTORY]
    entries += [entry for start in pointers if start for entry in _directory(exif, start)]
    for tag, kind, at in entries:
        if tag in values and kind in NUMBERS and values[tag] < 256 ** struct.calcsize(NUMBERS[kind]):
            struct.pack_into(_order(exif) + NUMBERS[kind], fixed, at, values[tag])
    _unlink_thumbnail(fixed)
    return bytes(fixed)


def _unlink_thumbnail(exif: bytearray) -> None:
    """Let no directory follow the first one."""
    if order := _order(exif):
        with suppress(struct.error):  # truncated
            (start,) = struct.unpack_from(order + "I", exif, 4)
            (count,) = struct.unpack_from(order + "H", exif, start)
            struct.pack_into(order + "I", exif, start + 2 + 12 * count, 0)


def _order(exif: bytes | bytearray) -> str:
    """Return the byte order as `struct` writes it; empty for what is no block."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(exif[:4]), "")


def _first_directory(exif: bytes) -> Iterator[tuple[int, int, int]]:
    order = _order(exif)
    if order and len(exif) >= 8:
        yield from _directory(exif, *struct.unpack_from(order + "I", exif, 4))


def _directory(exif: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield tag, type and place of the value of each entry, up to a truncated one."""
    order = _order(exif)
    with suppress(struct.error):
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, _ = struct.unpack_from(order + "HHII", exif, entry)
            yield tag, kind, entry + 8


def _number(exif: bytes, tag: int, kind: int, at: int) -> int | None:
    """Return the number of an entry; None if it holds no number of 16 or 32 bits."""
    if kind not in NUMBERS:
        return None
    (value,) = struct.unpack_from(_order(exif) + NUMBERS[kind], exif, at)
    return int(value)


def loaded(exif: bytes) -> Image.Exif:
    """Parse the tags of a block."""
    tags = Image.Exif()
    tags.load(exif)
    return tags


def of_tiff(image: Image.Image) -> bytes:
    """Return the descriptive tags of an open TIFF as a block; empty without any."""
    kept = Image.Exif()
    copy_descriptive(image.getexif(), kept)
    return bare(kept.tobytes()) if len(kept) else b""


def copy_descriptive(source: Image.Exif, target: Image.Exif | ImageFileDirectory_v2) -> None:
    """Copy the tags that describe the image, with the whole EXIF and GPS directories."""
    for tag in DESCRIPTIVE:
        if tag in source:
            target[tag] = _as_it_was(source[tag])
    for directory in (EXIF_DIRECTORY, GPS_DIRECTORY):
        if values := dict(source.get_ifd(directory)):
            values.pop(INTEROPERABILITY_DIRECTORY, None)  # an offset into the old file
            target[directory] = {tag: _as_it_was(value) for tag, value in values.items()}


def _as_it_was(value: Any) -> Any:
    return _Text(value) if isinstance(value, str) else value
