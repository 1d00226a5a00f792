"""`inspect`: measure what an image is and what is wrong with it."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from PIL import ImageCms

from agerestore.analysis.blur import blur_sigma
from agerestore.analysis.color_mode import color_mode
from agerestore.analysis.documents import recognize_document
from agerestore.analysis.fading import fading
from agerestore.analysis.grain import measure_grain
from agerestore.analysis.impulses import impulse_share, without_impulses
from agerestore.analysis.jpeg import quality_of_pixels, quality_of_tables
from agerestore.analysis.noise import noise_sigma
from agerestore.analysis.scratches import scratch_share
from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.images.arrays import open_image
from agerestore.images.composite import push_pull
from agerestore.images.photo import Mask, Photo
from agerestore.images.pixels import Pixels, in_8_bits, on_8_bit_scale
from agerestore.images.raster import WHOLE

# Limits from which a measurement counts as a defect; measured in docs/inspect.md.
NOISE_LIMIT = 4.0  # gray levels; the texture of clean photographs measures up to that
GRAIN_LIMIT, GRAIN_SIZE_LIMIT = 7.0, 0.53  # gray levels and pixels; finer noise is called noise
IMPULSE_LIMIT = 0.001  # fraction of the pixels
MOST_CLIPPED, NOISE_THAT_CLIPS = 0.02, 12.0  # fraction of the pixels that such noise, gray levels, makes black or white
FADED_LIMIT = 0.6  # log odds; from here on `tones` brings black and white back wholly
LEAST_FADED = 64  # pixels of the shorter side; smaller images need not have black and white
QUALITY_LIMIT = 75  # Pillow's default; above, a JPEG shows hardly any block artifacts
BLUR_LIMIT = 1.0  # pixels
SCRATCH_LIMIT = 0.004  # fraction of the pixels
MAX_MASKED_FOR_BLUR = 0.1  # fraction of the pixels; above, the sharpness of what fills the mask is measured


@dataclass(frozen=True)
class Report:
    """The measurements of one image.

    Attributes:
        width, height: Pixels, upright.
        depth: Bits per channel, 8 or 16.
        channels: 1 gray or 3 RGB, not counting alpha.
        alpha: Whether there is an alpha channel.
        format: Of the file, such as "JPEG".
        profile: Name of the ICC profile; None without one.
        orientation: EXIF orientation of the file, 1 to 8; None without one.
        document: "a document or drawing", or "a page with a photograph"; None for a photograph.
        color_mode: "gray", "sepia", "toned" in one other tone, or "color".
        faded: Whether black and white have come together.
        noise_sigma: Standard deviation of white noise, 0 to 255; None where it cannot be measured.
        grain_sigma: Standard deviation of the noise if it is correlated, 0 to 255; None where it cannot be told.
        grain_size: Standard deviation in pixels of the Gaussian that blurs white noise to it; None likewise.
        impulse_share: Fraction of the pixels in salt-and-pepper noise, 0 to 1.
        jpeg_quality: 1 to 100 on libjpeg's scale; None without a trace of JPEG compression.
        jpeg_quality_from: "file", "pixels" or None.
        blur_sigma: Standard deviation of the blur in pixels; None where it cannot be measured.
        scratch_share: Fraction of the pixels in thin lines, 0 to 1.
        missing: Fraction of the pixels that the mask marks, 0 to 1.
        model: Name of the model that restores such images; None if there is none, or none was given.
        defect_share: Fraction of the pixels in defects of a print, 0 to 1; None where none were looked for.
        defect_kinds: Their kinds, the most frequent first.
    """

    width: int
    height: int
    depth: int
    channels: int
    alpha: bool
    format: str
    profile: str | None
    orientation: int | None
    document: str | None
    color_mode: str
    faded: bool
    noise_sigma: float | None
    grain_sigma: float | None
    grain_size: float | None
    impulse_share: float
    jpeg_quality: int | None
    jpeg_quality_from: str | None
    blur_sigma: float | None
    scratch_share: float
    missing: float
    model: str | None
    defect_share: float | None = None
    defect_kinds: tuple[str, ...] = ()

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    @property
    def is_noisy(self) -> bool:
        """Whether there is more noise than the texture of clean photographs measures."""
        return (self.noise_sigma or 0) >= NOISE_LIMIT

    @property
    def is_grainy(self) -> bool:
        """Whether there is more and coarser noise than the texture of most clean photographs measures."""
        return (self.grain_sigma or 0) >= GRAIN_LIMIT and (self.grain_size or 0) >= GRAIN_SIZE_LIMIT

    @property
    def has_impulses(self) -> bool:
        """Whether there is more salt-and-pepper noise than in photographs by themselves."""
        return self.impulse_share >= IMPULSE_LIMIT

    @property
    def is_compressed(self) -> bool:
        """Whether it is a JPEG with visible block artifacts."""
        return self.jpeg_quality is not None and self.jpeg_quality < QUALITY_LIMIT

    @property
    def is_blurred(self) -> bool | None:
        """Whether edges are clearly softer than a sharp photograph's; None where blur cannot be measured."""
        return None if self.blur_sigma is None else self.blur_sigma >= BLUR_LIMIT

    @property
    def is_scratched(self) -> bool:
        """Whether there are more thin lines than in most photographs without scratches."""
        return self.scratch_share >= SCRATCH_LIMIT

    @property
    def needs_tones(self) -> bool:
        """Whether its black and white are to be brought back."""
        return self.faded and self.document is None

    @property
    def findings(self) -> list[str]:
        """The defects, a phrase each; of a document only what is missing."""
        found = [] if self.document else self._damages
        return [*found, f"{self.missing:.1%} of it missing"] if self.missing else found

    @property
    def _damages(self) -> list[str]:
        found = []
        if self.is_grainy:
            found.append(f"film grain of sigma {self.grain_sigma:.0f} (of 255)")
        elif self.is_noisy:
            found.append(f"noise of sigma {self.noise_sigma:.0f} (of 255)")
        if self.has_impulses:
            found.append(f"salt-and-pepper noise on {self.impulse_share:.1%} of it")
        if self.is_compressed:
            found.append(f"compressed as JPEG of quality {self.jpeg_quality}")
        if self.is_blurred:
            found.append(f"blurred by {self.blur_sigma:.1f} pixels")
        if self.defect_share:
            found.append(f"{self.defect_share:.1%} of it in defects: {', '.join(self.defect_kinds)}")
        elif self.is_scratched and self.defect_share is None:
            found.append(f"{self.scratch_share:.1%} of it in thin lines, perhaps scratches")
        if self.needs_tones:
            found.append("black and white have faded")
        return found


def inspect(image: Photo | Path | str, mask: Mask | None = None, *, model: str | None = None) -> Report:
    """Measure what an image is, and its noise, grain, JPEG quality, blur, scratches, colors and fading.

    Args:
        image: The image, or its file.
        mask: (H, W) bool, True where pixels are missing; nothing is measured there.
        model: Name of the model that restores it, for the report.

    Raises:
        UnreadableError: The file cannot be read.
        UsageError: The mask has another size than the image.
    """
    photo = image if isinstance(image, Photo) else io.read(Path(image))
    _check_size(photo, mask)
    pixels = on_8_bit_scale(photo.pixels)
    quality, source = _jpeg_quality(photo, pixels)
    missing = 0.0 if mask is None else float(mask.mean())
    filled = pixels if mask is None else _filled(photo, mask)
    page = recognize_document(filled)
    impulses, noisy = (0.0, pixels) if page else _without_impulses(pixels, filled)
    noise = noise_sigma(noisy, mask)
    grain = measure_grain(noisy, quality) if mask is None else None
    return Report(
        width=photo.pixels.shape[1],
        height=photo.pixels.shape[0],
        depth=8 * photo.pixels.itemsize,
        channels=photo.pixels.shape[2],
        alpha=photo.alpha is not None,
        format=photo.metadata.format,
        profile=profile_name(photo.metadata.icc_profile),
        orientation=photo.metadata.orientation,
        document=page.name if page else None,
        color_mode=color_mode(filled),
        faded=min(filled.shape[:2]) >= LEAST_FADED and fading(filled) >= FADED_LIMIT,
        noise_sigma=noise,
        grain_sigma=grain and grain.sigma,
        grain_size=grain and grain.size,
        impulse_share=impulses,
        jpeg_quality=quality,
        jpeg_quality_from=source,
        blur_sigma=None if missing > MAX_MASKED_FOR_BLUR else blur_sigma(filled, noise),
        scratch_share=scratch_share(filled),
        missing=missing,
        model=model,
    )


def has_removable_damage(photo: Photo) -> bool:
    """Whether `inspect` finds noise, grain, impulses or compression; the first that is found ends the search."""
    pixels = on_8_bit_scale(photo.pixels)
    if (noise_sigma(pixels) or 0) >= NOISE_LIMIT:  # impulses are noise, too
        return True
    quality, _ = _jpeg_quality(photo, pixels)
    if quality is not None and quality < QUALITY_LIMIT:
        return True
    grain = measure_grain(pixels, quality)
    if grain is not None and grain.sigma >= GRAIN_LIMIT and grain.size >= GRAIN_SIZE_LIMIT:
        return True
    return impulse_share(pixels) >= IMPULSE_LIMIT


def noise_level(pixels: Pixels) -> float:
    """Standard deviation of the noise, 0 to 255, apart from salt and pepper; 0 of an image too small to say.

    Args:
        pixels: (H, W, 1 or 3), uint8 or float32 from 0 to 255.
    """
    return noise_sigma(_without_impulses(pixels, pixels)[1]) or 0.0


def _without_impulses(pixels: Pixels, filled: Pixels) -> tuple[float, Pixels]:
    """Return the share of impulses, 0 where strong noise that is clipped has as many, and pixels without them."""
    share = impulse_share(filled)
    if share < IMPULSE_LIMIT:
        return share, pixels
    clean = without_impulses(pixels)
    is_clipped_noise = share < MOST_CLIPPED and (noise_sigma(clean) or 0.0) > NOISE_THAT_CLIPS
    return (0.0, pixels) if is_clipped_noise else (share, clean)


def _check_size(photo: Photo, mask: Mask | None) -> None:
    if mask is not None and mask.shape != photo.pixels.shape[:2]:
        (height, width), (rows, columns) = photo.pixels.shape[:2], mask.shape
        raise UsageError(f"a mask of {columns} x {rows} pixels for an image of {width} x {height}; make them one size")


def _filled(photo: Photo, mask: Mask) -> Pixels:
    """Return the pixels with a smooth fill under the mask, which shows neither edges nor lines."""
    observed = open_image(photo, mask).read(WHOLE, torch.device("cpu"))
    filled = open_image(Photo(in_8_bits(photo.pixels)), mask).copy()
    filled.write(WHOLE, push_pull(observed.filled(), observed.known), filled.mask)
    return filled.pixels()


def _jpeg_quality(photo: Photo, pixels: Pixels) -> tuple[int | None, str | None]:
    if photo.metadata.jpeg_tables:
        return quality_of_tables(photo.metadata.jpeg_tables), "file"
    quality = quality_of_pixels(pixels)
    return quality, "pixels" if quality else None


def profile_name(profile: bytes | None) -> str | None:
    """Return how an ICC profile calls itself; "unnamed" or "unreadable" where it does not, None without one."""
    if profile is None:
        return None
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip() or "unnamed"
    except (ImageCms.PyCMSError, OSError):  # a broken profile does not make the pixels unreadable
        return "unreadable"
