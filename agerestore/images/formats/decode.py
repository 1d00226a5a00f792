"""Decode the bytes of an image file into samples and metadata.

`samples` are (H, W, S) uint8 or uint16: S = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
"""

import io
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import ImageFileError
from agerestore.images.formats import catalog, companions, exif, iptc, jpeg, kinds, opencv, png, png_colors, xmp
from agerestore.images.formats.metadata import Metadata
from agerestore.images.formats.pillow import relaxed_limits
from agerestore.images.orientation import SIDEWAYS, upright
from agerestore.images.pixels import Samples

EIGHT_BIT_MODES = {  # of Pillow's modes; others become RGB
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "RGBA": "RGBA", "RGBa": "RGBA", "PA": "RGBA",
}  # fmt: skip
GRAY_MODES = ("1", "L", "LA", "I;16", "L;16", "LA;16")
LOSSY_IN_TIFF = ("jpeg", "tiff_jpeg", "webp")
MOST_DPI = 65535  # pixels per inch, the most that a JPEG can say


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> tuple[Samples, Metadata]:
    """Decode a PNG, JPEG, TIFF, WebP, BMP, AVIF or HEIC.

    Pixels are turned upright, palettes and color keys resolved; 1-bit becomes gray 0 and 255; CMYK and Lab become
    sRGB, through the file's CMYK profile where it has one. Of a camera's JPEG with several images (MPO) the first,
    the photograph, is decoded.

    Args:
        data: The whole file.
        max_pixels: Larger images are refused.

    Returns:
        (H, W, S) samples, 16 bits deep exactly if the file declares 16 bits, and the metadata.

    Raises:
        ImageFileError: No image in one of the formats, or of a kind that is not supported; without path.
        Exception: Whatever the decoders raise on damaged files.
    """
    image, tags = _open(data, max_pixels)
    depth = _declared_depth(image, tags, data)
    is_tiff = image.format == "TIFF"
    again = is_tiff or image.format == "PNG"  # a TIFF's pixel limit and tags; texts may follow the pixels of a PNG
    with relaxed_limits() if again else nullcontext():
        packet = image.info.pop("xmp", None) if is_tiff else None  # or Pillow turns a TIFF by it, too
        image.load()  # decodes and so checks every byte; 16-bit color is decoded again, for its low bytes
        if packet is not None:
            image.info["xmp"] = packet
        exif_block = exif.of_tiff(image) if is_tiff else _exif(image)
    samples = _sixteen_bit(image, data, tags) if depth == 16 else _eight_bit(image, depth)
    mode = image.mode if depth < 16 else ("L;16", "LA;16", "RGB;16", "RGBA;16")[samples.shape[2] - 1]
    orientation = tags.get(exif.ORIENTATION) if is_tiff else exif.orientation(exif_block)
    if not is_tiff:  # both decoders turn a TIFF themselves
        samples = upright(samples, orientation)
    samples = np.ascontiguousarray(samples)
    return samples, _metadata(image, image.info, samples.shape[:2], mode, exif_block, orientation, data)


def of_pillow(image: Image.Image) -> tuple[Samples, Metadata]:
    """Read a Pillow image of any mode but "I" and "F" as if it were its file; it stays as it is.

    Returns:
        See `decode`; 16 bits deep in the modes I;16.
    """
    in_tiff = dict(getattr(image, "tag_v2", {})).get(exif.ORIENTATION)
    image.load()  # which turns a TIFF upright
    copied = image.copy()  # reading takes what no longer holds out of its notes
    tags = image.getexif()
    orientation = tags.get(exif.ORIENTATION)
    is_tiff = image.format == "TIFF"
    block = exif.of_tiff(image) if is_tiff else _exif(copied)
    if not is_tiff and exif.orientation(block) != orientation:  # set in memory, or by XMP alone
        block = exif.bare(tags.tobytes())
    if image.mode.startswith("I;16"):
        samples, mode = np.array(copied).astype(np.uint16)[..., None], "L;16"
    else:
        samples, mode = _eight_bit(copied, 1 if image.mode == "1" else 8), image.mode
    samples = np.ascontiguousarray(upright(samples, orientation))
    orientation = in_tiff if is_tiff else orientation
    return samples, _metadata(image, copied.info, samples.shape[:2], mode, block, orientation)


def decode_size(file: BinaryIO) -> tuple[int, int]:
    """Decode (width, height), as they are stored, from the header of an open file.

    Raises:
        Exception: Whatever the decoders raise on what they cannot read.
    """
    formats = _expected(file.read(256))
    file.seek(0)
    with relaxed_limits(), Image.open(file, formats=formats) as image:
        return image.size


def _open(data: bytes, max_pixels: int) -> tuple[ImageFile, dict[int, Any]]:
    """Read the header; return the image and the tags of a TIFF."""
    if not data:
        raise ImageFileError("the file is empty (0 bytes); fetch it again from its source")
    kinds.refuse_other_kinds(data)
    formats = _expected(data)
    try:
        with relaxed_limits():
            image = Image.open(io.BytesIO(data), formats=formats)
            pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            tags = dict(getattr(image, "tag_v2", {}))
            if "bbox" in image.info and pages == 1:  # a PNG that is an animation of one frame, which may lie anywhere
                image = Image.open(io.BytesIO(png.still(data)), formats=formats)
    except UnidentifiedImageError:
        raise ImageFileError(kinds.unidentified(data)) from None
    for name in {"icc_profile", "xmp"} & image.info.keys():
        image.info[name] = _block(image.info[name]) or b""  # Pillow itself takes no other type when it decodes
    if image.width * image.height > max_pixels:
        size = f"{image.width} x {image.height} pixels"
        raise ImageFileError(f"{size} are more than {max_pixels / 1e6:g} megapixels; raise `max_pixels` to read it")
    if pages > 1:
        raise ImageFileError(f"holds {pages} pages or frames; save the one to restore as a file of its own")
    return image, tags


def _expected(data: bytes) -> list[str]:
    """Return the formats to try on a file."""
    special = catalog.of_contents(data)
    if special is None:
        return list(catalog.ALWAYS)
    catalog.require(special)
    return [special]


def _exif(image: Image.Image) -> bytes:
    """Return the EXIF block of all but a TIFF; older programs store it as text in a PNG."""
    block: bytes = image.info.get("exif", b"") or png.raw_profile(image.info, "exif")
    return exif.bare(block)


def _declared_depth(image: ImageFile, tags: dict[int, Any], data: bytes) -> int:
    """Return the bits per channel that the file declares; pixel values do not tell."""
    if image.format == "PNG":
        return data[24]  # in the IHDR chunk
    if image.format in ("AVIF", "HEIF") and (depth := _video_depth(image, data)) > 8:
        raise ImageFileError(f"{depth} bits a channel, of which only 8 could be read; save it as 16-bit PNG or TIFF")
    return int(tags.get(258, (1,))[0]) if image.format == "TIFF" else 8


def _video_depth(image: ImageFile, data: bytes) -> int:
    """Return the bits per channel of an AVIF or HEIC."""
    at = data.find(b"av1C")
    if image.format == "HEIF" or at < 0 or len(data) < at + 7:
        return int(image.info.get("bit_depth", 8))
    flags = data[at + 6]  # AV1-ISOBMFF, section 2.3.3: tier, high bit depth, twelve bits, monochrome, ...
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def _eight_bit(image: Image.Image, depth: int) -> Samples:
    if image.mode == "P":
        return np.array(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    if image.mode in ("CMYK", "LAB"):
        return np.array(_to_srgb(image))
    key = image.info.pop("transparency", None)
    samples = np.array(image.convert(EIGHT_BIT_MODES.get(image.mode, "RGB")))
    samples = samples if samples.ndim == 3 else samples[..., None]
    # Pillow spreads 1, 2 and 4 bits over 0 to 255, but not the key (older versions: not even of 1 bit).
    return _with_color_key(samples, key, scale={1: 255, 2: 85, 4: 17}.get(depth, 1))


def _sixteen_bit(image: ImageFile, data: bytes, tags: dict[int, Any]) -> Samples:
    key = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        gray = np.array(image).astype(np.uint16)[..., None]
        return 65535 - gray if tags.get(262) == 0 else _with_color_key(gray, key)  # 262, 0: 0 is white
    samples = opencv.decode(png.essential_chunks(data) if image.format == "PNG" else data)
    if image.format == "PNG":
        is_gray = data[25] == 4  # the color type, in the IHDR chunk
        return samples[..., [0, 3]] if is_gray else _with_color_key(samples[..., : len(image.mode)], key)
    return _unpremultiplied(samples) if tags.get(338) == (1,) else samples[..., : len(image.mode)]


def _with_color_key(samples: Samples, key: int | tuple[int, ...] | None, scale: int = 1) -> Samples:
    """Append the alpha that a PNG stores as one transparent color (its tRNS chunk)."""
    if key is None:
        return samples
    peak = np.iinfo(samples.dtype).max
    visible = (samples != np.minimum(np.atleast_1d(key) * scale, peak)).any(axis=2, keepdims=True)
    alpha = np.where(visible, peak, 0).astype(samples.dtype)
    return np.concatenate([samples, alpha], axis=2)


def _unpremultiplied(samples: Samples) -> Samples:
    alpha = samples[..., 3:].astype(np.float64)
    color = np.minimum(np.rint(samples[..., :3].astype(np.float64) * 65535 / np.maximum(alpha, 1)), 65535)
    return np.concatenate([color.astype(np.uint16), samples[..., 3:]], axis=2)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert CMYK or Lab; the profile, which no longer applies, is dropped."""
    profile = _block(image.info.pop("icc_profile", None))
    if image.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif profile and profile[16:20] == b"CMYK":  # the color space in the profile's header
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    else:
        return image.convert("RGB")
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # None only when converting in place
    return converted


def _metadata(
    image: Image.Image,
    info: Mapping[Any, Any],
    size: tuple[int, ...],
    mode: str,
    block: bytes,
    orientation: int | None,
    data: bytes = b"",
) -> Metadata:
    """Gather what is stored besides the pixels, and let it describe them as they are now, upright and alone.

    Args:
        image: As Pillow has opened it.
        info: Its notes, without those that no longer hold.
        size: (H, W) of the upright pixels.
        mode: How the file stores a pixel.
        block: The EXIF block.
        orientation: That the file had.
        data: The whole file; empty of an image in memory.
    """
    dpi, is_png = info.get("dpi"), image.format == "PNG"
    turned = orientation in SIDEWAYS
    if dpi is not None:
        dpi = (float(dpi[1]), float(dpi[0])) if turned else (float(dpi[0]), float(dpi[1]))
    packet, promised = _block(info.get("xmp")), frozenset[str]()
    if packet:
        packet, promised = xmp.describing(packet, size, turned=orientation not in (None, 1))
    tables = jpeg.jpeg_tables(image, turned)
    color_chunks = png.color_chunks(data) if is_png else b""
    cicp = png.cicp(color_chunks)
    described = png_colors.profile(info, cicp, is_gray=mode in GRAY_MODES)
    return Metadata(
        format="JPEG" if image.format == "MPO" else image.format or "PNG",
        mode=mode,
        orientation=orientation,
        exif=exif.describing(block, size) or None,
        icc_profile=described or _block(info.get("icc_profile")) or None,
        dpi=dpi if dpi and all(0 < value <= MOST_DPI for value in dpi) else None,
        xmp=packet,
        iptc=iptc.of_image(image) or None,
        lossy=tables is not None or _is_lossy(image, data),
        jpeg_tables=tables,
        jpeg_subsampling=jpeg.jpeg_subsampling(image, turned) if tables else -1,
        jpeg_progressive=bool(tables and info.get("progressive")),
        jpeg_comment=info.get("comment", b"") if tables else b"",
        png_color_chunks=b"" if described else color_chunks,
        is_hdr=png_colors.is_hdr(cicp),
        png_texts=png.text_chunks(data) if is_png else b"",
        lost=companions.lost(image, data, promised),
    )


def _block(value: Any) -> bytes | None:
    """Return a profile or packet as bytes; in a TIFF it may be typed as text. Other types of it are no such thing."""
    return value.encode("latin-1") if isinstance(value, str) else value if isinstance(value, bytes) else None


def _is_lossy(image: Image.Image, data: bytes) -> bool:
    """Whether the compression of a file other than JPEG does not store pixels exactly, or may not."""
    if image.format == "WEBP":
        return not _webp_is_lossless(data)
    if image.format == "TIFF":
        return image.info.get("compression") in LOSSY_IN_TIFF
    return image.format in ("AVIF", "HEIF")


def _webp_is_lossless(data: bytes) -> bool:
    """Whether the pixels of a WebP are stored exactly (VP8L; RFC 9649); false of one that is in memory alone."""
    start = 12  # after RIFF, the size and WEBP
    while len(kind := data[start : start + 4]) == 4:
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        start += 8 + int.from_bytes(data[start + 4 : start + 8], "little")
        start += start % 2
    return False
