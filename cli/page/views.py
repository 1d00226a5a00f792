"""What a browser is given of images: 8 bits in sRGB, upright, reduced or cut out; and all results in one archive."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from PIL import Image, ImageCms

from agerestore.images.photo import Photo
from agerestore.images.pixels import in_8_bits, shrink_to

from .store import Output

QUALITY = 92  # of previews
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of ZIP: the same results are the same bytes


def preview(photo: Photo, side: int) -> tuple[bytes, str]:
    """An image of at most `side` pixels a side, JPEG or, with transparency, WebP: its bytes and media type."""
    alpha = None if photo.alpha is None else shrink_to(photo.alpha[..., None], side)[..., 0]
    small = replace(photo, pixels=shrink_to(photo.pixels, side), alpha=alpha)
    shown, file = _in_srgb(small), io.BytesIO()
    if small.alpha is None:
        shown.save(file, "JPEG", quality=QUALITY, subsampling=0)
        return file.getvalue(), "image/jpeg"
    shown.save(file, "WEBP", quality=QUALITY, method=2)
    return file.getvalue(), "image/webp"


def crop(photo: Photo, x: int, y: int, width: int, height: int) -> bytes:
    """A part of an image at its own size, as PNG."""
    part = slice(y, y + height), slice(x, x + width)
    alpha, file = None if photo.alpha is None else photo.alpha[part], io.BytesIO()
    _in_srgb(replace(photo, pixels=photo.pixels[part], alpha=alpha)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _in_srgb(photo: Photo) -> Image.Image:
    photo = photo.in_srgb_gray()
    pixels, profile = in_8_bits(photo.pixels), photo.metadata.icc_profile
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if profile is not None and image.mode == "RGB":
        with suppress(ImageCms.PyCMSError, OSError):  # a broken profile, which nothing else uses either
            source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(in_8_bits(photo.alpha)))
    return image


class _Written(io.BytesIO):
    """What was written and not taken yet; without a place for zipfile, as the beginning is gone."""

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def take(self) -> bytes:
        taken = self.getvalue()
        self.seek(0)
        self.truncate()
        return taken


def archive(outputs: Sequence[Output]) -> Iterator[bytes]:
    """A ZIP of files, one at a time; not compressed, as they are, and without those that are gone from the disk."""
    written, used = _Written(), set[str]()
    with zipfile.ZipFile(written, "w") as file:
        for output in outputs:
            with suppress(OSError):
                data, name = output.read(), _unused(output.name, used)
                file.writestr(zipfile.ZipInfo(name, EPOCH), data)
                yield written.take()
    yield written.take()


def _unused(name: str, used: set[str]) -> str:
    path, number, free = PurePosixPath(name), 1, name
    while free in used:
        number += 1
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    used.add(free)
    return free
