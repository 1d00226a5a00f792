"""PNG files (W3C PNG specification, third edition): pixels, and chunks of metadata copied byte for byte.

Pillow writes 8-bit pixels, OpenCV 16-bit ones; the chunks are inserted here, which keeps what neither library would.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from agerestore.images.formats.metadata import Metadata
from agerestore.images.pixels import Samples

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33  # the signature and the IHDR chunk
PART = 2**18  # bytes that are inflated at a time
# Where passes begin, and how far apart their pixels are, across and down: without and with interlacing (section 8.2).
PASSES = (
    ((0, 0, 1, 1),),
    ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
COLOR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
TEXT = (b"tEXt", b"zTXt", b"iTXt")
RAW_PROFILE = "Raw profile type "  # ImageMagick's key of a text that holds what PNG has no chunk for
# Texts that are read as EXIF, IPTC or XMP, and so written to other formats, too.
CARRIED = tuple(name.encode("latin-1") for name in ("XML:com.adobe.xmp", *(RAW_PROFILE + k for k in ("exif", "iptc"))))


def encode(samples: Samples, metadata: Metadata, iptc_resources: bytes = b"") -> bytes:
    """Encode a PNG.

    Args:
        samples: (H, W, S) uint8 or uint16, S = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
        metadata: What to store besides the pixels; PNG has whole pixels per meter.
        iptc_resources: The IPTC record as Photoshop resources; PNG has no chunk for it, so it goes where ImageMagick
            puts it.

    Returns:
        The whole file.
    """
    bare = _sixteen_bit_png(samples) if samples.dtype == np.uint16 else _eight_bit_png(samples)
    extra = b"".join(chunk(kind, body) for kind, body in _metadata_chunks(metadata))
    if iptc_resources:
        extra += raw_profile_chunk("iptc", iptc_resources)
    copied = metadata.png_color_chunks + metadata.png_texts
    return bare[:HEADER_BYTES] + copied + extra + bare[HEADER_BYTES:]


def _eight_bit_png(samples: Samples) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(file, "PNG")
    return file.getvalue()


def _sixteen_bit_png(samples: Samples) -> bytes:
    """Encode by OpenCV, 3 times faster than zlib by Python and smaller; Pillow writes no 16-bit color."""
    if samples.shape[2] == 2:
        return _gray_alpha_png(samples)
    import cv2  # only here: 0.2 s that 8-bit images need not pay

    to_bgr = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    channels = samples.shape[2]
    encoded, file = cv2.imencode(".png", samples if channels == 1 else cv2.cvtColor(samples, to_bgr[channels]))
    if not encoded:
        raise ValueError("OpenCV cannot encode it")
    return bytes(file)


def _gray_alpha_png(samples: Samples) -> bytes:
    """Encode 16-bit gray with alpha, which neither OpenCV nor Pillow can write."""
    height, width, _ = samples.shape
    rows = np.ascontiguousarray(samples, dtype=">u2").view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = 2  # filter "up": each byte minus the one above it, modulo 256
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0)  # 4: gray with alpha
    body = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.data)), (b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*each) for each in body)


def _metadata_chunks(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    if metadata.icc_profile:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc_profile)
    if metadata.dpi:
        across, down = (round(each / 0.0254) for each in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if metadata.exif:
        yield b"eXIf", metadata.exif
    if metadata.xmp:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def color_chunks(png: bytes) -> bytes:
    """Return the chunks that define the colors besides an ICC profile: gamma, primaries, HDR."""
    return b"".join(chunk(kind, body) for kind, body in _chunks(png) if kind in COLOR)


def cicp(chunks: bytes) -> bytes:
    """Return the body of the cICP chunk among those that `color_chunks` gives; empty without one."""
    return next((body for kind, body in _chunks(SIGNATURE + chunks) if kind == b"cICP"), b"")


def still(png: bytes) -> bytes:
    """Return a PNG without what makes it an animation: its frames may be smaller than the image (section 11.3.6)."""
    return SIGNATURE + b"".join(each for kind, each in _whole_chunks(png) if kind not in ANIMATION)


def text_chunks(png: bytes) -> bytes:
    """Return the text chunks: title, author, software, ...; without those that hold EXIF, IPTC or XMP."""
    return b"".join(
        chunk(kind, body) for kind, body in _chunks(png) if kind in TEXT and body.split(b"\0", 1)[0] not in CARRIED
    )


def essential_chunks(png: bytes) -> bytes:
    """Return a PNG of the same samples without metadata and bytes too many, of which libpng warns on stderr.

    Raises:
        zlib.error: The samples are damaged; of this, too, it only warns.
        ValueError: The header is damaged, or samples are missing.
    """
    if png[HEADER_BYTES - 7 : HEADER_BYTES - 4] not in (bytes(3), b"\0\0\1"):  # compression, filter, interlacing
        raise ValueError("methods that PNG has not")
    found = [(kind, body) for kind, body in _chunks(png) if kind in (b"IHDR", b"IDAT")]
    if any(kind == b"IHDR" for kind, _ in found[1:]):
        raise ValueError("two headers")
    stream = b"".join(body for kind, body in found if kind == b"IDAT")
    needed = _filtered_length(png)
    length, is_whole, used = _inflated(stream, needed)
    if length < needed or (length == needed and not is_whole):
        raise ValueError("not enough image data")
    if used < len(stream) or length > needed:
        rows = zlib.decompressobj().decompress(stream, needed)
        found = [*found[:1], (b"IDAT", zlib.compress(rows))]
    return SIGNATURE + b"".join(chunk(*each) for each in [*found, (b"IEND", b"")])


def _inflated(stream: bytes, most: int) -> tuple[int, bool, int]:
    """Return how long a zlib stream is when inflated, more than ``most`` not counted; whether it ends; where it ends.

    In small parts: what a hostile file inflates to need not fit into memory, and what is left is not copied each time.
    """
    inflate, length, at = zlib.decompressobj(), 0, 0
    while not inflate.eof and length <= most and at < len(stream):
        left, made = stream[at : at + PART], PART
        at += len(left)
        while (left or made == PART) and not inflate.eof and length <= most:  # a full part may have more behind it
            made = len(inflate.decompress(left, PART))
            left = inflate.unconsumed_tail
            length += made
    return length, inflate.eof, at - len(inflate.unused_data)


def _filtered_length(png: bytes) -> int:
    """Return the length of a PNG's rows with their filter bytes, in bytes, all passes together (section 8)."""
    width, height, depth, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", png, HEADER_BYTES - 17)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    sizes = [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in PASSES[bool(interlaced)]]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0)


def raw_profile(info: Mapping[Any, Any], name: str) -> bytes:
    """Return the raw profile in a text, hexadecimal digits after its name and length; empty without one."""
    lines = str(info.get(RAW_PROFILE + name, "")).strip().split("\n")
    try:
        return bytes.fromhex("".join(lines[2:]))
    except ValueError:  # broken metadata does not make the pixels unreadable
        return b""


def raw_profile_chunk(name: str, profile: bytes) -> bytes:
    """Return the chunk whose text `raw_profile` reads."""
    text = f"\n{name}\n{len(profile):8d}\n{profile.hex()}\n"
    return chunk(b"zTXt", (RAW_PROFILE + name).encode("latin-1") + b"\0\0" + zlib.compress(text.encode("latin-1")))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((kind, each[8 : 8 + int.from_bytes(each[:4])]) for kind, each in _whole_chunks(png))


def _whole_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each chunk, and its bytes from its length to its checksum."""
    start = len(SIGNATURE)
    while len(kind := png[start + 4 : start + 8]) == 4:
        end = start + 12 + int.from_bytes(png[start : start + 4])
        yield kind, png[start:end]
        start = end
