"""Encode samples and metadata as the bytes of an image file."""

import io
from contextlib import nullcontext
from typing import Any

import numpy as np
from PIL import Image

from agerestore.errors import ImageFileError
from agerestore.images.formats import catalog, exif, iptc, jpeg, png, tiff
from agerestore.images.formats.metadata import Metadata
from agerestore.images.formats.pillow import relaxed_limits
from agerestore.images.pixels import Samples

AVIF_QUALITY = 90  # also of HEIC; not the scale of JPEG's quality


def encode(samples: Samples, metadata: Metadata, format: str, quality: int | None = None) -> bytes:
    """Encode an image file.

    PNG, TIFF and BMP are lossless; so is WebP, unless the image came from a lossy WebP, then quality 95. JPEG takes
    the quantization tables of the JPEG the image came from and a chroma subsampling no coarser, else quality 95 and
    4:4:4; AVIF and HEIC have quality 90 and 4:4:4.

    Args:
        samples: (H, W, S) uint8 or uint16.
        metadata: What to store besides the pixels; its own `format` and `mode` are not used.
        format: A value of `catalog.FORMAT_BY_SUFFIX`.
        quality: 1 to 100, instead of the above; a WebP is then lossy. Not used for PNG, TIFF and BMP.

    Returns:
        The whole file.

    Raises:
        ImageFileError: The format cannot hold the image; without path.
    """
    catalog.refuse_size(format, *samples.shape[:2])
    catalog.refuse_loss(format, samples.shape[2], samples.dtype == np.uint16, metadata)
    try:
        if format == "PNG":
            return png.encode(samples, metadata, iptc.as_resources(metadata.iptc) if metadata.iptc else b"")
        if format == "TIFF":
            with relaxed_limits():
                return tiff.encode(samples, metadata)
        with relaxed_limits() if format in ("AVIF", "HEIF") else nullcontext():  # Pillow parses the EXIF once more
            fields = ("exif", "icc_profile", "dpi", "xmp")
            carried = {name: value for name in fields if (value := getattr(metadata, name)) is not None}
            return _by_pillow(samples, format, carried | _options(samples, metadata, format, quality))
    except MemoryError:
        raise
    except Exception as error:  # too large for the format, too much metadata, ...
        what = f"cannot be saved as {format} ({error}); choose a name ending in .png"
        raise ImageFileError(what) from error


def _by_pillow(samples: Samples, format: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(file, format, **options)
    return file.getvalue()


def _options(samples: Samples, metadata: Metadata, format: str, quality: int | None) -> dict[str, Any]:
    """Return Pillow's options for a format; BMP has none."""
    if format == "JPEG":
        return _jpeg_options(metadata, quality)
    if format == "WEBP":
        lossy = quality is not None or (metadata.format == "WEBP" and metadata.lossy)
        return {"lossless": not lossy, "quality": quality or jpeg.QUALITY, "exact": True}
    if format == "AVIF":  # gray must be said, or it is read as color
        return {"quality": quality or AVIF_QUALITY, "subsampling": "4:0:0" if samples.shape[2] < 3 else "4:4:4"}
    return {"quality": quality or AVIF_QUALITY, "chroma": 444} if format == "HEIF" else {}


def _jpeg_options(metadata: Metadata, quality: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {"progressive": metadata.jpeg_progressive, "comment": metadata.jpeg_comment}
    options["exif"] = exif.NAME + metadata.exif if metadata.exif else b""
    options["extra"] = iptc.jpeg_segment(metadata.iptc) if metadata.iptc else b""
    if metadata.jpeg_tables and quality is None:
        options["qtables"] = metadata.jpeg_tables
    else:
        options["quality"] = quality or jpeg.QUALITY
    # A gray source (-1) has no chroma subsampling, and what never was a JPEG keeps its chroma at full resolution.
    return options | {"subsampling": max(metadata.jpeg_subsampling, jpeg.FULL) if metadata.jpeg_tables else jpeg.FULL}
