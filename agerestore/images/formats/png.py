"""The chunks of a PNG (W3C PNG specification, third edition): what is said beside the pixels, as it stands there."""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33  # the signature and the IHDR chunk
COLOR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
TEXT = (b"tEXt", b"zTXt", b"iTXt")
RAW_PROFILE = "Raw profile type "  # how ImageMagick has stored, as text, what PNG had no chunk for
# Texts that are carried as what they are, and so into other formats, too.
CARRIED = tuple(name.encode("latin-1") for name in ("XML:com.adobe.xmp", *(RAW_PROFILE + k for k in ("exif", "iptc"))))


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def colors(png: bytes) -> bytes:
    """Return the chunks that say what the colors mean beside a profile: gamma, primaries, HDR."""
    return b"".join(chunk(kind, body) for kind, body in _chunks(png) if kind in COLOR)


def texts(png: bytes) -> bytes:
    """Return the chunks of text: title, author, software, ...; without those that are carried as EXIF, IPTC or XMP."""
    return b"".join(
        chunk(kind, body) for kind, body in _chunks(png) if kind in TEXT and body.split(b"\0", 1)[0] not in CARRIED
    )


def raw_profile(info: Mapping[Any, Any], name: str) -> bytes:
    """Return what a text holds as a raw profile, in hexadecimal digits after its name and its length; else nothing."""
    lines = str(info.get(RAW_PROFILE + name, "")).strip().split("\n")
    try:
        return bytes.fromhex("".join(lines[2:]))
    except ValueError:  # odd metadata; the picture is readable all the same
        return b""


def raw_profile_chunk(name: str, profile: bytes) -> bytes:
    """Return the chunk whose text `raw_profile` reads."""
    text = f"\n{name}\n{len(profile):8d}\n{profile.hex()}\n"
    return chunk(b"zTXt", (RAW_PROFILE + name).encode("latin-1") + b"\0\0" + zlib.compress(text.encode("latin-1")))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = len(SIGNATURE)
    while len(kind := png[start + 4 : start + 8]) == 4:
        end = start + 8 + int.from_bytes(png[start : start + 4])
        if kind in COLOR or kind in TEXT:  # the pixels are not copied
            yield kind, png[start + 8 : end]
        start = end + 4
