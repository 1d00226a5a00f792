"""The types of images: NumPy array, Pillow image, torch tensor, `Photo` and path; each comes back as it came.

Integers keep their depth. Floats are images in [0, 1]; noise may leave that range, other ranges are refused.
"""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.images.masks import read_mask
from agerestore.images.photo import Photo
from agerestore.images.pillow_images import like_pillow, photo_of_pillow
from agerestore.images.raster import Change, Raster

AnyPath = str | PathLike[str]
ImageLike = NDArray[Any] | Tensor | Image.Image | Photo | AnyPath
I = TypeVar("I", NDArray[Any], Tensor, Image.Image, Photo)  # noqa: E741  # an image, which comes back as it came

BLOCK = 8  # pixels a side of the squares whose means noise hardly moves
STRIP = 512  # rows that are checked at once
FARTHEST = 3.0  # how far outside [0, 1] noise may lead a pixel: six standard deviations of 128 gray levels


def open_image(image: ImageLike, mask: Any = None) -> Raster:
    """View an image, and the mask of its missing pixels, as a `Raster`.

    Args:
        image: NumPy array (H, W) or (H, W, C) with C of 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha); Pillow
            image; tensor (H, W), (C, H, W) or (B, C, H, W) with C of 1 or 3; `Photo`; or the path of a file, which
            is read as an array and comes back as one. Any strides and byte order.
            uint8 and uint16 span 0 to 255 and 0 to 65535; other integers span 0 to 255 if no value is larger, else 0
            to 65535; bool and float span 0 to 1.
        mask: See `agerestore.images.masks.read_mask`.

    Raises:
        UsageError: Another type, shape or dtype; float values beyond [0, 1] by more than noise explains; NaN or
            infinite values that are not masked.
        UnreadableError: The file cannot be read.
    """
    return _checked(_view(image), mask)


def open_to_color(image: ImageLike) -> Raster:
    """`open_image`, of an image that becomes RGB: a color profile for gray is applied to the pixels, and goes."""
    photo = io.read(Path(image)) if isinstance(image, str | PathLike) else image
    photo = photo_of_pillow(photo) if isinstance(photo, Image.Image) else photo
    if not isinstance(photo, Photo):
        return open_image(image)
    shown = photo.in_srgb_gray()
    if isinstance(image, Photo):
        return _checked(_view_photo(shown))
    return _checked(_view_pillow(image, shown) if isinstance(image, Image.Image) else _view_file(shown))


def _checked(raster: Raster, mask: Any = None) -> Raster:
    """A raster with its mask; values in another range are refused."""
    given = read_mask(mask, raster.values, raster.orientation)
    raster = replace(raster, mask=given.missing, mask_turned=given.turned)
    if raster.values.is_floating_point():
        _refuse_other_ranges(raster)
    return raster


def _view(image: ImageLike) -> Raster:
    if isinstance(image, str | PathLike):
        return _view_file(io.read(Path(image)))
    if isinstance(image, Photo):
        return _view_photo(image)
    if isinstance(image, Tensor):
        return _view_tensor(image)
    if isinstance(image, np.ndarray):
        return _view_array(image)
    if isinstance(image, Image.Image):
        return _view_pillow(image, photo_of_pillow(image))
    raise UsageError(f"an image must be a NumPy array, a Pillow image, a tensor or a path, not {type(image).__name__}")


def open_one(image: ImageLike) -> Raster:
    """`open_image`, of one image.

    Raises:
        UsageError: The image is not understood, or a batch.
        UnreadableError: The file cannot be read.
    """
    raster = open_image(image)
    if len(raster.values) > 1:
        raise UsageError(f"this is a batch of {len(raster.values)} images; give one")
    return raster


def to_photo(image: ImageLike) -> Photo:
    """Make a `Photo` of one image of any type; floats and integers of other dtypes become 16 bits.

    Raises:
        UsageError: The image is not understood, or a batch.
    """
    if isinstance(image, str | PathLike):
        return io.read(Path(image))
    if isinstance(image, Photo):
        return image
    if isinstance(image, Image.Image):
        return photo_of_pillow(image)
    raster = open_one(image)
    pixels = raster.pixels()
    if pixels.dtype not in (np.uint8, np.uint16):
        pixels = (pixels.astype(np.float64) * (65535 / raster.peak)).clip(0, 65535).round().astype(np.uint16)
    alpha = raster.alpha if raster.alpha is not None and raster.alpha.dtype == pixels.dtype else None
    return Photo(np.ascontiguousarray(pixels), alpha)


# ------------------------------------------------------------------------------------------------ range


def _peak(values: Tensor) -> float:
    """The value of white."""
    if values.dtype == torch.bool or values.is_floating_point():
        return 1.0
    if values.dtype in (torch.uint8, torch.uint16):
        return 255.0 if values.dtype == torch.uint8 else 65535.0
    low, high = (int(end) for end in values.aminmax())
    if low < 0 or high > 65535:
        raise UsageError(
            f"an integer image must lie in 0 to 255 or 0 to 65535, and this one goes from {low} to {high}; "
            "convert it to uint8, uint16 or float in [0, 1]"
        )
    return 255.0 if high <= 255 else 65535.0


def _refuse_other_ranges(raster: Raster) -> None:
    """Refuse float images that are not in [0, 1] but for noise.

    Noise averages out: the mean of a block of n pixels stays within 3 / sqrt(n) of [0, 1] up to standard deviations of
    128 gray levels. An image in 0 to 255, in [-1, 1] or with mean 0 and variance 1 does not, nor are whole numbers
    above 1 noise.
    """
    lows: list[float] = []
    highs: list[float] = []
    whole, shifted = True, False
    for top in range(0, raster.size[0], STRIP):
        rows = slice(top, top + STRIP)
        strip = raster.values[:, :, rows].float()
        if raster.mask is not None:
            strip = strip.masked_fill(raster.mask[:, :, rows], 0.5)
        low, high = (float(end) for end in strip.aminmax())
        lows, highs = [*lows, low], [*highs, high]
        whole = whole and bool((strip == strip.round()).all())
        shifted = shifted or _is_shifted(strip)
    low, high = min(lows), max(highs)
    if not np.isfinite([*lows, *highs]).all():
        raise UsageError("the image holds NaN or infinite values; replace them, or mark those pixels in the mask")
    if shifted or low < -FARTHEST or high > 1 + FARTHEST or (whole and high > 1):
        raise UsageError(
            f"a float image must be in [0, 1], and this one goes from {low:.3g} to {high:.3g}; scale it to [0, 1] "
            "(divide values of 0 to 255 by 255), or convert it to uint8"
        )


def _is_shifted(strip: Tensor) -> bool:
    """Whether means of blocks are farther from [0, 1] than those of noise are."""
    sides = (min(BLOCK, strip.shape[2]), min(BLOCK, strip.shape[3]))
    margin = FARTHEST / (sides[0] * sides[1]) ** 0.5
    low, high = F.avg_pool2d(strip, sides).aminmax()
    return bool(low < -margin) or bool(high > 1 + margin)


# ------------------------------------------------------------------------------------------------ types


def _view_tensor(image: Tensor) -> Raster:
    if not 2 <= image.dim() <= 4 or (image.dim() > 2 and image.shape[-3] not in (1, 3)) or 0 in image.shape:
        shape = list(image.shape)
        raise UsageError(f"a tensor must be (H, W), (C, H, W) or (B, C, H, W) with C of 1 or 3, not {shape}")
    if image.layout != torch.strided or image.is_meta:
        raise UsageError("a tensor without values in memory is not understood; convert it to a dense one")
    if image.is_complex() or image.dtype in (torch.uint32, torch.uint64):
        raise UsageError(f"a tensor of {image.dtype} is not understood; convert it to uint8, uint16 or float in [0, 1]")
    values = image.detach()[(None,) * (4 - image.dim())]

    def to_original(new: Tensor, change: Change) -> Tensor:
        colored = new.shape[1] != values.shape[1]
        return new.reshape((*image.shape[:-3], *new.shape[1:]) if colored else image.shape)

    def map_to_original(new: Tensor) -> Tensor:
        return new.to(image.device).reshape(*image.shape[:-3], *(1,) * (image.dim() > 2), *image.shape[-2:])

    return Raster(values, _peak(values), to_original=to_original, map_to_original=map_to_original)


def _view_array(image: NDArray[Any]) -> Raster:
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise UsageError(f"an array must be (H, W) or (H, W, C) with C of 1 to 4, not {list(image.shape)}")
    if image.dtype.kind not in "buif":
        raise UsageError(f"an array of {image.dtype} is not understood; convert it to uint8, uint16 or float in [0, 1]")
    whole = _as_torch_takes_it(image if image.ndim == 3 else image[:, :, None])
    channels = whole.shape[2] - (whole.shape[2] in (2, 4))
    values, alpha = _values(whole[:, :, :channels]), whole[:, :, -1] if channels < whole.shape[2] else None

    def to_original(new: Tensor, change: Change) -> NDArray[Any]:
        pixels = new[0].permute(1, 2, 0).cpu().numpy()
        if alpha is not None:
            pixels = np.concatenate([pixels, alpha[:, :, None]], axis=2)
        if pixels.shape[2] == whole.shape[2]:
            pixels = pixels.reshape(image.shape)
        return np.ascontiguousarray(pixels.astype(image.dtype, copy=False))

    return Raster(values, _peak(values), alpha=alpha, to_original=to_original, map_to_original=_plane)


def _as_torch_takes_it(image: NDArray[Any]) -> NDArray[Any]:
    """The same array where torch can view it: native byte order, no negative strides, a dtype it has, writable."""
    dtype = image.dtype.newbyteorder("=")
    if dtype.kind == "u" and dtype.itemsize > 2:
        dtype = np.dtype(np.int64)
    elif dtype.kind == "f" and dtype.itemsize > 8:
        dtype = np.dtype(np.float64)
    plain = image.dtype == dtype and image.flags.writeable and min(image.strides) >= 0
    return image if plain else np.array(image, dtype=dtype, order="C")


def _values(pixels: NDArray[Any]) -> Tensor:
    """(H, W, C) -> (1, C, H, W), a view."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def _plane(new: Tensor) -> NDArray[Any]:
    """(1, 1, H, W) -> array (H, W)."""
    plane: NDArray[Any] = new[0, 0].cpu().numpy()
    return plane


def _view_pillow(image: Image.Image, photo: Photo) -> Raster:
    raster = _view_photo(photo)

    def to_original(new: Tensor, change: Change) -> Image.Image:
        return like_pillow(raster.to_original(new, change), image)

    return replace(raster, to_original=to_original)


def _view_file(photo: Photo) -> Raster:
    samples = photo.samples()
    raster = _view_array(samples[..., 0] if samples.shape[2] == 1 else samples)
    return replace(raster, orientation=photo.metadata.orientation)


def _view_photo(photo: Photo) -> Raster:
    values = _values(_as_torch_takes_it(photo.pixels))

    def to_original(new: Tensor, change: Change) -> Photo:
        pixels = np.ascontiguousarray(new[0].permute(1, 2, 0).numpy())
        if change == "colored":
            return photo.recolored(pixels)
        restored = photo.replace_pixels(pixels)
        return restored if change == "filled" else restored.with_default_quality()

    return Raster(
        values, float(photo.peak), alpha=photo.alpha, orientation=photo.metadata.orientation, to_original=to_original,
        map_to_original=_plane,
    )  # fmt: skip
