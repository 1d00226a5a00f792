"""Layers on a print: how far each pixel is covered, by which color, and how much lighter or darker it is.

A layer is drawn for each image on its own, on the CPU, from the image's seed, so it is the same in every batch and on
every device; then it is laid on the image on the image's device.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from agerestore.degradations.brush import Size
from agerestore.degradations.operators import Degraded, Parameters, gaussian_kernel

_TILE = 256

Values = Mapping[str, float]  # the parameters of one image


class Layer(NamedTuple):
    """What is laid on one image: ``image + shade``, then ``alpha`` of the way to ``color``.

    Attributes:
        alpha: (H, W), or (3, H, W) where it differs by channel; float32 in [0, 1].
        color: (3, H, W) or (3, 1, 1) float32, RGB in [0, 1].
        shade: (H, W) float32, or None.
    """

    alpha: Tensor
    color: Tensor
    shade: Tensor | None = None


def lay(
    layer: Callable[[Size, Values, Generator], Layer], image: Tensor, parameters: Parameters, seeds: Tensor
) -> Degraded:
    """Operator: draw a layer for each image and lay it on.

    Pixels that the layer does not touch keep their bits, the others are clipped to [0, 1]. Where `known` is 1, touched
    pixels are missing.
    """
    size = (image.shape[2], image.shape[3])
    laid, touched = [], []
    for index, seed in enumerate(seeds.tolist()):
        values = {name: float(value[index]) for name, value in parameters.items()}
        one, mask = _lay(image[index], layer(size, values, Generator().manual_seed(seed)))
        laid.append(one)
        touched.append(mask * values.get("known", 0))
    known = parameters.get("known")
    return torch.stack(laid), torch.stack(touched) if known is not None and known.any() else None


def _lay(image: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """Lay a layer on an image (C, H, W); return it and where it was touched (1, H, W), of 0 and 1."""
    size = image.shape[1:]
    alpha = layer.alpha.view(-1, *size)
    touched = (alpha > 0).any(0) if layer.shade is None else (alpha > 0).any(0) | (layer.shade != 0)
    there = touched.flatten().nonzero().flatten()  # marks touch few of the pixels: only those are computed
    alpha, color = alpha.flatten(1)[:, there], layer.color.expand(-1, *size).flatten(1)[:, there]
    if len(image) == 1:
        color, alpha = luminance(color), luminance(alpha) if len(alpha) == 3 else alpha
    alpha, color, place = alpha.to(image), color.to(image), there.to(image.device)
    below = image.flatten(1)[:, place]
    if layer.shade is not None:
        below = below + layer.shade.flatten()[there].to(image)
    laid = image.flatten(1).index_copy(1, place, (below + alpha * (color - below)).clamp(0, 1))
    return laid.view_as(image), touched[None].to(image.device).to(image)


def luminance(color: Tensor) -> Tensor:
    """Return the luma (BT.601) of RGB values (3, ...) as (1, ...)."""
    return (torch.tensor([0.299, 0.587, 0.114]).to(color) @ color.flatten(1)).view(1, *color.shape[1:])


def draw_number(generator: Generator, low: float = 0.0, high: float = 1.0) -> float:
    """Draw a number uniformly from [low, high)."""
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def draw_numbers(generator: Generator, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Draw (count,) numbers, float64, uniformly from [low, high)."""
    return low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)


def draw_normal(generator: Generator, *shape: int) -> Tensor:
    """Draw standard normal numbers, float64."""
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def paper_color(generator: Generator) -> Tensor:
    """Draw the color (3, 1, 1) of bare paper: white to cream."""
    light, warm = draw_number(generator, 0.75, 1), max(0.0, draw_number(generator, -0.08, 0.18))
    return torch.tensor([light, light * (1 - warm / 2), light * (1 - warm)]).view(3, 1, 1)


def dirt_color(generator: Generator) -> Tensor:
    """Draw the color (3, 1, 1) of dirt: black to dark brown."""
    dark, brown = draw_number(generator, 0, 0.25), draw_number(generator, 0, 0.4)
    return torch.tensor([dark, dark * (1 - brown / 2), dark * (1 - brown)]).view(3, 1, 1)


def smooth_noise(generator: Generator, size: Size, sigma: float) -> Tensor:
    """Draw noise of standard deviation about 1, blurred by a Gaussian of ``sigma`` pixels: (H, W) float32.

    It is drawn on a grid as coarse as the blur allows and enlarged. OpenCV blurs: `gaussian_blur` took 30 times as long
    at 1.2 pixels (0.26 and 0.007 s for a megapixel).
    """
    import cv2  # only here: 0.2 s that other degradations need not pay

    step = max(1, int(sigma / 1.5))
    coarse = [math.ceil(side / step) for side in size]
    kernel = gaussian_kernel(torch.tensor([sigma / step]))[0]
    reach = len(kernel) // 2
    field = torch.randn(*(side + 2 * reach for side in coarse), generator=generator)
    blurred = torch.from_numpy(cv2.sepFilter2D(field.numpy(), -1, kernel.numpy(), kernel.numpy()))
    blurred = blurred[reach : reach + coarse[0], reach : reach + coarse[1]] / kernel.square().sum().float()
    if step > 1:
        blurred = torch.nn.functional.interpolate(blurred[None, None], size=size, mode="bicubic")[0, 0]
    return blurred


def texture(generator: Generator, size: Size, sigma: float) -> Tensor:
    """Draw fine noise as `smooth_noise` does, repeated every 256 pixels, which cannot be seen within marks."""
    tile = smooth_noise(generator, (min(size[0], _TILE), min(size[1], _TILE)), sigma)
    repeats = [math.ceil(side / _TILE) for side in size]
    return tile.repeat(*repeats)[: size[0], : size[1]]


def marked(planes: Tensor, opacity: float, generator: Generator, shade: Tensor | None = None) -> Layer:
    """Return marks from how far light and dark ones cover each pixel (2, H, W): of paper and of dirt, unevenly thick.

    Args:
        planes: From `brush.paint`.
        opacity: In [0, 1].
        generator: What color and unevenness are drawn from.
        shade: (H, W), kept only where there are marks.
    """
    size = (planes.shape[1], planes.shape[2])
    covered = planes.amax(0)
    there = covered.flatten().nonzero().flatten()
    light, dark = planes.flatten(1)[:, there]
    paper, dirt = paper_color(generator).flatten(1), dirt_color(generator).flatten(1)
    tone = dirt + light / (light + dark) * (paper - dirt)
    uneven, rough = (texture(generator, size, 1.2).flatten()[there] for _ in range(2))
    color = torch.zeros(3, covered.numel()).index_copy(1, there, (tone * (1 + 0.06 * rough)).clamp(0, 1))
    thick = (1 + 0.18 * uneven).clamp(0.3, 1) * opacity
    alpha = torch.zeros(covered.numel()).index_copy(0, there, covered.flatten()[there] * thick)
    return Layer(alpha.view(size), color.view(3, *size), None if shade is None else shade * (covered > 0))
