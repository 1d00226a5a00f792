"""Pictures in and out: a file becomes a `Photo` and a `Photo` a file, and nothing of it is lost on the way.

Upright pixels at the file's own depth, gray that stays gray, alpha, color profile, EXIF, IPTC, XMP and
resolution are kept. What would change how the picture looks and has no place in the chosen format (alpha, 16 bits, a
color profile) is refused, not dropped. A file appears whole or not at all.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agerestore import files
from agerestore.errors import ImageFileError, UnreadableError
from agerestore.files import printable
from agerestore.images.formats import catalog, codec, lossy
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.formats.lossless import Samples
from agerestore.images.formats.metadata import Metadata
from agerestore.images.observation import Observation
from agerestore.images.pixels import in_8_bits

__all__ = [
    "SUFFIXES",
    "Mask",
    "Metadata",
    "Photo",
    "as_new",
    "contents",
    "decode",
    "encode",
    "is_picture",
    "part",
    "read",
    "read_pixels",
    "refuse_unfit",
    "replace_pixels",
    "to_observation",
    "to_tensor",
    "with_pixels",
    "write",
]

Mask = NDArray[np.bool_]  # (H, W), True where a pixel is unknown


@dataclass(frozen=True)
class Photo:
    """One upright picture.

    Attributes:
        pixels: (H, W, C) uint8 or uint16, C = 1 gray or 3 RGB.
        alpha: (H, W), of the same type, 0 where transparent; None when there is none.
        metadata: What the file says beside.
    """

    pixels: Samples
    alpha: Samples | None = None
    metadata: Metadata = field(default_factory=Metadata)


def is_picture(path: Path) -> bool:
    """Whether the name ends like that of a picture this package reads and writes."""
    return path.suffix.lower() in SUFFIXES


def read(path: Path) -> Photo:
    """Read a PNG, JPEG, TIFF, WebP, BMP, AVIF or HEIC; what it is decides its content, not its name.

    Pixels are turned upright (the EXIF orientation then says so); palettes and transparent colors become
    plain pixels and alpha; 1-bit becomes gray 0 and 255; CMYK and Lab become sRGB, through the file's CMYK
    profile where it has one.

    Raises:
        UnreadableError: Missing, empty, damaged, no picture, animated or of several pages, larger than
            250 megapixels, or of a depth other than 1, 2, 4, 8 or 16 bits a channel; HEIC without pillow-heif.
    """
    return decode(contents(path), path)


def contents(path: Path) -> bytes:
    """Read the whole of a picture file, undecoded.

    Raises:
        UnreadableError: Missing, a folder or a device, or not permitted.
    """
    try:
        if path.exists() and not path.is_file():
            raise UnreadableError(f"{printable(path)}: a folder or device; give a picture file")
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"cannot be read ({reason}); check its name and permissions"
        raise UnreadableError(f"{printable(path)}: {what}") from error


def decode(data: bytes, path: Path, large: bool = False) -> Photo:
    """Make a picture of the contents of a file; see `read`.

    Args:
        data: The whole file.
        path: What messages are to call it.
        large: Take a picture of more than 250 megapixels, too.

    Raises:
        UnreadableError: See `read`.
    """
    try:
        samples, metadata = codec.decode(data, large)
    except ImageFileError as refusal:
        raise UnreadableError(f"{printable(path)}: {refusal}") from None
    except MemoryError:
        raise
    except Exception as error:  # on damaged files decoders raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        what = f"cannot be decoded ({reason}); the file is damaged, fetch it again from its source"
        raise UnreadableError(f"{printable(path)}: {what}") from error
    channels = samples.shape[2]
    if channels in (1, 3):
        return Photo(samples, None, metadata)
    return Photo(np.ascontiguousarray(samples[..., :-1]), np.ascontiguousarray(samples[..., -1]), metadata)


def read_pixels(path: Path) -> Samples:
    """Read the pixels of any format that Pillow reads, upright, as (H, W, 1 or 3) uint8; frames but the first are left.

    Raises:
        UnreadableError: Missing, damaged or no picture.
    """
    try:
        pixels = read(path).pixels
    except UnreadableError as refusal:
        try:
            return codec.decode_pixels(path.read_bytes())
        except Exception:  # on damaged files decoders raise anything
            raise refusal from None
    return in_8_bits(pixels)


def write(path: Path, photo: Photo, *, overwrite: bool = False, quality: int | None = None) -> None:
    """Write a picture in the format its name ends in; missing folders are made.

    PNG, TIFF and WebP keep the pixels exactly (WebP not if the picture came from a lossy one: quality 95);
    JPEG has the quality of the JPEG the picture came from, else 95, and no coarser a chroma subsampling; AVIF
    and HEIC have 90 without subsampling. BMP has no place for EXIF and XMP, WebP, AVIF and HEIC none for IPTC
    and the resolution, and WebP stores gray as RGB. The file is written under another name in the same folder
    and takes its own when complete: neither a full disk nor an interruption leaves half a file or harms an
    older one.

    Args:
        path: The file.
        photo: The picture.
        overwrite: Whether an older file may be replaced.
        quality: 1 to 100, instead of what is said above; WebP is then lossy. PNG, TIFF and BMP have none.

    Raises:
        ImageFileError: The file exists and `overwrite` is false; the format cannot hold the picture; the
            disk is full or the folder not writable.
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
    """Return the contents of a file of the format that an ending such as ".png" names; see `write`.

    Args:
        photo: The picture.
        suffix: The ending; None for the format that the picture came in.
        quality: See `write`.

    Raises:
        ImageFileError: No ending of a picture, or the format cannot hold the picture; without path.
    """
    format = _format(photo, suffix)
    if photo.alpha is None or not _needs_alpha(photo, format):
        return codec.encode(photo.pixels, photo.metadata, format, quality)
    return codec.encode(np.dstack([photo.pixels, photo.alpha]), photo.metadata, format, quality)


def refuse_unfit(photo: Photo, suffix: str | None) -> None:
    """Refuse, before any work is spent on it, a picture of a kind that `encode` would refuse.

    Args:
        photo: The picture.
        suffix: See `encode`.

    Raises:
        ImageFileError: No ending of a picture, or the format cannot hold the picture; without path.
    """
    format = _format(photo, suffix)
    channels = photo.pixels.shape[2] + _needs_alpha(photo, format)
    catalog.refuse_loss(format, channels, photo.pixels.dtype == np.uint16, photo.metadata.icc_profile)


def part(photo: Photo, rows: slice, columns: slice) -> Photo:
    """The pixels of a rectangle, not copied; without alpha."""
    return Photo(photo.pixels[rows, columns], None, photo.metadata)


def as_new(photo: Photo) -> Photo:
    """The photo as one that was never compressed hard: a JPEG of it does not lose again what was restored."""
    tables = lossy.finer(photo.metadata.jpeg_tables)
    return replace(photo, metadata=replace(photo.metadata, jpeg_tables=tables))


def replace_pixels(photo: Photo, pixels: Samples) -> Photo:
    """Return the photo with new pixels (H, W, C) of its size, depth and channels; alpha and metadata stay."""
    if (pixels.shape, pixels.dtype) != (photo.pixels.shape, photo.pixels.dtype):
        raise ValueError(f"pixels of shape {pixels.shape} and {pixels.dtype} for those of {photo.pixels.shape}")
    return replace(photo, pixels=pixels)


def to_tensor(photo: Photo) -> Tensor:
    """Return the pixels as (1, C, H, W) float32 in [0, 1], without alpha."""
    scaled = photo.pixels.astype(np.float32) / np.float32(_peak(photo))
    return torch.from_numpy(scaled).permute(2, 0, 1)[None].contiguous()


def to_observation(photo: Photo, unknown: Mask | None) -> Observation:
    """The picture (1, C, H, W) in [0, 1], and 1 where it is unknown."""
    mask = None if unknown is None else torch.from_numpy(np.ascontiguousarray(unknown))[None, None].float()
    return Observation(to_tensor(photo), mask)


def with_pixels(photo: Photo, image: Tensor, unknown: Mask | None = None) -> Photo:
    """Return the photo with new pixels, clipped and rounded to its depth; alpha and metadata stay.

    Args:
        photo: The picture that was restored.
        image: (1, C, H, W) or (C, H, W) in [0, 1], on any device, of the photo's size and channels.
        unknown: (H, W) bool; where given, every pixel outside it stays bit-exact.

    Raises:
        ValueError: Another shape, or numbers that are not finite.
    """
    height, width, channels = photo.pixels.shape
    if tuple(image.shape) not in ((1, channels, height, width), (channels, height, width)):
        raise ValueError(f"an image of shape {tuple(image.shape)} for pixels of shape {photo.pixels.shape}")
    values = image.detach().reshape(channels, height, width).to("cpu", torch.float32)
    if not torch.stack(values.aminmax()).isfinite().all():  # sooner than to ask each number
        raise ValueError("the new pixels hold numbers that are not finite")
    rounded = (values.clamp(0, 1) * _peak(photo)).round().permute(1, 2, 0).numpy().astype(photo.pixels.dtype)
    if unknown is not None:
        if unknown.shape != (height, width):
            raise ValueError(f"a mask of shape {unknown.shape} for pixels of shape {photo.pixels.shape}")
        rounded = np.where(unknown[..., None], rounded, photo.pixels)
    return replace(photo, pixels=np.ascontiguousarray(rounded))


def _peak(photo: Photo) -> int:
    return int(np.iinfo(photo.pixels.dtype).max)


def _format(photo: Photo, suffix: str | None) -> str:
    return photo.metadata.format if suffix is None else catalog.of_suffix(suffix)


def _needs_alpha(photo: Photo, format: str) -> bool:
    return photo.alpha is not None and not (format in ("JPEG", "BMP") and _is_opaque(photo))


def _is_opaque(photo: Photo) -> bool:
    return photo.alpha is None or bool((photo.alpha == _peak(photo)).all())
