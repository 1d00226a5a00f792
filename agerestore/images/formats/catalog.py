"""The supported file formats: their suffixes, and what each of them can hold."""

import importlib.util
from collections.abc import Mapping

from PIL import Image, features

from agerestore.errors import ImageFileError
from agerestore.images.formats.metadata import Metadata

FORMAT_BY_SUFFIX: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",  # of Canon, Fujifilm and Sony
}
SUFFIXES = frozenset(FORMAT_BY_SUFFIX)
ADVICE = "choose a name ending in .png, or pass `ext='.png'`"
ALWAYS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")  # that every build of Pillow reads and writes
LONGEST_SIDES = {"JPEG": 65500, "WEBP": 16383}  # pixels, of libjpeg and of libwebp
BRANDS = {b"avif": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"heim": "HEIF", b"heis": "HEIF"}  # ISO/IEC 23008-12


def of_suffix(suffix: str) -> str:
    """Return the format of a suffix such as ".png".

    Raises:
        ImageFileError: No format has it, or the format needs a library that is missing; without path.
    """
    if suffix.lower() not in FORMAT_BY_SUFFIX:
        names = " ".join(sorted(SUFFIXES))
        raise ImageFileError(f"'{suffix}' is no image format; choose a name ending in one of {names}")
    format = FORMAT_BY_SUFFIX[suffix.lower()]
    require(format)
    return format


def of_contents(data: bytes) -> str | None:
    """Return "AVIF" or "HEIF" by a file's brand, since not every Pillow reads them; else None."""
    if data[4:8] != b"ftyp":
        return None
    box = data[8 : min(int.from_bytes(data[:4]), 256)]  # the major brand, a version, compatible brands
    found = [BRANDS[brand] for brand in (box[i : i + 4] for i in range(0, len(box), 4)) if brand in BRANDS]
    return found[0] if found else None


def require(format: str) -> None:
    """Check that a format can be read and written; the plugin for HEIC is loaded on first use.

    Raises:
        ImageFileError: The library it needs is not installed; without path.
    """
    if format == "AVIF" and not features.check("avif"):
        raise ImageFileError("AVIF needs Pillow 11.3 or later; pip install -U pillow")
    if format == "HEIF" and "HEIF" not in Image.OPEN:
        if importlib.util.find_spec("pillow_heif") is None:
            raise ImageFileError("HEIC needs pillow-heif; pip install pillow-heif, or save it as JPEG or PNG")
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)


def refuse_loss(format: str, channels: int, is_deep: bool, metadata: Metadata) -> None:
    """Refuse to lose what changes how an image looks and has no place in a format.

    Args:
        format: The format to write.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
        is_deep: Whether it has 16 bits per channel.
        metadata: What is stored besides the pixels.

    Raises:
        ImageFileError: The format cannot hold the image; without path.
    """
    has_alpha = channels in (2, 4)
    if has_alpha and format in ("JPEG", "BMP"):
        raise ImageFileError(f"{format} cannot hold its transparency; {ADVICE}")
    if is_deep and format not in ("PNG", "TIFF"):
        raise ImageFileError(f"{format} cannot hold its 16 bits a channel; {ADVICE}")
    if is_deep and channels == 2 and format == "TIFF":
        raise ImageFileError(f"few programs read 16-bit gray with alpha in TIFF; {ADVICE}")
    icc_profile = metadata.icc_profile
    if metadata.is_hdr and format != "PNG":
        raise ImageFileError(f"{format} cannot hold its HDR colors (the cICP chunk of a PNG); {ADVICE}")
    if icc_profile and (format == "BMP" or (format == "WEBP" and is_of_gray(icc_profile))):  # WebP is never gray
        raise ImageFileError(f"{format} cannot hold its color profile; {ADVICE}")


def refuse_size(format: str, height: int, width: int) -> None:
    """Refuse an image that a format cannot hold.

    Args:
        format: The format to write.
        height: Pixels.
        width: Pixels.

    Raises:
        ImageFileError: It has more pixels a side; without path.
    """
    most = LONGEST_SIDES.get(format)
    if most is not None and max(height, width) > most:
        raise ImageFileError(f"{width} x {height} pixels, of which {format} holds {most} a side; {ADVICE}")


def is_of_gray(icc_profile: bytes | None) -> bool:
    """Return whether there is a color profile, and one for gray images."""
    return icc_profile is not None and icc_profile[16:20] == b"GRAY"  # the color space in its header
