"""What a browser is shown of an image: 8 bits in sRGB, upright, reduced or cut out."""

import io
from dataclasses import replace

from PIL import Image, ImageCms

from agerestore.images.photo import Photo
from agerestore.images.pixels import in_8_bits, shrink_to

QUALITY = 92  # of previews


def preview(photo: Photo, side: int) -> tuple[bytes, str]:
    """An image of at most `side` pixels a side: its bytes and media type, JPEG or, with transparency, WebP."""
    small = replace(
        photo,
        pixels=shrink_to(photo.pixels, side),
        alpha=None if photo.alpha is None else shrink_to(photo.alpha[..., None], side)[..., 0],
    )
    shown, file = _in_srgb(small), io.BytesIO()
    if small.is_opaque:
        shown.convert("L" if shown.mode in ("L", "LA") else "RGB").save(file, "JPEG", quality=QUALITY, subsampling=0)
        return file.getvalue(), "image/jpeg"
    shown.save(file, "WEBP", quality=QUALITY, method=2)
    return file.getvalue(), "image/webp"


def crop(photo: Photo, x: int, y: int, width: int, height: int) -> bytes:
    """A part of an image at its own size, as PNG."""
    rows, columns = slice(max(y, 0), max(y + height, 1)), slice(max(x, 0), max(x + width, 1))
    part = replace(
        photo, pixels=photo.pixels[rows, columns], alpha=None if photo.alpha is None else photo.alpha[rows, columns]
    )
    file = io.BytesIO()
    _in_srgb(part).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _in_srgb(photo: Photo) -> Image.Image:
    """An image as Pillow's, of 8 bits, its colors those of sRGB."""
    photo = photo.in_srgb_gray()
    pixels = in_8_bits(photo.pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    profile = photo.metadata.icc_profile
    if profile is not None and image.mode == "RGB":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            image = converted or image
        except (ImageCms.PyCMSError, OSError):  # a broken profile, which browsers do not use either
            pass
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(in_8_bits(photo.alpha)))
    return image
