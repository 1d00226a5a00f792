"""What a picture is, what is wrong with it, and who can restore it; nothing is written.

The estimates and their measured errors are in `diagnosis`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms

from agerestore.analysis.blur import blur_sigma
from agerestore.analysis.color_mode import colors
from agerestore.analysis.jpeg import quality_of_pixels, quality_of_tables
from agerestore.analysis.noise import noise_sigma
from agerestore.analysis.scratches import line_share
from agerestore.batch.masks import read_mask
from agerestore.errors import OutOfDomainError
from agerestore.images import io
from agerestore.images.composite import push_pull
from agerestore.images.formats.exif import ORIENTATION
from agerestore.images.photo import Mask, Photo
from agerestore.images.pixels import Pixels, in_8_bits, on_8_bit_scale
from agerestore.inference.selection import select_model
from agerestore.models.weights import LoadedModel

NOISE_LIMIT = 4.0  # gray levels; the texture of clean photographs is taken for up to that
MUCH = 0.1  # of a picture unknown: then what was put there says how sharp it is
QUALITY_LIMIT = 75  # Pillow's own; above, a JPEG shows hardly any blocks
BLUR_LIMIT = 1.0  # pixels
LINE_LIMIT = 0.004  # of the pixels


@dataclass(frozen=True)
class Inspection:
    """What is known of a picture.

    Attributes:
        width, height: in pixels, upright.
        depth: bits a channel, 8 or 16.
        channels: 1 gray or 3 RGB, alpha not counted.
        alpha: whether there is any.
        format: of the file, such as "JPEG".
        profile: the name of the color profile; None without one.
        orientation: what the file's EXIF says, 1 to 8; None where it says nothing.
        colors: "gray", "sepia" or "color".
        noise_sigma: standard deviation, 0..255.
        jpeg_quality: 1 to 100 as libjpeg counts; None where there is no trace of a JPEG.
        jpeg_quality_from: "file", "pixels" or None.
        blur_sigma: pixels.
        line_share: share of the pixels in thin lines.
        mask: the mask of unknown pixels that lies beside.
        missing: share of the pixels that are unknown.
        model: the name of the model that restores such pictures; None if there is none.
    """

    width: int
    height: int
    depth: int
    channels: int
    alpha: bool
    format: str
    profile: str | None
    orientation: int | None
    colors: str
    noise_sigma: float | None
    jpeg_quality: int | None
    jpeg_quality_from: str | None
    blur_sigma: float | None
    line_share: float
    mask: Path | None
    missing: float
    model: str | None

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    @property
    def is_blurred(self) -> bool | None:
        """Whether edges are clearly softer than a sharp photograph's; None where that could not be measured."""
        return None if self.blur_sigma is None else self.blur_sigma >= BLUR_LIMIT

    @property
    def is_scratched(self) -> bool:
        """Whether there are more thin lines than in most photographs without scratches."""
        return self.line_share >= LINE_LIMIT

    @property
    def findings(self) -> list[str]:
        """What is wrong, a phrase each, for people."""
        found = []
        if (self.noise_sigma or 0) >= NOISE_LIMIT:
            found.append(f"noise of sigma {self.noise_sigma:.0f} (of 255)")
        if self.jpeg_quality is not None and self.jpeg_quality < QUALITY_LIMIT:
            found.append(f"compressed as JPEG of quality {self.jpeg_quality}")
        if self.is_blurred:
            found.append(f"blurred by {self.blur_sigma:.1f} pixels")
        if self.is_scratched:
            found.append(f"{self.line_share:.1%} of it in thin lines, perhaps scratches")
        if self.missing:
            found.append(f"{self.missing:.1%} of it unknown")
        return found


def inspect(path: Path, models: Mapping[str, LoadedModel], mask: Path | None = None) -> Inspection:
    """Look at a picture file.

    Args:
        path: the picture.
        models: who might restore it, by name.
        mask: the picture of its unknown pixels.

    Raises:
        ImageFileError: the picture or its mask cannot be read.
    """
    photo = io.read(path)
    unknown = None if mask is None else read_mask(mask, photo.pixels.shape[:2])
    pixels = on_8_bit_scale(photo.pixels)
    noise = noise_sigma(pixels, unknown)
    quality, source = _jpeg_quality(photo, pixels)
    missing = 0.0 if unknown is None else float(unknown.mean())
    if unknown is not None:
        pixels = _filled(photo, unknown)
    return Inspection(
        width=photo.pixels.shape[1],
        height=photo.pixels.shape[0],
        depth=8 * photo.pixels.itemsize,
        channels=photo.pixels.shape[2],
        alpha=photo.alpha is not None,
        format=photo.metadata.format,
        profile=_profile_name(photo.metadata.icc_profile),
        orientation=_orientation(path),
        colors=colors(pixels),
        noise_sigma=noise,
        jpeg_quality=quality,
        jpeg_quality_from=source,
        blur_sigma=None if missing > MUCH else blur_sigma(pixels, noise),
        line_share=line_share(pixels),
        mask=mask,
        missing=missing,
        model=_model_for(photo, unknown, models),
    )


def _filled(photo: Photo, unknown: Mask) -> Pixels:
    """The pixels, what is unknown of them continued from around it, so that it shows neither edges nor lines."""
    observed = photo.to_observation(unknown)
    filled = push_pull(observed.filled(), observed.known)
    return replace(photo, pixels=in_8_bits(photo.pixels)).with_pixels(filled, unknown).pixels


def _jpeg_quality(photo: Photo, pixels: Pixels) -> tuple[int | None, str | None]:
    if photo.metadata.jpeg_tables:
        return quality_of_tables(photo.metadata.jpeg_tables), "file"
    quality = quality_of_pixels(pixels)
    return quality, "pixels" if quality else None


def _profile_name(profile: bytes | None) -> str | None:
    if profile is None:
        return None
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip() or "unnamed"
    except (ImageCms.PyCMSError, OSError):  # the pixels are readable all the same
        return "unreadable"


def _orientation(path: Path) -> int | None:
    """What the file itself says: `imagefile.read` gives upright pixels and says so in their metadata."""
    try:
        with Image.open(path) as image:
            return image.getexif().get(ORIENTATION)
    except Exception:  # odd metadata; the picture has been read
        return None


def _model_for(photo: Photo, unknown: Mask | None, models: Mapping[str, LoadedModel]) -> str | None:
    """Name of the model that restores it with ``-m auto``."""
    try:
        if not models:
            return None
        return select_model(models, photo.pixels.shape[:2], partial(photo.to_observation, unknown)).model
    except OutOfDomainError:
        return None
