"""Pictures as bytes: decoding a whole file into samples and metadata, and encoding them again.

`samples` are (H, W, S) uint8 or uint16: S = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

import io
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from agerestore import exifblock, lossless
from agerestore.errors import ImageFileError
from agerestore.lossless import Samples

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 250_000_000  # of a picture that nobody said was meant to be large
EIGHT_BIT_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "RGBA": "RGBA", "PA": "RGBA"}  # others: RGB
# What brings a picture stored with EXIF orientation 1 to 8 (EXIF 2.32, section 4.6.4) upright.
TURNS: Mapping[int, Callable[[Samples], Samples]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: x.swapaxes(0, 1)[:, ::-1],
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: x.swapaxes(0, 1)[::-1],
}
_pillow_globals = threading.Lock()


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels.

    Attributes:
        format: "PNG", "JPEG", "TIFF", "WEBP" or "BMP".
        mode: The file's own kind of pixels: a Pillow mode, or "L;16", "LA;16", "RGB;16", "RGBA;16".
        exif: The EXIF block from its TIFF header on, with orientation 1 and without thumbnail.
        icc_profile: The colour profile; None means sRGB.
        dpi: Horizontal and vertical pixels per inch.
        xmp: The XMP packet.
        lossy: Whether the file stores its pixels only approximately.
        jpeg_tables: Quantization tables of a JPEG; they make its quality.
        jpeg_subsampling: Chroma subsampling of a JPEG: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0, -1 any other.
        png_colour_chunks: What a PNG says of its colours beside a profile; kept in PNG only.
    """

    format: str = "PNG"
    mode: str = "RGB"
    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    lossy: bool = False
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None
    jpeg_subsampling: int = -1
    png_colour_chunks: bytes = b""


def decode(data: bytes, large: bool = False) -> tuple[Samples, Metadata]:
    """Decode a PNG, JPEG, TIFF, WebP or BMP.

    Pixels are turned upright, palettes and colour keys resolved; 1-bit becomes grey 0 and 255; CMYK and Lab
    become sRGB, through the file's CMYK profile where it has one. Of a camera's JPEG with further pictures
    inside (MPO) the first, the photograph, is taken.

    Args:
        data: The whole file.
        large: Take a picture of more than MAX_PIXELS, too.

    Returns:
        (H, W, S) samples, 16 bits deep exactly if the file declares 16 bits, and the metadata.

    Raises:
        ImageFileError: No picture in one of the formats, or of a kind that is not supported; without path.
        Exception: Whatever the decoders raise on damaged files.
    """
    image, tags = _open(data, large)
    depth = _declared_depth(image, tags, data)
    is_tiff = image.format == "TIFF"
    with _pillow_alone() if is_tiff else nullcontext():  # a TIFF's pixel limit and tags are looked at again
        image.load()  # decodes and so checks every byte; 16-bit colour is decoded again, for its low bytes
        exif = exifblock.of_tiff(image) if is_tiff else image.info.get("exif", b"").removeprefix(b"Exif\0\0")
    samples = _sixteen_bit(image, data, tags) if depth == 16 else _eight_bit(image, depth)
    mode = image.mode if depth < 16 else ("L;16", "LA;16", "RGB;16", "RGBA;16")[samples.shape[2] - 1]
    orientation = tags.get(274, 1)
    if not is_tiff:  # which either decoder has turned already
        orientation, exif = exifblock.upright(exif)
        samples = TURNS.get(orientation, TURNS[1])(samples)
    return np.ascontiguousarray(samples), _metadata(image, mode, exif, orientation, data)


def decode_pixels(data: bytes) -> Samples:
    """Decode any format that Pillow reads, of several frames the first, for who needs no more than 8-bit pixels.

    Returns:
        (H, W, 1 or 3) uint8 samples, upright.

    Raises:
        Exception: Whatever Pillow raises on what it cannot read.
    """
    with _pillow_alone():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        samples = np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))
    return samples.reshape(*samples.shape[:2], -1)


def readable_suffixes() -> frozenset[str]:
    """Endings, such as ".gif", of the formats that Pillow reads."""
    readable = {ending for ending, name in Image.registered_extensions().items() if name in Image.OPEN}
    return frozenset(readable)


def _open(data: bytes, large: bool) -> tuple[ImageFile, dict[int, Any]]:
    """Return the picture, its header read, and its tags if it is a TIFF."""
    if not data:
        raise ImageFileError("the file is empty (0 bytes); fetch it again from its source")
    try:
        with _pillow_alone():
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            tags = dict(getattr(image, "tag_v2", {}))
    except UnidentifiedImageError:
        what = "no PNG, JPEG, TIFF, WebP or BMP, or a rare or damaged one; save it anew with an image editor"
        raise ImageFileError(what) from None
    if image.width * image.height > MAX_PIXELS and not large:
        size = f"{image.width} x {image.height} pixels"
        raise ImageFileError(f"{size} are more than {MAX_PIXELS // 10**6} megapixels; pass --large if that is meant")
    if pages > 1:
        raise ImageFileError(f"holds {pages} pages or frames; save the one to restore as a file of its own")
    return image, tags


@contextmanager
def _pillow_alone() -> Iterator[None]:
    """Lift Pillow's pixel limit, ours holds; silence its remarks on odd metadata. Both are process-wide."""
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _declared_depth(image: ImageFile, tags: dict[int, Any], data: bytes) -> int:
    """Return the bits a channel that the file itself declares; the values say nothing about it."""
    if image.format == "PNG":
        return data[24]  # in the IHDR chunk
    depths = tags.get(258, (1,)) if image.format == "TIFF" else (8,)
    if depths[0] not in (1, 2, 4, 8, 16) or len(set(depths)) > 1:
        raise ImageFileError(f"{max(depths)} bits a channel; save it with 8 or 16 bits a channel")
    return int(depths[0])


def _eight_bit(image: Image.Image, depth: int) -> Samples:
    if image.mode == "P":
        return np.array(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    if image.mode in ("CMYK", "LAB"):
        return np.array(_to_srgb(image))
    key = image.info.pop("transparency", None)
    samples = np.array(image.convert(EIGHT_BIT_MODES.get(image.mode, "RGB")))
    samples = samples if samples.ndim == 3 else samples[..., None]
    # Pillow spreads 1, 2 and 4 bits over 0 to 255, but not the key (older versions: not even of 1 bit).
    return _with_colour_key(samples, key, scale={1: 255, 2: 85, 4: 17}.get(depth, 1))


def _sixteen_bit(image: ImageFile, data: bytes, tags: dict[int, Any]) -> Samples:
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        grey = np.array(image).astype(np.uint16)[..., None]
        return 65535 - grey if tags.get(262) == 0 else _with_colour_key(grey, key)  # 262, 0: 0 is white
    if image.mode not in ("RGB", "RGBA") or tags.get(284) == 2:  # Lab, CMYK, signed; one plane a channel
        raise ImageFileError("16 bits a channel in a rare form; save it as interleaved RGB or as greyscale")
    samples = lossless.decode_sixteen_bit(data)
    if image.format == "PNG":
        is_grey = data[25] == 4  # the colour type, in the IHDR chunk
        return samples[..., [0, 3]] if is_grey else _with_colour_key(samples[..., : len(image.mode)], key)
    return _unpremultiplied(samples) if tags.get(338) == (1,) else samples[..., : len(image.mode)]


def _with_colour_key(samples: Samples, key: int | tuple[int, ...] | None, scale: int = 1) -> Samples:
    """Append the alpha a PNG states as one wholly transparent colour (its tRNS chunk)."""
    if key is None:
        return samples
    peak = np.iinfo(samples.dtype).max
    visible = (samples != np.minimum(np.atleast_1d(key) * scale, peak)).any(axis=2, keepdims=True)
    alpha = np.where(visible, peak, 0).astype(samples.dtype)
    return np.concatenate([samples, alpha], axis=2)


def _unpremultiplied(samples: Samples) -> Samples:
    alpha = samples[..., 3:].astype(np.float64)
    colour = np.minimum(np.rint(samples[..., :3].astype(np.float64) * 65535 / np.maximum(alpha, 1)), 65535)
    return np.concatenate([colour.astype(np.uint16), samples[..., 3:]], axis=2)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert CMYK or Lab; the profile, which no longer fits, is dropped."""
    profile = image.info.pop("icc_profile", None)
    if image.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif profile and profile[16:20] == b"CMYK":  # the colour space in the profile's header
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    else:
        return image.convert("RGB")
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # None only when converting in place
    return converted


def _metadata(image: ImageFile, mode: str, exif: bytes, orientation: int, data: bytes) -> Metadata:
    dpi, xmp, tables = image.info.get("dpi"), image.info.get("xmp"), getattr(image, "quantization", None)
    if dpi is not None:  # on its side, width and height have changed places
        across, down = (1, 0) if orientation in (5, 6, 7, 8) else (0, 1)
        dpi = (float(dpi[across]), float(dpi[down]))
    if xmp and orientation != 1:
        xmp = re.sub(rb'(tiff:Orientation(?:="|>))[2-8]', rb"\g<1>1", xmp)
    return Metadata(
        format="JPEG" if image.format == "MPO" else str(image.format),
        mode=mode,
        exif=exif or None,
        icc_profile=image.info.get("icc_profile") or None,
        dpi=dpi if dpi and all(math.isfinite(value) and value > 0 for value in dpi) else None,
        xmp=xmp,
        lossy=tables is not None or (image.format == "WEBP" and b"VP8L" not in data),
        jpeg_tables=tuple(tuple(tables[key]) for key in sorted(tables)) if tables else None,
        jpeg_subsampling=JpegImagePlugin.get_sampling(image) if tables else -1,
        png_colour_chunks=lossless.png_colour_chunks(data) if image.format == "PNG" else b"",
    )


def encode(samples: Samples, metadata: Metadata, format: str) -> bytes:
    """Encode a picture in one of `FORMATS`.

    PNG and TIFF are exact; WebP too, unless the picture came from a lossy WebP, then quality 95. JPEG has
    the tables and subsampling of the JPEG the picture came from, else quality 95 without subsampling.

    Args:
        samples: (H, W, S) uint8 or uint16.
        metadata: What the file is to say beside; its own `format` and `mode` do not matter.
        format: One of `FORMATS`.

    Returns:
        The whole file.

    Raises:
        ImageFileError: The format cannot hold the picture; without path.
    """
    _refuse_loss(samples, metadata, format)
    fields = ("exif", "icc_profile", "dpi", "xmp")
    carried = {name: value for name in fields if (value := getattr(metadata, name)) is not None}
    try:
        if format == "PNG":
            return lossless.encode_png(samples, **carried, colour_chunks=metadata.png_colour_chunks)
        if format == "TIFF":
            with _pillow_alone():
                return lossless.encode_tiff(samples, **carried)
        return _encode_eight_bit(samples, metadata, format, carried)
    except MemoryError:
        raise
    except Exception as error:  # too large for the format, too much metadata, ...
        what = f"cannot be saved as {format} ({error}); choose a name ending in .png"
        raise ImageFileError(what) from error


def _refuse_loss(samples: Samples, metadata: Metadata, format: str) -> None:
    has_alpha, is_deep = samples.shape[2] in (2, 4), samples.dtype == np.uint16
    if has_alpha and format in ("JPEG", "BMP"):
        raise ImageFileError(f"{format} cannot hold its transparency; choose a name ending in .png")
    if is_deep and format not in ("PNG", "TIFF"):
        raise ImageFileError(f"{format} cannot hold its 16 bits a channel; choose a name ending in .png or .tif")
    if is_deep and samples.shape[2] == 2 and format == "TIFF":
        raise ImageFileError("few programs read 16-bit grey with alpha in TIFF; choose a name ending in .png")
    profile = metadata.icc_profile
    if profile and (format == "BMP" or (format == "WEBP" and profile[16:20] == b"GRAY")):  # WebP is never grey
        raise ImageFileError(f"{format} cannot hold its colour profile; choose a name ending in .png")


def _encode_eight_bit(samples: Samples, metadata: Metadata, format: str, carried: dict[str, Any]) -> bytes:
    if format == "WEBP":
        lossy = metadata.format == "WEBP" and metadata.lossy
        carried |= {"lossless": not lossy, "quality": 95, "exact": True}
    if format == "JPEG":
        carried["exif"] = b"Exif\0\0" + metadata.exif if metadata.exif else b""
        if metadata.jpeg_tables:
            carried |= {"qtables": metadata.jpeg_tables, "subsampling": metadata.jpeg_subsampling}
        else:
            carried |= {"quality": 95, "subsampling": 0}
    file = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(file, format, **carried)
    return file.getvalue()
