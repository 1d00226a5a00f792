"""Colorizing an image of any type: the one way, of the Python functions, the command and batches of files alike.

The lightness is shrunk to the square that the model takes, whatever the aspect ratio, as in its training. The model
generates small planes of chroma for it and a color code, and `agerestore.inference.chroma_upsampling` puts them onto
the image at its full size.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from agerestore import device as devices
from agerestore.analysis.color_mode import color_mode
from agerestore.config.options import ColorizeSettings
from agerestore.errors import AgeRestoreError, OutOfDomainError, UsageError
from agerestore.images.arrays import ImageLike, open_image
from agerestore.images.color import rgb_to_lab
from agerestore.images.pixels import shrink
from agerestore.images.raster import Raster
from agerestore.inference import chroma_upsampling, color_codes, ood_features
from agerestore.inference.result import Remark, Result
from agerestore.inference.tiling import Progress
from agerestore.models.base import Model

DEFAULTS = ColorizeSettings()

ColorCodes = Callable[[Tensor], Tensor]  # lightness (1, 1, S, S) -> codes (K, M), one for each sample


def colorize(
    model: Model,
    image: ImageLike,
    settings: ColorizeSettings = DEFAULTS,
    reference: ImageLike | None = None,
    progress: Progress | None = None,
) -> Result[Any]:
    """Colorize an image, once for each color code.

    The lightness of every pixel stays, within 1/255; dtype, size, alpha and metadata stay.

    Args:
        model: a colorizer.
        image: see `agerestore.images.arrays.open_image`; gray in one channel or three. With ``settings.force`` also a
            colored one, of which the lightness is taken.
        settings: options.
        reference: a color image whose colors are taken, instead of codes that are drawn; then there is one sample.
        progress: called with the numbers of samples done and in all; what it raises cancels the work.

    Returns:
        All samples, in the type of ``image`` with three channels (Pillow images have 8 bits).

    Raises:
        AgeRestoreError: the image has colors already.
        OutOfDomainError: the image is unlike those the model was trained on.
        UsageError: the model does not colorize, or an image is not understood.
    """
    model.require("colorize")
    return colorize_with(model, image, color_codes_for(model, settings, reference), settings, progress)


def color_codes_for(model: Model, settings: ColorizeSettings, reference: ImageLike | None = None) -> ColorCodes:
    """The codes to colorize any image with: drawn for each, or those of a reference.

    Raises:
        UsageError: the reference has no colors, is a batch, or more than one sample is wanted of it.
    """
    if reference is None:
        return partial(color_codes.draw_codes, model.networks, count=settings.samples, seed=settings.seed)
    if settings.samples != 1:
        raise UsageError(f"`reference` gives one colorization, not {settings.samples}; leave `samples` or it out")
    code = _code_of(model, open_image(reference))
    return lambda lightness: code


def colorize_with(
    model: Model,
    image: ImageLike,
    codes: ColorCodes,
    settings: ColorizeSettings = DEFAULTS,
    progress: Progress | None = None,
) -> Result[Any]:
    """Colorize an image with color codes; see `colorize`."""
    raster = open_image(image)
    if not settings.force:
        refuse_colors(raster, settings.sepia)
    lightness = [_model_lightness(model, raster, index) for index in range(len(raster.values))]
    score = max(_score(model, light) for light in lightness)
    remarks = []
    if score > 1:
        what = f"({score:.1f} x its limit)"
        if not settings.force:
            unlike = f"is unlike anything this model was trained on {what}"
            raise OutOfDomainError(f"{unlike}; use `colorize(force=True)` to color it anyway")
        remarks.append(Remark(f"out of the model's domain {what}; its colors are guesses"))
    versions = list(zip(*(_generate(model, light, codes(light), settings) for light in lightness), strict=True))
    samples = []
    for count, planes in enumerate(versions):
        if progress is not None:
            progress(count, len(versions))
        samples.append(raster.to_original(_colored(raster, planes), "colored"))
    if progress is not None:
        progress(len(versions), len(versions))
    return Result(samples[0], None, samples, score, model.name, remarks)


def refuse_colors(raster: Raster, sepia: bool = False) -> None:
    """Refuse images that have colors already.

    Args:
        raster: one image or a batch.
        sepia: take toned images for gray ones.

    Raises:
        AgeRestoreError: an image is not gray.
    """
    for index in range(len(raster.values)):
        mode = color_mode(raster.on_8_bit_scale(raster.pixels(index)))
        if mode == "color":
            raise AgeRestoreError("has colors already; use `colorize(force=True)` to replace them")
        if mode == "sepia" and not sepia:
            raise AgeRestoreError("is toned (sepia); use `colorize(sepia=True)` to take it for gray")


def _float_or_file_depth(raster: Raster, index: int) -> NDArray[Any]:
    """Pixels (H, W, C): uint8 and uint16 as they are, others as float32 in [0, 1]."""
    pixels = raster.pixels(index)
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    scaled: NDArray[Any] = (pixels.astype(np.float32) / np.float32(raster.peak)).clip(0, 1)
    return scaled


def _colored(raster: Raster, planes: tuple[NDArray[np.float32], ...]) -> Tensor:
    """The images (B, 3, H, W) of the raster's dtype in the colors of planes (2, h, w), for each image."""
    images = []
    for index, chroma in enumerate(planes):
        pixels = _float_or_file_depth(raster, index)
        colored = chroma_upsampling.color_pixels(pixels, chroma)
        is_scaled = colored.dtype.kind == "f" and not raster.values.is_floating_point()
        images.append((colored * raster.peak).round() if is_scaled else colored)
    return raster.with_pixels(images).values


@torch.no_grad()
def _code_of(model: Model, raster: Raster) -> Tensor:
    """The color code (1, M) of a reference."""
    if len(raster.values) != 1:
        raise UsageError(f"`reference` holds {len(raster.values)} images; give one")
    if color_mode(raster.on_8_bit_scale(raster.pixels())) != "color":
        raise UsageError("`reference` is gray or toned and has no colors to take; give a color image")
    side = model.networks.config.image_size
    pixels = (raster.pixels().astype(np.float32) / np.float32(raster.peak)).clip(0, 1)
    few = shrink(pixels, _at_most(side, pixels))
    lab = rgb_to_lab(torch.from_numpy(few).permute(2, 0, 1)[None])
    code: Tensor = model.networks.encode(F.interpolate(lab, (side, side), mode="bilinear").to(model.device))
    return code


def _model_lightness(model: Model, raster: Raster, index: int) -> Tensor:
    """The lightness (1, 1, S, S) of an image, as the model takes it."""
    side, pixels = model.networks.config.image_size, _float_or_file_depth(raster, index)
    light = torch.from_numpy(chroma_upsampling.lightness(pixels, _at_most(side, pixels)))
    return F.interpolate(light[None, None], (side, side), mode="bilinear").to(model.device)


def _at_most(side: int, pixels: NDArray[Any]) -> tuple[int, int]:
    height, width = (min(length, side) for length in pixels.shape[:2])
    return height, width


@torch.no_grad()
def _score(model: Model, lightness: Tensor) -> float:
    """The OOD score of a lightness (1, 1, S, S); 0 for a model that cannot tell."""
    statistics = model.header.get("domain") or {}
    return float(ood_features.score(statistics, ood_features.features(model.networks, lightness)))


@torch.no_grad()
def _generate(model: Model, lightness: Tensor, codes: Tensor, settings: ColorizeSettings) -> list[NDArray[np.float32]]:
    """Planes of a and b, (2, h, w), for a lightness (1, 1, S, S) and each code."""
    with devices.precision(settings.precision, lightness.device):
        planes = torch.cat([model.networks.generate(lightness, code[None]) for code in codes])
    return list((settings.strength * planes.float()).cpu().numpy())
