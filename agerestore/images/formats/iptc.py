"""The IPTC record of an image (caption, author, keywords) and where file formats store it.

IPTC Information Interchange Model 4.2; Adobe Photoshop File Formats Specification, "Image Resource Blocks".
"""

import struct
from collections.abc import Iterator

from PIL import Image, TiffImagePlugin

from agerestore.images.formats import png

RESOURCE = 0x0404  # Photoshop's number of the resource
TIFF_TAG = 33723
MARKER = b"\x1c"  # begins every entry of a record
JPEG_MARKER = b"Photoshop 3.0\0"  # begins the APP13 segment with Photoshop's resources


def of_image(image: Image.Image) -> bytes:
    """Return the record of an open JPEG, TIFF or PNG; empty without one.

    Photoshop's other resources are dropped: thumbnails and layers show the old pixels.
    """
    if image.format == "PNG":
        return dict(_resources(png.raw_profile(image.info, "iptc"))).get(RESOURCE, b"")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _of_tiff(image)
    found = image.info.get("photoshop", {}).get(RESOURCE, b"")
    return found if isinstance(found, bytes) else b""


def as_resources(record: bytes) -> bytes:
    """Return the record as a Photoshop resource, the form in JPEG and PNG."""
    return b"8BIM" + struct.pack(">HHI", RESOURCE, 0, len(record)) + record + b"\0" * (len(record) % 2)


def jpeg_segment(record: bytes) -> bytes:
    """Return the APP13 segment of a JPEG.

    Raises:
        ValueError: The record is longer than a segment.
    """
    body = JPEG_MARKER + as_resources(record)
    if len(body) > 65533:
        raise ValueError("IPTC data is too long")
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def _of_tiff(image: TiffImagePlugin.TiffImageFile) -> bytes:
    # Often typed as 32-bit numbers, of which Pillow returns the first only; the raw bytes are in _tagdata.
    record: bytes = getattr(image.tag_v2, "_tagdata", {}).get(TIFF_TAG, b"")
    if record[3:4] == MARKER and record[:1] != MARKER and len(record) % 4 == 0:  # numbers of the other byte order
        record = b"".join(record[i : i + 4][::-1] for i in range(0, len(record), 4))
    if not record:
        record = image.get_photoshop_blocks().get(RESOURCE, {}).get("data", b"")
    return record


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and contents of each resource, up to a truncated one."""
    start = 0
    while block[start : start + 4] == b"8BIM" and len(block) >= start + 12:
        number, name_length = struct.unpack_from(">HB", block, start + 4)
        size_at = start + 6 + (name_length + 2) // 2 * 2  # the name, with its length, fills whole pairs of bytes
        size = int.from_bytes(block[size_at : size_at + 4])
        body = block[size_at + 4 : size_at + 4 + size]
        if len(body) < size:
            return
        yield number, body
        start = size_at + 4 + size + size % 2
