"""Pillow images as `Photo`, and back: what they hold besides their pixels stays."""

from PIL import Image

from agerestore.errors import UsageError
from agerestore.images.formats import decode as decoding
from agerestore.images.formats import exif
from agerestore.images.photo import Photo
from agerestore.images.pixels import in_8_bits

# Notes of a Pillow image that hold no more: a transparent color, which has become alpha; gamma and primaries, which
# have become a profile where they are not sRGB's; where other images are in its file; texts with the EXIF and XMP that
# it has besides.
STORED_OTHERWISE = (
    "transparency", "background", "gamma", "chromaticity", "mp", "mpoffset", "Raw profile type exif",
    "XML:com.adobe.xmp",
)  # fmt: skip


def photo_of_pillow(image: Image.Image) -> Photo:
    """Make a `Photo` of a Pillow image: upright, with its profile, EXIF, XMP and resolution.

    Raises:
        UsageError: A mode whose range is unknown, or Pillow cannot read it.
    """
    if image.mode in ("I", "F"):
        raise UsageError(f"a Pillow image of mode {image.mode} has no range of its own; convert it to L, I;16 or array")
    try:
        samples, metadata = decoding.of_pillow(image)
    except (OSError, ValueError, SyntaxError) as error:  # the file of an image that was opened lazily is damaged
        raise UsageError(f"the Pillow image cannot be read ({error}); its file is damaged or was closed") from None
    return Photo.of_samples(samples, metadata)


def like_pillow(photo: Photo, like: Image.Image) -> Image.Image:
    """Make a Pillow image with the notes of another; Pillow has no 16-bit colors, there they become 8 bits."""
    samples = photo.samples()
    if samples.shape[2] > 1:
        samples = in_8_bits(samples)
    made = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    metadata = photo.metadata
    block = exif.NAME + metadata.exif if metadata.exif else None
    stored = {"icc_profile": metadata.icc_profile, "exif": block, "xmp": metadata.xmp, "dpi": metadata.dpi}
    made.info = {name: value for name, value in like.info.items() if name not in (*STORED_OTHERWISE, *stored)}
    made.info |= {name: value for name, value in stored.items() if value is not None}
    return made
