"""Read and write image files without losing anything.

Pixels come upright at the file's own bit depth; gray stays gray; alpha, ICC profile, EXIF, IPTC, XMP and resolution
are kept. What changes how the image looks and has no place in the chosen format (alpha, 16 bits, an ICC profile) is
refused, not dropped. A file is written whole or not at all.
"""

import re
from pathlib import Path

import numpy as np

from agerestore import files
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import ImageFileError, UnreadableError
from agerestore.files import printable
from agerestore.images.formats import catalog
from agerestore.images.formats import decode as decoding
from agerestore.images.formats import encode as encoding
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.photo import Photo
from agerestore.images.pixels import Samples, in_8_bits

UNSUPPORTED = re.compile("unsupported|not supported|not implemented|unknown", re.IGNORECASE)  # words of decoders
LONGEST = 300  # characters of what is said of a file


def is_image_name(path: Path) -> bool:
    """Return whether the name has the suffix of a format this package reads and writes."""
    return path.suffix.lower() in SUFFIXES


def read(path: Path) -> Photo:
    """Read a PNG, JPEG, TIFF, WebP, BMP, AVIF or HEIC; the content decides which, not the name.

    Pixels are turned upright (the EXIF orientation is then 1); palettes and transparent colors become plain pixels
    and alpha; 1-bit becomes gray 0 and 255; CMYK and Lab become sRGB, through the file's CMYK profile where it has
    one.

    Raises:
        UnreadableError: Missing, empty, damaged, no image, animated or of several pages, larger than `MAX_PIXELS`,
            or of a depth other than 1, 2, 4, 8 or 16 bits per channel; HEIC without pillow-heif.
    """
    return decode(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read an image file whole, undecoded.

    Raises:
        UnreadableError: Missing, a folder or a device, or not permitted.
    """
    try:
        if path.exists() and not path.is_file():
            raise UnreadableError(
                f"{printable(path)}: a folder or device; give an image file, or a folder that may be listed"
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"cannot be read ({reason}); check its name and permissions"
        raise UnreadableError(f"{printable(path)}: {what}") from error


def read_size(path: Path) -> tuple[int, int]:
    """Read (width, height) from the header of a file, as they are stored; (0, 0) if it cannot be read."""
    try:
        if not path.is_file():  # to open a pipe would be to wait
            return (0, 0)
        with path.open("rb") as file:
            return decoding.decode_size(file)
    except Exception:  # on damaged files decoders raise anything
        return (0, 0)


def decode(data: bytes, path: Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Decode the bytes of an image file; see `read`.

    Args:
        data: The whole file.
        path: The name that messages give it.
        max_pixels: Larger images are refused.

    Raises:
        UnreadableError: See `read`.
    """
    try:
        samples, metadata = decoding.decode(data, max_pixels)
    except ImageFileError as refusal:
        raise UnreadableError(f"{printable(path)}: {_of_file(str(refusal))}") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files decoders raise anything
        raise UnreadableError(f"{printable(path)}: {_decoding_failed(error)}") from error
    return Photo.of_samples(samples, metadata)


def _decoding_failed(error: Exception) -> str:
    """Say what a decoder said; that the file is damaged only where nothing else can be meant."""
    reason = _of_file(str(error)) or type(error).__name__
    if UNSUPPORTED.search(reason):
        return f"of a kind that is not read ({reason}); save it as PNG or TIFF with a program that reads it"
    return f"cannot be decoded ({reason}); the file is damaged, fetch it again from its source"


def _of_file(text: str) -> str:
    """Return a message as one line without the control characters and long texts that a file may put into it."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


def read_pixels(path: Path) -> Samples:
    """Read pixels alone, as a white page shows them: upright, (H, W, 1 or 3) uint8, transparent ones white.

    Raises:
        UnreadableError: See `read`.
    """
    return in_8_bits(read(path).on_white())


def write(path: Path, photo: Photo, *, overwrite: bool = False, quality: int | None = None) -> None:
    """Write an image in the format of the name's suffix; missing folders are created.

    PNG, TIFF and WebP are lossless (WebP not if the image came from a lossy one: quality 95); JPEG takes the
    quantization tables of the JPEG the image came from, else quality 95, and no coarser a chroma subsampling; AVIF
    and HEIC have quality 90 without subsampling. BMP stores neither EXIF nor XMP, WebP, AVIF and HEIC neither IPTC
    nor the resolution, and WebP stores gray as RGB. The file is written under a temporary name in the same folder
    and renamed when complete: neither a full disk nor an interruption leaves half a file or harms an older one.

    Args:
        path: The file.
        photo: The image.
        overwrite: Whether an older file may be replaced.
        quality: 1 to 100, instead of the above; WebP is then lossy. Not used for PNG, TIFF and BMP.

    Raises:
        ImageFileError: The file exists and `overwrite` is false; the format cannot hold the image; the disk is full
            or the folder not writable.
    """
    with files.writing(path):
        if not overwrite:
            files.refuse_taken(path)
        temporary = files.stage(path, encode(photo, path.suffix, quality))
        try:
            files.publish(temporary, path, overwrite=overwrite)
        finally:
            temporary.unlink(missing_ok=True)


def encode(photo: Photo, suffix: str | None, quality: int | None = None) -> bytes:
    """Return the bytes of a file in the format of a suffix such as ".png"; see `write`.

    Args:
        photo: The image.
        suffix: The suffix; None for the format the image was read from.
        quality: See `write`.

    Raises:
        ImageFileError: No suffix of an image format, or the format cannot hold the image; without path.
    """
    format = _format(photo, suffix)
    if photo.alpha is None or not _needs_alpha(photo, format):
        return encoding.encode(photo.pixels, photo.metadata, format, quality)
    return encoding.encode(photo.samples(), photo.metadata, format, quality)


def refuse_unfit(photo: Photo, suffix: str | None) -> None:
    """Refuse, before any work is spent on it, an image that `encode` would refuse.

    Args:
        photo: The image.
        suffix: See `encode`.

    Raises:
        ImageFileError: No suffix of an image format, or the format cannot hold the image; without path.
    """
    format = _format(photo, suffix)
    channels = photo.pixels.shape[2] + _needs_alpha(photo, format)
    catalog.refuse_size(format, *photo.pixels.shape[:2])
    catalog.refuse_loss(format, channels, photo.pixels.dtype == np.uint16, photo.metadata)


def keeps_format(photo: Photo, suffix: str | None) -> bool:
    """Return whether a suffix is that of the format the image was read from: its file can then be copied."""
    return _format(photo, suffix) == photo.metadata.format


def lost_remarks(photo: Photo) -> list[str]:
    """Return what to say where the file of an image held more than its photograph, which a new file does not hold."""
    lost = photo.metadata.lost
    return [f"written without the {' and the '.join(lost)} that its file also holds"] if lost else []


def _format(photo: Photo, suffix: str | None) -> str:
    return photo.metadata.format if suffix is None else catalog.of_suffix(suffix)


def _needs_alpha(photo: Photo, format: str) -> bool:
    return photo.alpha is not None and not (format in ("JPEG", "BMP") and photo.is_opaque)
