"""PNG and TIFF at 8 or 16 bits a channel, with all they carry; Pillow reads and writes no 16-bit color.

Pixels are `samples`: (H, W, S) uint8 or uint16, S = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not
premultiplied).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from agerestore.images.formats import iptc, png
from agerestore.images.formats.exif import copy_descriptive, loaded

Samples = NDArray[np.unsignedinteger[Any]]


def decode_sixteen_bit(data: bytes) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG or interleaved TIFF; gray with alpha comes back as RGB with alpha.

    Args:
        data: The whole file.

    Returns:
        (H, W, S) uint16, exactly the file's numbers; a TIFF's orientation is already applied, a PNG's is not.

    Raises:
        ValueError: OpenCV cannot decode it at its depth.
    """
    import cv2  # only here: 0.2 s that 8-bit pictures need not pay

    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError("not decodable at 16 bits a channel")
    if samples.ndim == 2:
        return np.ascontiguousarray(samples[..., None])
    return np.ascontiguousarray(samples[..., [2, 1, 0, 3][: samples.shape[2]]])  # OpenCV has BGR(A)


def encode_png(
    samples: Samples,
    *,
    exif: bytes | None = None,
    icc_profile: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    xmp: bytes | None = None,
    iptc_record: bytes | None = None,
    chunks: bytes = b"",
) -> bytes:
    """Encode a PNG (W3C PNG specification, third edition).

    Args:
        samples: (H, W, S) uint8 or uint16.
        exif: The EXIF block, beginning with its TIFF header.
        icc_profile: The color profile, kept byte for byte.
        dpi: Horizontal and vertical pixels per inch; PNG holds whole pixels per meter.
        xmp: The XMP packet.
        iptc_record: The IPTC record, for which PNG has no chunk: it goes where ImageMagick puts it.
        chunks: Further ones, such as `pngchunks.colors` and `pngchunks.texts` found.

    Returns:
        The whole file.
    """
    bare = _sixteen_bit_png(samples) if samples.dtype == np.uint16 else _eight_bit_png(samples)
    extra = b"".join(png.chunk(kind, body) for kind, body in _metadata_chunks(exif, icc_profile, dpi, xmp))
    if iptc_record:
        extra += png.raw_profile_chunk("iptc", iptc.as_resources(iptc_record))
    return bare[: png.HEADER_BYTES] + chunks + extra + bare[png.HEADER_BYTES :]


def _eight_bit_png(samples: Samples) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(file, "PNG")
    return file.getvalue()


def _sixteen_bit_png(samples: Samples) -> bytes:
    height, width, channels = samples.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(samples, dtype=">u2").view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = 2  # filter "up": each byte less the one above it, modulo 256
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    body = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.data)), (b"IEND", b""))
    return png.SIGNATURE + b"".join(png.chunk(*each) for each in body)


def _metadata_chunks(
    exif: bytes | None, icc_profile: bytes | None, dpi: tuple[float, float] | None, xmp: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    if icc_profile:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)
    if dpi:
        yield b"pHYs", struct.pack(">IIB", round(dpi[0] / 0.0254), round(dpi[1] / 0.0254), 1)
    if exif:
        yield b"eXIf", exif
    if xmp:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp


def encode_tiff(
    samples: Samples,
    *,
    exif: bytes | None = None,
    icc_profile: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    xmp: bytes | None = None,
    iptc_record: bytes | None = None,
) -> bytes:
    """Encode a TIFF 6.0, deflated with horizontal prediction.

    Args:
        samples: (H, W, S) uint8 or uint16.
        exif: The EXIF block, beginning with its TIFF header; its descriptive tags are kept.
        icc_profile: The color profile, kept byte for byte.
        dpi: Horizontal and vertical pixels per inch.
        xmp: The XMP packet.
        iptc_record: The IPTC record.

    Returns:
        The whole file.
    """
    tags = ImageFileDirectory_v2(prefix=b"II")
    if exif:
        copy_descriptive(loaded(exif), tags)
    if dpi:
        tags[282], tags[283], tags[296] = *dpi, 2  # X and Y resolution, per inch
    for tag, kind, value in ((700, 1, xmp), (iptc.TIFF_TAG, 7, iptc_record), (34675, 7, icc_profile)):
        if value:
            tags.tagtype[tag] = kind
            tags[tag] = value
    strips = _describe_pixels(samples, tags)
    file = io.BytesIO()
    tags.save(file)  # counts the strips' offsets from the end of the directory on
    return file.getvalue() + b"".join(strips)


def _describe_pixels(samples: Samples, tags: ImageFileDirectory_v2) -> list[bytes]:
    """Write the tags of the pixels' layout and return the compressed strips they speak of."""
    height, width, channels = samples.shape
    differences = samples.astype(samples.dtype.newbyteorder("<"))
    np.subtract(samples[:, 1:], samples[:, :-1], out=differences[:, 1:])
    rows = max(1, 2**18 // (width * channels * samples.itemsize))  # strips of about 256 kB
    strips = [zlib.compress(differences[top : top + rows].tobytes()) for top in range(0, height, rows)]
    lengths = [len(strip) for strip in strips]
    tags[256], tags[257] = width, height
    tags[258] = (8 * samples.itemsize,) * channels  # bits per sample
    tags[259], tags[317] = 8, 2  # deflate; horizontal prediction
    tags[262] = 1 if channels <= 2 else 2  # 0 is black; RGB
    tags[277], tags[278], tags[284] = channels, rows, 1  # samples a pixel; rows a strip; interleaved
    tags.tagtype[273] = tags.tagtype[279] = 4  # 32-bit numbers
    tags[273] = (0, *accumulate(lengths[:-1]))
    tags[279] = tuple(lengths)
    if channels in (2, 4):
        tags[338] = 2  # the extra sample is alpha, not premultiplied
    return strips
