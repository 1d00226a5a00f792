"""Small marks on a print or its negative: specks of dust and dirt, and hairs."""

import math
from functools import partial

import torch
from torch import Generator, Tensor

from agerestore.degradations.brush import Size, line, paint
from agerestore.degradations.layers import Layer, Values, draw_normal, draw_number, draw_numbers, marked

_LOBES = 4  # discs of a speck: it is not round
_MAX_SPECKS = 20000  # at a time


def specks(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw specks of uneven outline and hairs, light or dark, on the fraction `coverage` of the pixels.

    The fraction `hairs` of these pixels belongs to hairs. The fraction `clustered` of the specks lies around three
    places.
    """
    places = draw_numbers(generator, 6).view(3, 2) * torch.tensor(size)
    pixels = values["coverage"] * size[0] * size[1]
    hairs = paint(size, values["hairs"] * pixels, partial(_hair, size, values, generator))
    planes = paint(size, pixels, partial(_specks, size, values, generator, places), hairs)
    return marked(planes, values["opacity"], generator)


def _specks(size: Size, values: Values, generator: Generator, places: Tensor, wanted: float) -> Tensor:
    """Return the discs of about as many specks as touch the pixels wanted."""
    touched = math.pi * (values["radius"] + 0.5) ** 2
    count = min(_MAX_SPECKS, 1 + math.ceil(wanted / touched))
    center = draw_numbers(generator, 2 * count).view(count, 2) * torch.tensor(size)
    around = places[torch.randint(len(places), (count,), generator=generator)]
    around = around + 0.09 * max(size) * draw_normal(generator, count, 2)
    together = draw_numbers(generator, count) < values["clustered"]
    center = torch.where(together[:, None], around, center)
    radius = values["radius"] * (values["spread"] * draw_normal(generator, count)).exp()
    radius = radius.clamp(0.35, 4 * values["radius"])
    dark = (draw_numbers(generator, count) < values["dark"]).double()
    return blobs(center, radius, dark, draw_numbers(generator, count, 0.55, 1), generator)


def blobs(center: Tensor, radius: Tensor, dark: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Return the discs (P * L, 5) of marks of uneven outline at (P, 2), with a radius, tone and strength (P,) each."""
    count, radius = len(center), radius[:, None]
    offset = 0.55 * radius[:, None] * draw_normal(generator, count, _LOBES, 2)
    offset[:, 0] = 0
    lobe = radius * draw_numbers(generator, count * _LOBES, 0.35, 0.85).view(count, _LOBES)
    rest = torch.stack([dark, strength], 1)[:, None].expand(-1, _LOBES, -1)
    return torch.cat([center[:, None] + offset, lobe[..., None], rest], 2).flatten(0, 1)


def _hair(size: Size, values: Values, generator: Generator, wanted: float) -> Tensor:
    """Return the discs of one curled hair or fiber."""
    count = 24
    curl = 0.12 * draw_normal(generator, count) + 0.1 * draw_normal(generator, 1)
    heading = draw_number(generator, 0, 2 * math.pi) + curl.cumsum(0)
    step = draw_number(generator, 0.4, 3)
    start = draw_numbers(generator, 2) * torch.tensor(size)
    path = start + step * torch.stack([heading.sin(), heading.cos()], 1).cumsum(0)
    radius = torch.full((count,), draw_number(generator, 0.25, 0.7), dtype=torch.float64)
    dark = float(draw_number(generator) < values["dark"])
    return line(path, radius, dark, draw_number(generator, 0.6, 1))
