"""Masks of missing pixels, of any type and dtype, and as image files hold them."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from agerestore.errors import ImageFileError, UsageError
from agerestore.images import io
from agerestore.images.photo import Mask, Photo


def read_mask(mask: Any, images: Tensor) -> Tensor | None:
    """Read a mask of any type and dtype: every pixel that is not 0 (in any channel) is missing.

    A float mask is not a weight: 0.2 is as missing as 1. Alpha and the numbers of a palette are not read.

    Args:
        mask: Array (H, W) or (H, W, C), Pillow image, tensor (H, W), (1, H, W) or (B, 1, H, W), `Photo` or path (see
            `missing_in`).
        images: (B, C, H, W), the images it belongs to.

    Returns:
        (B, 1, H, W) bool, on the device of the images; None for None.

    Raises:
        UsageError: It has another size or number than the images, or holds NaN.
    """
    if mask is None:
        return None
    if isinstance(mask, str | PathLike):
        mask = io.read(Path(mask))
    if isinstance(mask, Photo):
        mask = missing_in(mask)
    if isinstance(mask, Image.Image) and mask.mode not in ("1", "L", "RGB"):
        mask = mask.convert("RGB")
    values = mask.detach() if isinstance(mask, Tensor) else np.asarray(mask)
    missing: Any = values != 0
    if bool(np.asarray(missing & (values != values)).any()):  # NaN
        raise UsageError("the mask holds NaN; give 0 where a pixel is known and 1 where it is missing")
    missing = missing if isinstance(missing, Tensor) else torch.from_numpy(np.ascontiguousarray(missing))
    if missing.dim() == 3 and missing.shape[2] in (1, 2, 3, 4) and tuple(missing.shape[:2]) == tuple(images.shape[2:]):
        missing = missing[:, :, :3].any(dim=2)  # (H, W, C), as arrays and Pillow have it
    if missing.dim() >= 2:
        missing = missing.reshape(-1, 1, *missing.shape[-2:])
    if tuple(missing.shape[-2:]) != tuple(images.shape[2:]):
        sizes = f"{_size(missing)}, the image {_size(images)}"
        raise UsageError(f"the mask is {sizes} pixels; give a mask of the image's size")
    if len(missing) not in (1, len(images)):
        raise UsageError(f"there are {len(missing)} masks and {len(images)} images; give one mask for all, or for each")
    found: Tensor = missing.to(images.device).expand(len(images), -1, -1, -1)
    return found


def missing_in(mask: Photo) -> Mask:
    """Read the mask of an image file: every pixel that is not black in all channels is missing.

    Lossy files (JPEG, lossy WebP) do not store black exactly: in them, pixels are missing that have at least half the
    full brightness in any channel.

    Returns:
        (H, W) bool, True where missing.

    Raises:
        ImageFileError: The mask has transparent parts, which could mean either.
    """
    if not mask.is_opaque:
        raise ImageFileError("this mask has transparent parts; save it without alpha, white where pixels are missing")
    threshold = (mask.peak + 1) // 2 if mask.metadata.lossy else 1
    missing: Mask = np.asarray((mask.pixels >= threshold).any(axis=2))
    return missing


def _size(values: Tensor) -> str:
    return "x".join(str(side) for side in tuple(values.shape)[-2:][::-1])
