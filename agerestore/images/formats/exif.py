"""EXIF blocks: bytes that begin with a TIFF header and hold directories of tags (EXIF 2.32, section 4.5).

EXIF, IPTC and XMP are carried byte for byte by this package. Measured in its place, libvips 8.18 (pyvips) rewrites
EXIF (112 -> 236 bytes), reads neither a PNG's IPTC nor a TIFF's EXIF, and cuts a TIFF's IPTC (10 -> 3 bytes).
"""

import struct
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4
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


def upright(exif: bytes) -> tuple[int | None, bytes]:
    """Set the orientation to 1, upright, and unlink the thumbnail, which shows the old pixels.

    The block is patched in place, since rewriting it would break the offsets inside makernotes.

    Args:
        exif: The block; anything else is returned as it is.

    Returns:
        The orientation it had, 1 to 8 if valid, None if it has none; and the block, of the same length.
    """
    fixed, orientation = bytearray(exif), None
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return orientation, exif
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == ORIENTATION and kind in (3, 4):  # a number of 16 or 32 bits
                number = order + ("H" if kind == 3 else "I")
                (orientation,) = struct.unpack_from(number, exif, entry + 8)
                struct.pack_into(number, fixed, entry + 8, 1)
        struct.pack_into(order + "I", fixed, start + 2 + 12 * count, 0)  # no next directory
    except struct.error:
        pass  # truncated: what was found so far is all there is
    return orientation, bytes(fixed)


def loaded(exif: bytes) -> Image.Exif:
    """Parse the tags of a block."""
    tags = Image.Exif()
    tags.load(exif)
    return tags


def of_tiff(image: Image.Image) -> bytes:
    """Return the descriptive tags of an open TIFF as a block; empty without any."""
    kept = Image.Exif()
    copy_descriptive(image.getexif(), kept)
    return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else b""


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
