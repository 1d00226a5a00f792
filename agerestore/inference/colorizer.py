"""Coloring: a model draws small planes of color for the lightness of a picture, which takes them at its full size.

The lightness is shrunk by averages to the square the model knows, whatever the proportions, as in its training. Codes
are the paints: drawn for the picture, or found by the encoder in another one that has colors.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from agerestore import device as devices
from agerestore.analysis import color_mode
from agerestore.config.options import ColorizeSettings
from agerestore.errors import AgeRestoreError, OutOfDomainError, OutOfDomainWarning, UsageError
from agerestore.images.arrays import Picture, read_form
from agerestore.images.color import rgb_to_lab
from agerestore.images.photo import Photo
from agerestore.images.pixels import shrink
from agerestore.inference import chroma_upsampling, color_codes, ood_features
from agerestore.models.base import Model
from agerestore.models.colorizer import Colorizer

DEFAULTS = ColorizeSettings()

Paints = Callable[[Tensor], Tensor]  # lightness (1, 1, S, S) -> codes (K, M) of as many colorings


@dataclass(frozen=True)
class ColorizedPicture:
    """What became of a picture.

    Attributes:
        photos: its colorings, one for each paint, of its size and depth.
        score: domain score; above 1 the picture is unlike anything the model was trained on.
        remarks: what people should know of it; each one line.
    """

    photos: list[Photo]
    score: float
    remarks: list[str] = field(default_factory=list)


def networks_of(model: Model) -> Colorizer:
    """The networks of a model that colors.

    Raises:
        UsageError: it restores.
    """
    if not isinstance(model.networks, Colorizer):
        raise UsageError("these weights restore pictures and color none; use `agerestore restore`, or -m cars-color")
    return model.networks


def paints_drawn(model: Model, count: int, seed: int) -> Paints:
    """Paints for ``count`` colorings of each picture; of one seed the first ones are the same for every count.

    They are such as pictures of that lightness have, and complement each other: see `agerestore.inference.color_codes`.

    Raises:
        UsageError: ``count`` below 1, or a model that restores.
    """
    if count < 1:
        raise UsageError(f"{count} colorings are none; ask for 1 or more")
    return partial(color_codes.draw_codes, networks_of(model), count=count, seed=seed)


def paints_of(model: Model, reference: Photo) -> Paints:
    """The paints of a colored picture, as the encoder finds them, for one coloring of any picture.

    Raises:
        UsageError: the picture has no colors, or the model restores.
    """
    networks = networks_of(model)
    if not chroma_upsampling.is_colorful(reference, sepia=True):
        raise UsageError("the reference has no colors to take; name a color photograph")
    peak = np.iinfo(reference.pixels.dtype).max
    return _paints_in(networks, chroma_upsampling.as_rgb(reference).pixels.astype(np.float32) / np.float32(peak))


def refuse_colorful(photo: Photo, sepia: bool = False) -> None:
    """Refuse a picture that has colors already.

    Args:
        photo: the picture.
        sepia: take a toned one for a gray one.

    Raises:
        AgeRestoreError: it is no gray picture.
    """
    kind = chroma_upsampling.kind_of_color(photo)
    if kind == "color":
        raise AgeRestoreError("has colors already; `agerestore colorize --force` replaces them by others")
    if kind == "sepia" and not sepia:
        raise AgeRestoreError("is toned (sepia); `agerestore colorize --sepia` takes it for gray")


def colorize_picture(
    model: Model, photo: Photo, drawn: Paints, settings: ColorizeSettings = DEFAULTS
) -> ColorizedPicture:
    """Color a picture as a file holds it, once in each of the paints.

    The lightness of every pixel stays, within 1/255; depth, size, alpha and metadata stay.

    Args:
        model: one that colors.
        photo: gray, in one channel or three; of any other its lightness is taken, if ``settings.force``.
        drawn: see `paints_drawn` and `paints_of`.
        settings: strength and what is to be taken though it should be refused.

    Raises:
        AgeRestoreError: a picture that has colors.
        OutOfDomainError: a picture unlike anything the model was trained on.
        UsageError: a model that restores.
    """
    networks, remarks = networks_of(model), []
    if not settings.force:
        refuse_colorful(photo, settings.sepia)
    light = _seen(networks, photo.pixels)
    score = _score(model, light)
    if score > 1:
        if not settings.force:
            what = f"is unlike anything this model was trained on ({score:.1f} x its limit)"
            raise OutOfDomainError(f"{what}; `agerestore colorize --force` colors it anyway")
        remarks.append(f"out of the model's domain ({score:.1f} x its limit); its colors are guesses")
    planes = _draw(networks, light, drawn(light), settings)
    return ColorizedPicture([chroma_upsampling.with_chroma(photo, each) for each in planes], score, remarks)


def colorize(
    model: Model,
    image: Picture,
    samples: int = 1,
    seed: int = 0,
    like: Picture | None = None,
    strength: float = 1.0,
) -> list[Any]:
    """Color a picture, and answer in the form it came in, with three channels of color.

    Args:
        model: what `agerestore.load` gives of a model that colors.
        image: a NumPy array (H, W) or (H, W, C), a Pillow image, or a tensor (H, W), (C, H, W) or (B, C, H, W);
            uint8, uint16, or float in [0, 1]. Any size. Of a picture with colors the lightness is taken.
        samples: K, how many colorings.
        seed: of their codes; one seed gives a picture the same paints again.
        like: a colored picture in any of these forms whose paints are taken instead; then K is 1.
        strength: 0 leaves the picture gray, 1 gives it all the color the model draws.

    Returns:
        K pictures of the depth, size and alpha of ``image``, whose lightness stays within 1/255: arrays (H, W, 3 or
        4), Pillow images (RGB or RGBA, of 8 bits), tensors (3, H, W) or (B, 3, H, W).

    Raises:
        UsageError: a picture that is not understood, a reference without colors, or a model that restores.

    Warns:
        OutOfDomainWarning: the picture is unlike anything the model was trained on.
    """
    if like is not None and samples != 1:
        raise UsageError(f"a reference gives one coloring, not {samples}; leave samples or like out")
    networks, form, settings = networks_of(model), read_form(image), ColorizeSettings(strength=strength)
    found = paints_drawn(model, samples, seed) if like is None else _paints_like(networks, like)
    drawn, worst = [], 0.0
    for picture in form.image.clamp(0, 1).cpu():
        pixels = picture.permute(1, 2, 0).contiguous().numpy()
        light = _seen(networks, pixels)
        worst = max(worst, _score(model, light))
        planes = _draw(networks, light, found(light), settings)
        drawn.append(
            [torch.from_numpy(chroma_upsampling.color_pixels(pixels, each)).permute(2, 0, 1) for each in planes]
        )
    if worst > 1:
        warnings.warn(f"out of the model's domain ({worst:.1f} x its limit)", OutOfDomainWarning, stacklevel=2)
    return [form.back(torch.stack(each).to(form.image.device), None) for each in zip(*drawn, strict=True)]


def _paints_like(networks: Colorizer, like: Picture) -> Paints:
    picture = read_form(like).image
    if len(picture) != 1:
        raise UsageError(f"{len(picture)} references; give one picture")
    if picture.shape[1] == 1:
        raise UsageError("the reference has no colors to take; give a color picture")
    pixels = picture[0].clamp(0, 1).permute(1, 2, 0).contiguous().cpu().numpy()
    if color_mode.color_mode(255 * pixels) == "gray":
        raise UsageError("the reference is gray and has no colors to take; give a color picture")
    return _paints_in(networks, pixels)


@torch.no_grad()
def _paints_in(networks: Colorizer, pixels: NDArray[np.float32]) -> Paints:
    """The paints of pixels (H, W, 3) in [0, 1], whatever they are to color."""
    side = networks.config.image_size
    few = shrink(pixels, _at_most(side, pixels))
    lab = rgb_to_lab(torch.from_numpy(few).permute(2, 0, 1)[None])
    code = networks.encode(F.interpolate(lab, (side, side), mode="bilinear").to(devices.of(networks)))
    return lambda lightness: code


def _seen(networks: Colorizer, pixels: NDArray[Any]) -> Tensor:
    """What the model sees of pixels (H, W, 1 or 3) of any depth: lightness (1, 1, S, S)."""
    side = networks.config.image_size
    light = torch.from_numpy(chroma_upsampling.lightness(pixels, _at_most(side, pixels)))
    return F.interpolate(light[None, None], (side, side), mode="bilinear").to(devices.of(networks))


def _at_most(side: int, pixels: NDArray[Any]) -> tuple[int, int]:
    height, width = (min(length, side) for length in pixels.shape[:2])
    return height, width


@torch.no_grad()
def _score(model: Model, light: Tensor) -> float:
    """How far a lightness (1, 1, S, S) is from those the model knows; 0 of a model that cannot tell."""
    statistics = model.header.get("domain")
    return float(ood_features.score(statistics, networks_of(model).features(light))) if statistics else 0.0


@torch.no_grad()
def _draw(networks: Colorizer, light: Tensor, codes: Tensor, settings: ColorizeSettings) -> list[NDArray[np.float32]]:
    """Planes of a and b, (2, h, w), one for each code, for a lightness (1, 1, S, S)."""
    with devices.precision(settings.precision, light.device):
        drawn = torch.cat([networks.generate(light, code[None]) for code in codes])
    return list((settings.strength * drawn.float()).cpu().numpy())
