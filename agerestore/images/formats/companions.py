"""What a file holds besides its photograph and is not kept: gain maps, motion videos, depth maps, further images."""

import re
from typing import Any

from agerestore.images.formats import xmp

# A gain map by ISO 21496-1, in a JPEG or AVIF; that of Apple, in a HEIC.
GAIN_MAPS = (b"urn:iso:std:iso:ts:21496:-1", b"tmap\0\0", b"urn:com:apple:photo:2020:aux:hdrgainmap")
VIDEO = re.compile(rb"\0\0\0.ftyp(?:mp4|isom|iso\d|avc1|qt  )", re.DOTALL)  # the begin of an MP4 or QuickTime film
MANIFESTS = (b"c2pa\0",)  # content credentials (C2PA), which sign the old pixels


def lost(image: Any, data: bytes, promised: frozenset[str]) -> tuple[str, ...]:
    """Name what a file holds besides its photograph.

    Args:
        image: The file, opened by Pillow.
        data: The whole file.
        promised: What its XMP promises, see `xmp.describing`.
    """
    found = set(promised)
    if any(mark in data for mark in GAIN_MAPS):
        found.add(xmp.GAIN_MAP)
    if image.format in ("JPEG", "MPO") and VIDEO.search(data):
        found.add(xmp.MOTION)
    if image.format == "HEIF" and b"mpvd" in data:  # the box of a film in a HEIC
        found.add(xmp.MOTION)
    if any(mark in data for mark in MANIFESTS):
        found.add(xmp.CREDENTIALS)
    frames = getattr(image, "n_frames", 1) if image.format == "MPO" else 1
    if frames > 1 and xmp.GAIN_MAP not in found:
        found.add("further image" if frames == 2 else f"{frames - 1} further images")
    return tuple(sorted(found))
