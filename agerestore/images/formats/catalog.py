"""The formats of picture files: their endings, and which of them are at hand."""

import importlib.util
from collections.abc import Mapping

from PIL import Image, features

from agerestore.errors import ImageFileError

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
}
SUFFIXES = frozenset(FORMAT_BY_SUFFIX)
WAY_OUT = "choose a name ending in .png, or pass --ext .png"
ALWAYS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")  # what Pillow reads and writes however it was built
BRANDS = {b"avif": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"heim": "HEIF", b"heis": "HEIF"}  # ISO/IEC 23008-12


RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".raw", ".pef", ".srw")
OTHERS = frozenset(  # pictures, too, which people have in their folders
    (*RAW, ".gif", ".jp2", ".j2k", ".jxl", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pcx", ".psd", ".exr", ".hdr")
)


def of_suffix(suffix: str) -> str:
    """Return the format that an ending such as ".png" names.

    Raises:
        ImageFileError: It names none, or none that can be written here; without path.
    """
    if suffix.lower() not in FORMAT_BY_SUFFIX:
        names = " ".join(sorted(SUFFIXES))
        raise ImageFileError(f"'{suffix}' is no picture format; choose a name ending in one of {names}")
    format = FORMAT_BY_SUFFIX[suffix.lower()]
    require(format)
    return format


def readable_suffixes() -> frozenset[str]:
    """Endings, such as ".gif", of the formats that Pillow reads."""
    readable = {ending for ending, name in Image.registered_extensions().items() if name in Image.OPEN}
    return frozenset(readable)


def of_contents(data: bytes) -> str | None:
    """Return "AVIF" or "HEIF" if that is what a file says it is, which need more than Pillow itself; else None."""
    if data[4:8] != b"ftyp":
        return None
    box = data[8 : min(int.from_bytes(data[:4]), 256)]  # the major brand, a version, compatible brands
    found = [BRANDS[brand] for brand in (box[i : i + 4] for i in range(0, len(box), 4)) if brand in BRANDS]
    return found[0] if found else None


def require(format: str) -> None:
    """See to it that a format can be read and written; HEIC's plugin is loaded only when the first one comes.

    Raises:
        ImageFileError: What it needs is not installed; without path.
    """
    if format == "AVIF" and not features.check("avif"):
        raise ImageFileError("AVIF needs Pillow 11.3 or later; pip install -U pillow")
    if format == "HEIF" and "HEIF" not in Image.OPEN:
        if importlib.util.find_spec("pillow_heif") is None:
            raise ImageFileError("HEIC needs pillow-heif; pip install pillow-heif, or save it as JPEG or PNG")
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)


def refuse_loss(format: str, channels: int, is_deep: bool, icc_profile: bytes | None) -> None:
    """Refuse what would change how a picture looks and has no place in a format.

    Args:
        format: What it is to be written in.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
        is_deep: Whether it has 16 bits a channel.
        icc_profile: Its color profile.

    Raises:
        ImageFileError: The format cannot hold the picture; without path.
    """
    has_alpha = channels in (2, 4)
    if has_alpha and format in ("JPEG", "BMP"):
        raise ImageFileError(f"{format} cannot hold its transparency; {WAY_OUT}")
    if is_deep and format not in ("PNG", "TIFF"):
        raise ImageFileError(f"{format} cannot hold its 16 bits a channel; {WAY_OUT}")
    if is_deep and channels == 2 and format == "TIFF":
        raise ImageFileError(f"few programs read 16-bit gray with alpha in TIFF; {WAY_OUT}")
    if icc_profile and (format == "BMP" or (format == "WEBP" and is_of_gray(icc_profile))):  # WebP is never gray
        raise ImageFileError(f"{format} cannot hold its color profile; {WAY_OUT}")


def is_of_gray(icc_profile: bytes | None) -> bool:
    """Whether there is a color profile, and of gray pictures."""
    return icc_profile is not None and icc_profile[16:20] == b"GRAY"  # the color space in its header
