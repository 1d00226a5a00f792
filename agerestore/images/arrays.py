"""The forms a picture takes in people's hands: NumPy, Pillow, torch; each is answered in kind.

A `Form` remembers what came in, so that the answer has its type, layout, depth, size and alpha.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from agerestore.errors import UsageError
from agerestore.images.pixels import in_8_bits

Picture = np.ndarray | Tensor | Image.Image

DEPTH = {"uint8": 255.0, "uint16": 65535.0, "float16": 1.0, "float32": 1.0, "float64": 1.0}


@dataclass(frozen=True)
class Form:
    """A picture as tensors, and the way back.

    Attributes:
        image: (B, 1 or 3, H, W) float32; integers scaled to [0, 1], floats taken as they are.
        back: makes a picture of the original form out of (restored (B, C, H, W), mask (B, 1, H, W) or None).
            Pixels outside the mask are copied from the original, bit for bit; without a mask none are. Where the
            original was gray the other one may have colors; Pillow has none of 16 bits, there they become 8.
    """

    image: Tensor
    back: Callable[[Tensor, Tensor | None], Any]


def read_form(picture: Picture) -> Form:
    """Take a picture apart.

    Args:
        picture: NumPy (H, W) or (H, W, C) with C of 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha); a Pillow
            image; or a tensor (H, W), (C, H, W) or (B, C, H, W) with C of 1 or 3. uint8, uint16 or float.

    Raises:
        UsageError: anything else.
    """
    if isinstance(picture, Tensor):
        return _tensor_form(picture)
    if isinstance(picture, np.ndarray):
        return _array_form(picture)
    if isinstance(picture, Image.Image):
        return _pillow_form(picture)
    raise UsageError(f"a picture must be a NumPy array, a tensor or a Pillow image, not {type(picture).__name__}")


def read_mask(mask: Any, image: Tensor) -> Tensor | None:
    """A mask in any form -> (B, 1, H, W) float, 1 where the original is nonzero: there pixels are unknown.

    Raises:
        UsageError: its size is not the picture's.
    """
    if mask is None:
        return None
    if isinstance(mask, Image.Image) and mask.mode not in ("1", "L", "RGB"):
        mask = mask.convert("RGB")  # a palette's numbers say nothing, and transparency is none of a mask
    values = mask if isinstance(mask, Tensor) else torch.from_numpy(np.array(mask))
    if values.dim() == 3 and values.shape[2] in (1, 3, 4) and values.shape[:2] == image.shape[2:]:
        values = values[:, :, :3].amax(dim=2)  # (H, W, C), as arrays and Pillow have it
    values = values.reshape(-1, 1, *values.shape[-2:]) if values.dim() >= 2 else values
    if values.shape[-2:] != image.shape[-2:] or values.shape[0] not in (1, image.shape[0]):
        raise UsageError(f"the mask is {_size(values)}, the picture {_size(image)}; make the mask of the same size")
    return (values != 0).to(image).expand(image.shape[0], -1, -1, -1)


def _size(image: Tensor) -> str:
    return "x".join(str(side) for side in image.shape[-2:][::-1])


def _scale(dtype: str) -> float:
    if dtype not in DEPTH:
        raise UsageError(f"a picture of {dtype} is not understood; convert it to uint8, uint16 or float in [0, 1]")
    return DEPTH[dtype]


def _tensor_form(picture: Tensor) -> Form:
    scale = _scale(str(picture.dtype).removeprefix("torch."))
    batch = picture[(None,) * (4 - picture.dim())] if 2 <= picture.dim() <= 4 else picture
    if batch.dim() != 4 or batch.shape[1] not in (1, 3) or 0 in batch.shape:
        raise UsageError(
            f"a tensor picture must be (H, W), (C, H, W) or (B, C, H, W), C 1 or 3, not {list(picture.shape)}"
        )

    def back(restored: Tensor, mask: Tensor | None) -> Tensor:
        values = restored * scale
        if scale > 1:
            values = values.clamp(0, scale).round()
        values = values.to(picture.dtype)
        if mask is not None:
            values = torch.where(mask > 0, values, batch)
        colored = values.shape[1] != batch.shape[1]
        return values.reshape((*picture.shape[:-3], *values.shape[1:]) if colored else picture.shape)

    return Form(batch.float() / scale, back)


def _array_form(picture: np.ndarray) -> Form:
    if picture.ndim not in (2, 3) or 0 in picture.shape or (picture.ndim == 3 and picture.shape[2] not in (1, 2, 3, 4)):
        raise UsageError(f"an array picture must be (H, W) or (H, W, 1 to 4), not {list(picture.shape)}")
    whole = picture if picture.ndim == 3 else picture[:, :, None]
    colors = whole.shape[2] - (whole.shape[2] in (2, 4))
    _scale(str(picture.dtype))
    form = _tensor_form(torch.from_numpy(whole[:, :, :colors].transpose(2, 0, 1).copy()))

    def back(restored: Tensor, mask: Tensor | None) -> np.ndarray:
        values = form.back(restored, mask).cpu().numpy().transpose(1, 2, 0)
        joined = np.concatenate([values, whole[:, :, colors:]], axis=2)
        return joined if joined.shape[2] != whole.shape[2] else joined.reshape(picture.shape)

    return Form(form.image, back)


def _pillow_form(picture: Image.Image) -> Form:
    if picture.mode in ("I", "F"):
        raise UsageError(f"a picture of mode {picture.mode} has no range of its own; convert it to L, I;16 or an array")
    if picture.mode.startswith("I;16"):
        return _answered(_array_form(np.asarray(picture).astype(np.uint16)))
    if picture.mode not in ("L", "LA", "RGB", "RGBA"):
        transparent = "transparency" in picture.info or picture.mode in ("PA", "La", "RGBa")
        gray = picture.mode == "1"
        picture = picture.convert("L" if gray else "RGBA" if transparent else "RGB")
    return _answered(_array_form(np.asarray(picture)))


def _answered(form: Form) -> Form:
    """A form of an array whose answers are pictures of Pillow; colors of 16 bits, which it has not, become 8."""

    def back(restored: Tensor, mask: Tensor | None) -> Image.Image:
        pixels = form.back(restored, mask)
        if pixels.ndim == 3 and pixels.dtype == np.uint16:
            pixels = in_8_bits(pixels)
        return Image.fromarray(pixels)

    return Form(form.image, back)
