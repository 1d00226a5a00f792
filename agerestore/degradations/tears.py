"""Where a print is torn or folded: missing corners, tears from the side, patches of lost emulsion, creases."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from agerestore.degradations.brush import Size
from agerestore.degradations.layers import (
    Layer,
    Values,
    draw_normal,
    draw_number,
    draw_numbers,
    paper_color,
    smooth_noise,
    texture,
)

Window = tuple[slice, slice]  # rows and columns

_LARGEST_PATCH = 30  # pixels in radius


def tears(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw `count` tears: missing corners, bites and rips from the side, patches where the emulsion is gone.

    Around what is missing the bare paper shows, `rim` pixels wide; behind the print it is as bright as `behind`.
    """
    hole, bare = torch.zeros(size), torch.zeros(size)
    for _ in range(int(values["count"])):
        reach = values["reach"] * draw_number(generator, 0.5, 1.4)
        window, depth, through = _tear(size, reach, values["roughness"], generator)
        shape = (depth.shape[0], depth.shape[1])
        inside = (depth + 0.5).clamp(0, 1)
        uneven = (0.75 + 0.6 * smooth_noise(generator, shape, 2.5)).clamp(0, 1)
        rim = torch.maximum(inside, (depth + values["rim"] * uneven + 0.5).clamp(0, 1))
        bare[window] = torch.maximum(bare[window], rim)
        if through:
            hole[window] = torch.maximum(hole[window], inside)
    behind = (values["behind"] + 0.03 * draw_normal(generator, 3).float()).clamp(0, 1).view(3, 1, 1)
    paper = paper_color(generator)
    color = paper + hole / bare.clamp(min=1e-6) * (behind - paper)
    return Layer(bare, (color * (1 + 0.02 * texture(generator, size, 0.8))).clamp(0, 1))


def _tear(size: Size, reach: float, roughness: float, generator: Generator) -> tuple[Window, Tensor, bool]:
    """Draw one tear.

    Returns:
        The window of the image it is in; how deep inside the tear each pixel of the window lies, in pixels, negative
        outside; and whether it goes through the paper.
    """
    form = ("corner", "corner", "bite", "rip", "patch", "patch")[int(draw_number(generator, 0, 6))]
    sideways = draw_number(generator) < 0.5
    turned = (draw_numbers(generator, 2) < 0.5).tolist()
    side = [min(length, math.ceil(3 * reach) + 8) for length in size]
    shape = (side[1], side[0]) if sideways else (side[0], side[1])
    depth: Tensor = _FORMS[form](shape, reach, generator)
    rough = 0.6 * smooth_noise(generator, shape, reach / 4) + 0.4 * smooth_noise(generator, shape, reach / 12)
    depth = depth + roughness * (0.15 if form == "rip" else 1) * reach * rough
    depth = depth + 0.3 * min(roughness / 0.02, 1) * smooth_noise(generator, shape, 1.0)
    depth = (depth.T if sideways else depth).flip([axis for axis in (0, 1) if turned[axis]])
    bound = {"corner": (True, True), "patch": (False, False)}.get(form, (not sideways, sideways))
    start = [int(draw_number(generator, 0, length - each + 1)) for length, each in zip(size, side, strict=True)]
    for axis in (0, 1):
        if bound[axis]:
            start[axis] = size[axis] - side[axis] if turned[axis] else 0
    rows, columns = (slice(first, first + each) for first, each in zip(start, side, strict=True))
    return (rows, columns), depth, form != "patch"


def _corner(shape: Size, reach: float, generator: Generator) -> Tensor:
    """Return how deep pixels (h, w) lie in a corner at the top left, cut off by a straight line."""
    down, right = _places(shape)
    a, b = draw_numbers(generator, 2, 0.6, 1.6).mul(reach).tolist()
    depth: Tensor = (1 - down / a - right / b) * (a * b / math.hypot(a, b))
    return depth


def _bite(shape: Size, reach: float, generator: Generator) -> Tensor:
    """Return how deep pixels (h, w) lie in a wide notch in the middle of the upper side."""
    return _notch(shape, reach * draw_number(generator, 0.4, 1.2), 0.6 * reach, generator)


def _rip(shape: Size, reach: float, generator: Generator) -> Tensor:
    """Return how deep pixels (h, w) lie in a long narrow notch in the middle of the upper side."""
    return _notch(shape, 0.12 * reach, reach * draw_number(generator, 1, 2.2), generator)


def _notch(shape: Size, opening: float, tip: float, generator: Generator) -> Tensor:
    """Return how deep pixels (h, w) lie in a triangle with its base on the upper side and its tip leaning."""
    down, right = _places(shape)
    lean = draw_number(generator, -0.5, 0.5)
    across = (right - shape[1] / 2 - lean * down).abs()
    return (opening / 2 * (1 - down / tip) - across) / math.hypot(1, opening / (2 * tip))


def _patch(shape: Size, reach: float, generator: Generator) -> Tensor:
    """Return how deep pixels (h, w) lie in an ellipse in the middle."""
    down, right = _places(shape)
    flat, angle = draw_number(generator, 0.5, 1), draw_number(generator, 0, math.pi)
    y, x = down - shape[0] / 2, right - shape[1] / 2
    along, across = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    return flat * (min(reach / 2, _LARGEST_PATCH) - torch.hypot(along, across / flat))


_FORMS: dict[str, Callable[[Size, float, Generator], Tensor]] = {
    "corner": _corner,
    "bite": _bite,
    "rip": _rip,
    "patch": _patch,
}


def _places(shape: Size) -> tuple[Tensor, Tensor]:
    """Return how far down (h, 1) and right (1, w) the centers of pixels are, in pixels."""
    return torch.arange(shape[0])[:, None] + 0.5, torch.arange(shape[1])[None] + 0.5


def creases(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw `count` creases: one side lit, the other in shadow, `width` pixels each, the fold worn to the paper."""
    shade, worn = torch.zeros(size), torch.zeros(size)
    for _ in range(int(values["count"])):
        distance, there = _fold(size, generator)
        lit = -distance / values["width"] * (0.5 - 0.5 * (distance / values["width"]).square()).exp()
        shade = shade + values["shade"] * there * lit * (distance.abs() < 2.5 * values["width"])
        wear = values["wear"]
        rubbed = (1.2 - wear + wear * smooth_noise(generator, size, 4.0)).clamp(0, 1) * min(1.0, 2 * wear)
        core = (draw_number(generator, 0.5, 2) / 2 * (0.7 + 0.6 * rubbed) + 0.5 - distance.abs()).clamp(0, 1)
        worn = torch.maximum(worn, core * there * rubbed)
    shade = torch.where(shade.abs() < 1 / 255, 0, shade)
    return Layer(torch.where(worn < 1 / 255, 0, worn), paper_color(generator), shade)


def _fold(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw a fold: how far each pixel is from it, in pixels, and how far it is there, from 0 to 1: (H, W) each."""
    square = draw_number(generator) < 0.4  # along rows or columns
    angle = draw_number(generator, 0, math.pi)
    if square:
        angle = math.pi / 2 * (angle > math.pi / 2) + 0.04 * float(draw_normal(generator, 1))
    middle = (draw_numbers(generator, 2, 0.1, 0.9) * torch.tensor(size)).tolist()
    down, right = _places(size)
    y, x = down - middle[0], right - middle[1]
    across = y * math.cos(angle) - x * math.sin(angle)
    along = x * math.cos(angle) + y * math.sin(angle)
    bow = 0.04 * float(draw_normal(generator, 1)) / max(size)
    distance = across + bow * along.square() + 0.5 * smooth_noise(generator, size, 14.0)
    ends, way = draw_number(generator) < 0.4, 1 if draw_number(generator) < 0.5 else -1
    there = torch.sigmoid(way * along / (0.03 * max(size))) if ends else torch.ones(size)
    return distance, there
