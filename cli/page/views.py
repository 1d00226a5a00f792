"""What a browser is given of images: 8 bits in sRGB, upright, reduced or cut out; and all results in one archive."""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from PIL import Image, ImageCms
from starlette.responses import Response

from agerestore.images.photo import Mask, Photo
from agerestore.images.pixels import Samples, in_8_bits, shrink_to

from .store import Output

QUALITY = 92  # of previews
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of ZIP: the same results are the same bytes


def preview(photo: Photo, side: int) -> Response:
    """An image of at most `side` pixels a side, JPEG or, with transparency, WebP."""
    image = _in_srgb(photo, lambda samples: shrink_to(samples, side))
    if photo.alpha is None:
        return _response(image, "JPEG", quality=QUALITY, subsampling=0)
    return _response(image, "WEBP", quality=QUALITY, method=2)


def crop(photo: Photo, x: int, y: int, width: int, height: int) -> Response:
    """A part of an image at its own size, as PNG."""
    image = _in_srgb(photo, lambda samples: samples[y : y + height, x : x + width])
    return _response(image, "PNG", compress_level=1)


def mask_file(missing: Mask) -> bytes:
    """A mask (H, W) bool as PNG, white where pixels are missing."""
    return bytes(_response(Image.fromarray(missing).convert("L"), "PNG", compress_level=1).body)


def _response(image: Image.Image, format: str, **options: Any) -> Response:
    file = io.BytesIO()
    image.save(file, format, **options)
    return Response(file.getvalue(), media_type=Image.MIME[format])


def _in_srgb(photo: Photo, change: Callable[[Samples], Samples]) -> Image.Image:
    """An image as browsers show it, once `change` was made to its pixels and alpha, (H, W, S)."""
    photo = Photo.of_samples(change(photo.samples()), photo.metadata).in_srgb_gray()
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
