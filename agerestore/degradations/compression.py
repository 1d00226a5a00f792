"""Lossy compression as a degradation: JPEG and WebP files, cropped or enlarged after they were decoded."""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from agerestore.degradations.operators import Degraded, Parameters, augmented, column, resize
from agerestore.errors import UsageError
from agerestore.images.pixels import of_tensor

BLOCK = 16  # pixels of a JPEG with 4:2:0 chroma that are coded together
MAX_SIDE = {"jpeg": 65500, "webp": 16383}  # pixels, by the formats

Codec = Callable[[Tensor, Tensor], Tensor]  # image (1, C, H, W) in [0, 1], quality (1,) -> the decoded image


def jpeg(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """JPEG at a `quality` of 1 to 100 by libjpeg, with 4:2:0 chroma; the result has 8 bits, in [0, 1].

    The image had `top` rows and `left` columns more when it was a file (edges replicated): its 8 x 8 blocks begin
    there. It was smaller by the factor `enlarged`: its blocks are larger, and it is soft.

    Where a gradient is asked for, the differentiable approximation of `jpeg_approximated` is used.
    """
    if image.requires_grad:
        return jpeg_approximated(image, parameters, seeds)
    return _as_a_file(image, parameters, partial(_pillow, "jpeg")), None


def jpeg_approximated(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """JPEG by Kornia's differentiable codec; version 1 of the kind, which old records replay.

    Not rounded to 8 bits, and measured 10 times (1400 x 1400 pixels) to 14 times (64 x 64) slower than libjpeg.
    """
    return _as_a_file(image, parameters, _differentiable), None


def webp(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """WebP at `quality` by libwebp; the result has 8 bits, in [0, 1]; `top`, `left` and `enlarged` as for `jpeg`."""
    return _as_a_file(image, parameters, partial(_pillow, "webp")), None


def _as_a_file(image: Tensor, parameters: Parameters, codec: Codec) -> Tensor:
    """Shrink and pad each image, encode and decode it, crop and enlarge it again."""
    # One by one: Kornia's codec multiplies matrices, whose last bits depend on how many rows they have.
    sizes = [
        tuple(max(1, round(side / scale)) for side in image.shape[2:]) for scale in parameters["enlarged"].tolist()
    ]
    cuts = zip(parameters["top"].tolist(), parameters["left"].tolist(), strict=True)
    back = []
    for one, quality, size, cut in zip(image.split(1), parameters["quality"].split(1), sizes, cuts, strict=True):
        enlarged = size != tuple(image.shape[2:])
        decoded = _cropped(resize(one, size) if enlarged else one, quality, *cut, codec)
        back.append(resize(decoded, tuple(image.shape[2:])).clamp(0, 1) if enlarged else decoded)
    return torch.cat(back)


def _cropped(image: Tensor, quality: Tensor, top: int, left: int, codec: Codec) -> Tensor:
    """Code an image as the part of a larger one that begins `top` rows and `left` columns earlier."""
    if not top and not left:
        return codec(image, quality)
    height, width = image.shape[2:]
    larger = torch.nn.functional.pad(image, (left, BLOCK - left, top, BLOCK - top), mode="replicate")
    return codec(larger, quality)[:, :, top : top + height, left : left + width]


def _pillow(format: str, image: Tensor, quality: Tensor) -> Tensor:
    """Code an image (1, C, H, W) as a file of 8 bits; WebP has no gray, so gray becomes three equal channels."""
    from PIL import Image

    if max(image.shape[2:]) > MAX_SIDE[format]:
        raise UsageError(f"{format}: such files have at most {MAX_SIDE[format]} pixels a side; shrink the image")
    pixels = of_tensor(image)[0]
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, format, quality=int(quality))
    with Image.open(file) as coded:
        back = np.array(coded).reshape(*pixels.shape[:2], -1)[..., : pixels.shape[2]]
    return (torch.from_numpy(back).permute(2, 0, 1)[None] / 255).to(image)


def _differentiable(image: Tensor, quality: Tensor) -> Tensor:
    """Code an image twice with Kornia's codec, in place of rounding the coefficients.

    Kornia rounds softly, to r + e^3 for a coefficient r + e, and so keeps 0.8 dB that a real file loses. Coding twice
    leaves e^9, at most 0.002 of a step; the chroma is that of the first time, as it would be blurred twice. Measured
    against Pillow's files of photographs, quality 10 to 95: 37 to 53 dB apart, and within 0.4 dB as far from the
    original.
    """
    from kornia.augmentation import RandomJPEG
    from kornia.color import rgb_to_ycbcr, ycbcr_to_rgb

    strength = column(_kornia_quality(quality), image).flatten()
    once = augmented(RandomJPEG(), image.clamp(0, 1).expand(-1, 3, -1, -1), jpeg_quality=strength).clamp(0, 1)
    twice = augmented(RandomJPEG(), once, jpeg_quality=strength)
    if image.shape[1] == 3:
        twice = ycbcr_to_rgb(torch.cat([rgb_to_ycbcr(twice)[:, :1], rgb_to_ycbcr(once)[:, 1:]], 1))
    return twice[:, : image.shape[1]].clamp(0, 1)


def _kornia_quality(quality: Tensor) -> Tensor:
    """Return the quality (B,) at which Kornia's soft floor gives exactly libjpeg's integer scale of the tables."""
    quality = quality.clamp(max=95)  # Kornia's tables go wrong above 97
    scale = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality) + 0.5
    return torch.where(quality < 50, 5000 / scale, (200 - scale) / 2)
