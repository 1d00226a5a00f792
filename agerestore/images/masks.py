"""Masks of missing pixels, of any type and dtype, and as image files hold them."""

from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from agerestore.errors import ImageFileError, UsageError
from agerestore.images import io
from agerestore.images.formats import decode as decoding
from agerestore.images.orientation import SIDEWAYS, upright
from agerestore.images.photo import Mask, Photo

TURNED = "the mask fits the image as it is stored, not as it is shown: it was turned with the image"
ONE_COLOR = 0.25  # of the largest value; how far the samples of one color are apart in a lossy file


class GivenMask(NamedTuple):
    """The mask of images.

    Attributes:
        missing: (B, 1, H, W) bool, on the device of the images; None where no mask was given.
        turned: Whether it was drawn on the image as it is stored, and turned with it.
    """

    missing: Tensor | None = None
    turned: bool = False


def read_mask(mask: Any, images: Tensor, orientation: int | None = None) -> GivenMask:
    """Read a mask of any type and dtype: every pixel that is not 0 (in any channel) is missing.

    A float mask is not a weight: 0.2 is as missing as 1. The numbers of a palette are not read. For transparent parts
    see `missing_in`.

    Args:
        mask: Array (H, W) or (H, W, C), Pillow image, tensor (H, W), (1, H, W) or (B, 1, H, W), `Photo` or path (see
            `missing_in`). One of the size of the image as it is stored is turned with it.
        images: (B, C, H, W), the images it belongs to.
        orientation: The EXIF orientation that the image was turned upright by; None without one.

    Raises:
        UsageError: It has another size or number than the images, holds NaN, or is not understood.
    """
    if mask is None:
        return GivenMask()
    size = tuple(images.shape[-2:])
    missing = _missing(mask, size)
    turned = fits_as_stored(missing.shape[-2:], size, orientation)
    if turned:
        missing = np.stack([upright(each, orientation) for each in missing])
    elif missing.shape[-2:] != size:
        sizes = f"{_size(missing.shape)}, the image {_size(size)}"
        raise UsageError(f"the mask is {sizes} pixels; give a mask of the image's size")
    if len(missing) not in (1, len(images)):
        raise UsageError(f"there are {len(missing)} masks and {len(images)} images; give one mask for all, or for each")
    found = torch.from_numpy(np.ascontiguousarray(missing))[:, None].to(images.device)
    return GivenMask(found.expand(len(images), -1, -1, -1), turned)


def fits_as_stored(
    mask: tuple[int, ...], image: tuple[int, ...], orientation: int | None, scaled: bool = False
) -> bool:
    """Whether a mask fits an image only as that is stored, on its side.

    Args:
        mask: (h, w).
        image: (H, W) of the upright image.
        orientation: That the image was stored in.
        scaled: Whether the mask may be smaller or larger, of the same proportions.
    """
    if orientation not in SIDEWAYS or len(mask) != 2 or mask == image or mask == (1, 1):
        return False
    if not scaled:
        return mask == image[::-1]
    return _are_alike(mask, image[::-1]) and not _are_alike(mask, image)


def _are_alike(mask: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Whether two sizes have the same proportions, as far as whole pixels can have them."""
    return abs(mask[0] * image[1] - mask[1] * image[0]) <= max(image)


def _missing(mask: Any, size: tuple[int, ...]) -> Mask:
    """The missing pixels (N, h, w) of a mask of any type for images of a size (H, W).

    Raises:
        UsageError: It is not understood, or holds NaN.
    """
    if isinstance(mask, str | PathLike):
        mask = io.read(Path(mask))
    if isinstance(mask, Image.Image) and mask.mode not in ("I", "F"):
        mask = Photo.of_samples(*decoding.of_pillow(mask))
    try:
        if isinstance(mask, Photo):
            return missing_in(mask)[None]
        values = _array(mask)
        if values.ndim == 3 and values.shape[2] in (1, 2, 3, 4) and values.shape[1:] != size:  # (h, w, C)
            return _missing_in_samples(values, values != 0)[None]
    except ImageFileError as error:
        raise UsageError(str(error)) from None
    if values.ndim < 2 or values.size == 0:
        raise UsageError(f"a mask of shape {list(values.shape)} is not understood; give one (H, W) of the image's size")
    missing: Mask = values != 0
    return missing.reshape(-1, *values.shape[-2:])


def _array(mask: Any) -> NDArray[Any]:
    """A mask as an array.

    Raises:
        UsageError: It is none, or holds NaN.
    """
    if isinstance(mask, Tensor):
        if mask.layout != torch.strided or mask.is_meta:
            raise UsageError("a mask without values in memory is not understood; convert it to a dense tensor")
        mask = mask.detach().cpu()
        mask = mask.float() if mask.dtype == torch.bfloat16 else mask
    try:
        values = np.asarray(mask)
    except ValueError:  # lists of different lengths
        values = np.asarray(mask, dtype=object)
    if values.dtype.kind not in "buif":
        raise UsageError(f"a mask of {values.dtype} is not understood; give one of bool, True where a pixel is missing")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise UsageError("the mask holds NaN; give 0 where a pixel is known and 1 where it is missing")
    return values


def missing_in(mask: Photo) -> Mask:
    """Read the mask of an image file: every pixel that is not black in all channels is missing.

    Lossy files (JPEG, also in a TIFF; lossy WebP, AVIF, HEIC) do not store black exactly: in them, pixels are missing
    that have at least half the full brightness in any channel. Where strokes of one color that is not black stand on a
    transparent ground, the strokes are missing.

    Returns:
        (H, W) bool, True where missing.

    Raises:
        ImageFileError: The mask has other transparent parts, which could mean either.
    """
    threshold = (mask.peak + 1) // 2 if mask.metadata.lossy else 1
    samples = mask.samples()
    return _missing_in_samples(samples, samples >= threshold)


def as_photo(missing: Mask) -> Photo:
    """The image of a mask (H, W) bool, (H, W, 1) uint8: white where pixels are missing, black elsewhere."""
    return Photo(np.where(missing, 255, 0).astype(np.uint8)[..., None])


def _missing_in_samples(samples: NDArray[Any], bright: NDArray[np.bool_]) -> Mask:
    """The missing pixels (H, W) of samples (H, W, 1 to 4), of which the second and the fourth is alpha.

    Args:
        samples: of any dtype.
        bright: whether each sample is not black.
    """
    channels = samples.shape[2] - (samples.shape[2] in (2, 4))
    missing: Mask = np.asarray(bright[..., :channels].any(axis=2))
    if channels == samples.shape[2]:
        return missing
    alpha = samples[..., -1]
    if alpha.any() and alpha.min() == alpha.max():  # equally opaque everywhere, which says nothing
        return missing
    visible = alpha.astype(np.bool_)
    strokes = samples[visible][:, :channels].astype(np.float64)
    if len(strokes) and missing[visible].all() and np.ptp(strokes, axis=0).max() <= ONE_COLOR * strokes.max():
        return visible
    raise ImageFileError("this mask has transparent parts; save it without alpha, white where pixels are missing")


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape[-2:][::-1])
