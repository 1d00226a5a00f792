"""How sound old prints look: their tone, film grain, vignetting, uneven fading, stains and borders of paper."""

import math

import torch
from torch import Generator, Tensor

from agerestore.degradations.brush import Size
from agerestore.degradations.layers import (
    Layer,
    Values,
    draw_normal,
    draw_number,
    draw_numbers,
    luminance,
    paper_color,
    smooth_noise,
)
from agerestore.degradations.operators import Degraded, Parameters, column, correlated_noise


def toning(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """A print of one tone, or of faded colors.

    Each value x becomes ``1/2 + contrast * (x^gamma - 1/2)``. Of the difference to gray the fraction `color` is left.
    `warmth` tones the gray: above 0 towards sepia, below 0 towards blue. A gray image has no warmth.
    """
    contrast, gamma = column(parameters["contrast"], image), column(parameters["gamma"], image)
    curved = (0.5 + contrast * (image.clamp(0, 1) ** gamma - 0.5)).clamp(0, 1)
    if image.shape[1] == 3:
        gray = torch.stack([luminance(one) for one in curved])
        curved = _tone(gray, column(parameters["warmth"], image)) + column(parameters["color"], image) * (curved - gray)
    still = [parameters["contrast"] == 1, parameters["gamma"] == 1]
    if image.shape[1] == 3:
        still += [parameters["color"] == 1, parameters["warmth"] == 0]
    return torch.where(column(torch.stack(still).all(0), image) > 0, image, curved.clamp(0, 1)), None


def _tone(gray: Tensor, warmth: Tensor) -> Tensor:
    """Tone gray images (B, 1, H, W) by their warmth (B, 1, 1, 1): (B, 3, H, W)."""

    def rgb(warm: list[float], cold: list[float]) -> Tensor:
        both = torch.tensor([warm, cold]).to(gray)[:, :, None, None]
        return warmth.clamp(min=0) * both[:1] + (-warmth).clamp(min=0) * both[1:]

    dark = rgb([0.16, 0.07, 0], [0, 0.05, 0.08])
    light = 1 - rgb([0, 0.12, 0.34], [0.12, 0.02, 0])
    middle = rgb([0.10, 0.02, -0.08], [-0.04, 0.01, 0.03])
    return dark + (light - dark) * gray + middle * 4 * gray * (1 - gray)


def film_grain(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Grain that is gray and depends on the luma y: its deviation is ``sigma / 255 * (0.4 + 2.4 * y * (1 - y))``.

    So it is sigma at middle gray and two fifths of that in black and white.
    """
    gray = image if image.shape[1] == 1 else torch.stack([luminance(one) for one in image])
    gray = gray.clamp(0, 1)
    deviation = column(parameters["sigma"] / 255, image) * (0.4 + 2.4 * gray * (1 - gray))
    return image + deviation * correlated_noise(parameters["size"], seeds, 1, image), None


def vignetting(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw edges that are darker, or lighter where `strength` is negative; the center may lie off the middle."""
    off = 0.3 * draw_normal(generator, 2)
    rows, columns = (torch.linspace(-1, 1, side) for side in size)
    distance = torch.hypot(rows[:, None] - float(off[0]), columns[None] - float(off[1]))
    alpha = (0.8 * abs(values["strength"]) * (distance - 0.4).clamp(0, 1.2)).clamp(0, 1)
    return Layer(alpha, torch.full((3, 1, 1), float(values["strength"] < 0)))


def mottling(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw uneven fading: the brightness varies smoothly over the print."""
    shade = values["strength"] * smooth_noise(generator, size, values["size"])
    return Layer(torch.zeros(size), torch.zeros(3, 1, 1), shade)


def stains(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw `count` soft stains, some with a tide line: brown, taking light away in proportion, or a quarter bleached.

    Each is an ellipse with a radius of up to the fraction `size` of the longer side.
    """
    left, added = torch.ones(3, *size), torch.zeros(3, *size)  # the stained image is left * image + added
    for _ in range(int(values["count"])):
        part = values["strength"] * _blot(size, values["size"] * max(size), generator)
        if draw_number(generator) < 0.25:
            kept = 1 - part
            left, added = left * kept, added * kept + part * torch.tensor([0.95, 0.9, 0.8]).view(3, 1, 1)
        else:
            low, high = torch.tensor([0.0, 0.3, 0.6]), torch.tensor([0.4, 0.8, 1.0])
            dye = low + (high - low) * draw_numbers(generator, 3).float()
            kept = 1 - part * dye.view(3, 1, 1)
            left, added = left * kept, added * kept
    return Layer(1 - left, added / (1 - left).clamp(min=1e-6))


def _blot(size: Size, largest: float, generator: Generator) -> Tensor:
    """Draw how thick one stain lies (H, W), in [0, 1]."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in size)
    radius = max(2.0, largest * draw_number(generator, 0.3, 1))
    row, column = (draw_numbers(generator, 2, -0.1, 1.1) * torch.tensor(size)).tolist()
    flat = draw_number(generator, 0.6, 1.6)
    distance = torch.hypot(columns[None] - column, flat * (rows[:, None] - row)) / radius
    distance = distance + 0.12 * smooth_noise(generator, size, max(radius / 5, 2))
    inside = torch.sigmoid((1 - distance) * draw_number(generator, 4, 30))
    if draw_number(generator) < 0.5:  # where the water dried last
        tide = (-((distance - 1) / draw_number(generator, 0.05, 0.3)).square()).exp()
        inside = (0.5 * inside + tide).clamp(max=1)
    return torch.where(inside < 0.01, 0, inside)


def border(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw a border of paper, or black, `width` pixels wide, on two to four sides, and the scanner's bed around it.

    The print is turned by up to about a degree and its outer edge waves by `deckle` pixels.
    """
    rows, columns = (torch.arange(side) + 0.5 for side in size)
    turn = 0.012 * float(draw_normal(generator, 1))
    down = rows[:, None] + turn * (columns[None] - size[1] / 2)
    right = columns[None] - turn * (rows[:, None] - size[0] / 2)
    absent = torch.randperm(4, generator=generator)[: int(draw_number(generator, 0, 3))].tolist()
    sides = [each for index, each in enumerate((down, size[0] - down, right, size[1] - right)) if index not in absent]
    distance = torch.stack(sides).amin(0) + 0.3 * smooth_noise(generator, size, 3.0)
    whole = values["width"] + values["bed"]
    inner = (whole + 0.5 - distance).clamp(0, 1) * (whole > 0)
    pitch = draw_number(generator, 4, 16)
    phase = 2 * math.pi / pitch * (down + right) + 2 * smooth_noise(generator, size, 3 * pitch)
    beyond = (values["bed"] + values["deckle"] * phase.sin() + 0.5 - distance).clamp(0, 1) * (values["bed"] > 0)
    black = draw_number(generator) < 0.3
    tone = paper_color(generator)
    tone = torch.full((3, 1, 1), draw_number(generator, 0, 0.1)) if black else tone
    bed = torch.full((3, 1, 1), draw_number(generator))
    return Layer(torch.maximum(inner, beyond), tone + beyond * (bed - tone))
