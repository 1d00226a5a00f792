"""Colorizing an image of any type: the one way, of the Python functions, the command and batches of files alike.

The lightness is scaled to the size at which the model works. The model generates small planes of chroma for it, its
color codes and the hints, and `agerestore.inference.chroma_upsampling` puts them onto the image at its full size.
"""

from collections.abc import Mapping
from pathlib import Path
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
from agerestore.images import io
from agerestore.images.arrays import ImageLike, open_image, open_to_color
from agerestore.images.color import rgb_to_lab
from agerestore.images.photo import Photo
from agerestore.images.pixels import shrink
from agerestore.images.raster import Raster
from agerestore.inference import chroma_upsampling, color_codes, color_hints, ood_features
from agerestore.inference.result import Remark, Result
from agerestore.inference.tiling import Progress
from agerestore.models.base import Model, require_any
from agerestore.models.photo_colorizer import PhotoColorizer

DEFAULTS = ColorizeSettings()


def colorize(
    models: Mapping[str, Model],
    image: ImageLike,
    settings: ColorizeSettings = DEFAULTS,
    reference: ImageLike | None = None,
    progress: Progress | None = None,
) -> Result[Any]:
    """Colorize an image, once for each color code.

    The lightness of every pixel stays, within 1/255; dtype, size, alpha and metadata stay.

    Args:
        models: colorizers by name, to select from.
        image: see `agerestore.images.arrays.open_image`; gray in one channel or three. With ``settings.force`` also a
            colored one, of which the lightness is taken.
        settings: options.
        reference: a color image whose colors are taken, instead of codes that are drawn; then there is one sample.
        progress: called with the numbers of samples done and in all; what it raises cancels the work.

    Returns:
        All samples, in the type of ``image`` with three channels (Pillow images have 8 bits).

    Raises:
        AgeRestoreError: the image has colors already.
        OutOfDomainError: the image is unlike those the models were trained on.
        UsageError: a model does not colorize or takes no hints, or an image is not understood.
    """
    require_any(models, "colorize", settings.given())
    if reference is not None and settings.samples != 1:
        raise UsageError(f"`reference` gives one colorization, not {settings.samples}; leave `samples` or it out")
    colors = None if reference is None else _open_reference(reference)
    raster = open_to_color(image)
    if not settings.force:
        refuse_colors(raster, settings.sepia)
    model, lightness, score = _select(models, raster, settings)
    remarks = []
    if score > 1:
        what = f"({score:.1f} x its limit)"
        if not settings.force:
            unlike = f"is unlike anything this model was trained on {what}"
            raise OutOfDomainError(f"{unlike}; use `colorize(force=True)` to color it anyway")
        remarks.append(Remark(f"out of the model's domain {what}; its colors are guesses"))
    code = None if colors is None else _code_of(model, colors)
    each = (_versions(model, light, raster.size, settings, code) for light in lightness)
    samples = []
    for count, planes in enumerate(zip(*each, strict=True)):
        if progress is not None:
            progress(count, settings.samples)
        samples.append(raster.to_original(_colored(raster, planes), "colored"))
    if progress is not None:
        progress(settings.samples, settings.samples)
    return Result(samples[0], None, samples, score, model.name, remarks)


def domain_score(models: Mapping[str, Model], image: ImageLike) -> float:
    """The out-of-distribution score of the model that would colorize an image; above 1 it is unlike its training set.

    Args:
        models: colorizers by name, to select from.
        image: see `agerestore.images.arrays.open_image`.
    """
    return _select(models, open_to_color(image), DEFAULTS)[2]


def _select(
    models: Mapping[str, Model], raster: Raster, settings: ColorizeSettings
) -> tuple[Model, list[Tensor], float]:
    """The model for an image, the lightness of each image as it takes it, and its out-of-distribution score.

    Of several models, one for images of one kind colors what it knows, and the one for any photograph all else.

    Args:
        models: by name; of several, those whose header says ``general`` are for any photograph.
        raster: one image or a batch.
        settings: of colorizing; a model that does not support what is given is not selected.
    """
    able = [model for model in models.values() if not model.unsupported(settings.given())]
    for model in sorted(able, key=lambda model: bool(model.header.get("general"))):
        lightness = [_model_lightness(model, raster, index) for index in range(len(raster.values))]
        score = max(_score(model, each) for each in lightness)
        if score <= 1:
            break
    return model, lightness, score


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
        if mode != "gray" and not sepia:
            raise AgeRestoreError("is toned, as sepia is; use `colorize(sepia=True)` to take it for gray")


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


def read_reference(path: Path) -> Photo:
    """Read a file whose colors are taken.

    Raises:
        UsageError: it has no colors.
        UnreadableError: it cannot be read.
    """
    photo = io.read(path)
    _open_reference(photo)
    return photo


def _open_reference(reference: ImageLike) -> Raster:
    """An image whose colors are taken.

    Raises:
        UsageError: it is a batch, or has no colors.
    """
    raster = open_image(reference)
    if len(raster.values) != 1:
        raise UsageError(f"`reference` holds {len(raster.values)} images; give one")
    if color_mode(raster.on_8_bit_scale(raster.pixels())) != "color":
        raise UsageError("`reference` is gray or toned and has no colors to take; give a color image")
    return raster


@torch.no_grad()
def _code_of(model: Model, raster: Raster) -> Tensor:
    """The color code (1, M) of a reference."""
    size = model.networks.working_size(*raster.size)
    pixels = (raster.pixels().astype(np.float32) / np.float32(raster.peak)).clip(0, 1)
    few = shrink(pixels, _at_most(size, pixels))
    lab = rgb_to_lab(torch.from_numpy(few).permute(2, 0, 1)[None])
    code: Tensor = model.networks.encode(F.interpolate(lab, size, mode="bilinear").to(model.device))
    return code


def _model_lightness(model: Model, raster: Raster, index: int) -> Tensor:
    """The lightness (1, 1, h, w) of an image, as the model takes it."""
    size, pixels = model.networks.working_size(*raster.size), _float_or_file_depth(raster, index)
    light = torch.from_numpy(chroma_upsampling.lightness(pixels, _at_most(size, pixels)))
    return F.interpolate(light[None, None], size, mode="bilinear").to(model.device)


def _at_most(size: tuple[int, int], pixels: NDArray[Any]) -> tuple[int, int]:
    height, width = (min(pair) for pair in zip(pixels.shape[:2], size, strict=True))
    return height, width


@torch.no_grad()
def _score(model: Model, lightness: Tensor) -> float:
    """The OOD score of a lightness (1, 1, h, w); 0 for a model that cannot tell."""
    statistics = model.header.get("domain") or {}
    return float(ood_features.score(statistics, ood_features.features(model.networks, lightness)))


@torch.no_grad()
def _versions(
    model: Model, lightness: Tensor, size: tuple[int, int], settings: ColorizeSettings, code: Tensor | None
) -> list[NDArray[np.float32]]:
    """Planes of a and b, (2, h, w), of one image for each color code.

    Args:
        model: a colorizer.
        lightness: (1, 1, H, W), as the model takes it.
        size: height and width of the image, that hints are in the coordinates of.
        settings: of colorizing.
        code: (1, M) of a reference; None for codes that are drawn.
    """
    if settings.hints:
        return _hinted(model.networks, lightness, size, settings, code)
    codes = code
    if codes is None:
        codes = color_codes.draw_codes(model.networks, lightness, settings.samples, settings.seed)
    with devices.precision(settings.precision, lightness.device):
        planes = torch.cat([model.networks.generate(lightness, each[None]) for each in codes])
    return [each.numpy() for each in settings.saturation * planes.float().cpu()]


def _hinted(
    networks: PhotoColorizer, lightness: Tensor, size: tuple[int, int], settings: ColorizeSettings,
    code: Tensor | None,
) -> list[NDArray[np.float32]]:  # fmt: skip
    """As `_versions`, with the hints of the settings; hints are not saturated."""
    height, width = lightness.shape[2:]
    points = color_hints.locate(settings.hints, size, (height // 2, width // 2))
    with devices.precision(settings.precision, lightness.device):
        if code is None:
            planes = color_hints.likely_planes(networks, lightness, points, settings.samples, settings.seed)
        else:
            planes = networks.generate(lightness, code)
    carried = color_hints.carry(networks, lightness, points, settings.saturation * planes.float())
    return [each.numpy() for each in carried]
