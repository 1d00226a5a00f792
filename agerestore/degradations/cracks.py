"""Lines in the emulsion of a print: branching cracks, nets of fine cracks, and fine scratches."""

import math
from functools import partial
from itertools import product

import torch
from torch import Generator, Tensor

from agerestore.degradations.brush import Size, line, paint
from agerestore.degradations.layers import Layer, Values, draw_normal, draw_number, draw_numbers, marked, smooth_noise
from agerestore.degradations.specks import blobs

_DEPTH = 2  # how often a branch may branch again


def cracks(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw cracks that begin at the border or inside, wander, branch and flake.

    Each is light, as bare paper, or with the probability `dark` dark, as dirt in it.
    """
    planes = paint(size, values["coverage"] * size[0] * size[1], partial(_crack, size, values, generator))
    covered = planes.amax(0)
    angle = draw_number(generator, 0, 2 * math.pi)
    shade = values["relief"] * _slope(covered, angle) if values["relief"] else None
    return marked(planes, values["opacity"], generator, shade if values["opacity"] else None)


def _slope(covered: Tensor, angle: float) -> Tensor:
    """Return how steeply marks rise towards a light at an angle (H, W): their lit and shadowed edges."""
    padded = torch.nn.functional.pad(covered[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    down, right = padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]
    return math.sin(angle) * down + math.cos(angle) * right


def _crack(size: Size, values: Values, generator: Generator, wanted: float) -> Tensor:
    """Return the discs of one crack with its branches, not much longer than it takes to touch the pixels wanted."""
    start = draw_numbers(generator, 2) * torch.tensor(size)
    heading = draw_number(generator, 0, 2 * math.pi)
    if draw_number(generator) < 0.65:  # from the border inward
        side = int(draw_number(generator, 0, 4))
        start[side % 2] = 0 if side < 2 else size[side % 2]
        inward = (draw_numbers(generator, 2, 0.25, 0.75) * torch.tensor(size) - start).tolist()
        heading = math.atan2(*inward)
    width = values["width"] * draw_number(generator, 0.6, 1.4)
    length = max(8.0, min(max(size) * draw_number(generator, 0.2, 1.3), 1.2 * wanted / (width + 1)))
    gaps = max(0.0, draw_number(generator, -0.3, 0.3))
    dark = float(draw_number(generator) < values["dark"])
    pieces, waiting = [], [(start, heading, length, width, 0)]
    while waiting:
        start, heading, length, width, depth = waiting.pop(0)
        path, widths = _wander(start, heading, length, width, values["wander"], generator)
        pieces += _broken(path, widths / 2, dark, gaps, generator)
        pieces.append(_flakes(path, width, values["flaking"], dark, generator))
        sprouts = draw_numbers(generator, len(path) - 1) < values["branches"] * (depth < _DEPTH)
        for node in sprouts.nonzero().flatten().tolist():
            turn = draw_number(generator, 0.4, 1.4) * (1 if draw_number(generator) < 0.5 else -1)
            ahead = math.atan2(*(path[node + 1] - path[node]).tolist())
            share = draw_number(generator, 0.15, 0.5)
            waiting.append((path[node], ahead + turn, share * length, 0.65 * width, depth + 1))
    return torch.cat(pieces)


def _wander(
    start: Tensor, heading: float, length: float, width: float, wander: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Return the nodes (P, 2) of a crack and its widths (P,): slow turns, some kinks, thin at the ends."""
    step = draw_number(generator, 2.5, 7)
    count = max(3, int(length / step))
    turns = wander * draw_normal(generator, count)
    kinks = (draw_numbers(generator, count) < 0.06) * 0.35 * draw_normal(generator, count)
    angles = heading + (0.3 * turns + kinks).cumsum(0) + turns
    path = start + step * torch.stack([angles.sin(), angles.cos()], 1).cumsum(0)
    stages = draw_numbers(generator, 6, 0.5, 1.5)
    slow = torch.nn.functional.interpolate(stages[None, None], count, mode="linear", align_corners=True)[0, 0]
    place = torch.arange(count, dtype=torch.float64)
    taper = (0.35 + 4 * torch.minimum(place, place.flip(0)) / count).clamp(max=1)
    return path, width * slow * draw_numbers(generator, count, 0.7, 1.3) * taper


def _broken(path: Tensor, radius: Tensor, dark: float, gaps: float, generator: Generator) -> list[Tensor]:
    """Return the discs of a line of which the fraction ``gaps`` is left out, in pieces of four legs."""
    starts = range(0, len(path) - 1, 4)
    kept = (draw_numbers(generator, len(starts)) >= gaps).tolist()
    return [line(path[at : at + 5], radius[at : at + 5], dark) for at, there in zip(starts, kept, strict=True) if there]


def _flakes(path: Tensor, width: float, flaking: float, dark: float, generator: Generator) -> Tensor:
    """Return discs along a crack where the emulsion is gone, at the fraction ``flaking`` of its nodes."""
    there = path[draw_numbers(generator, len(path)) < flaking]
    place = there + 0.6 * width * draw_normal(generator, len(there), 2)
    radius = width * draw_numbers(generator, len(there), 0.4, 1.3)
    return blobs(place, radius, torch.full_like(radius, dark), torch.ones_like(radius), generator)


def craquelure(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw a net of fine cracks: the bent borders between cells of the plane, a quarter of them left out.

    The cells are those of the points nearest to a pixel, one at random in each square of `cell` pixels (Worley 1996).
    """
    cell = values["cell"]
    grid = tuple(math.ceil(side / cell) + 2 for side in size)
    points = torch.rand(2, *grid, generator=generator)
    label = torch.rand(grid, generator=generator)
    bend = torch.stack([smooth_noise(generator, size, cell / 8) for _ in range(2)]) * (0.04 * cell)
    row, column = (torch.arange(side, dtype=torch.float32) for side in size)
    place = torch.stack([row[:, None].expand(size), column.expand(size)]) / cell + bend / cell + 1
    # by a few rows at a time, which stay in the processor's cache
    distance = cell * torch.cat([_distance_to_border(rows, points, label) for rows in place.split(16, 1)])
    thick = 0.5 * values["width"] * (1 + 0.3 * smooth_noise(generator, size, 6.0)).clamp(0.4, 1.6)
    covered = (thick + 0.5 - distance).clamp(0, 1)
    return marked(torch.stack([covered, torch.zeros(size)]), values["opacity"], generator)


def _distance_to_border(place: Tensor, points: Tensor, label: Tensor) -> Tensor:
    """Return how far each place (2, H, W) is from the border of its cell, in sides of a square: (H, W).

    Args:
        place: Row and column, counted in squares, at least 0.5 from the edge of the grid.
        points: (2, M, N), where each square has its point, in [0, 1).
        label: (M, N) uniform in [0, 1): a border is left out where two labels have a sum of less than 1/4 modulo 1.
    """
    home = place.floor().long()
    first = second = torch.full_like(place[0], torch.inf)  # distances to the two nearest points
    here, there = torch.zeros_like(place), torch.zeros_like(place)  # those points
    own, other = torch.zeros_like(place[0]), torch.zeros_like(place[0])  # their labels
    for down, right in product((-1, 0, 1), repeat=2):
        row, column = (home[0] + down).clamp(0, len(label) - 1), (home[1] + right).clamp(0, label.shape[1] - 1)
        point = torch.stack([row, column]) + points[:, row, column]
        away, named = torch.hypot(*(place - point)), label[row, column]
        nearest, nearer = away < first, away < second
        there = torch.where(nearest, here, torch.where(nearer, point, there))
        other = torch.where(nearest, own, torch.where(nearer, named, other))
        second = torch.where(nearest, first, torch.where(nearer, away, second))
        here, own, first = (torch.where(nearest, new, old) for new, old in ((point, here), (named, own), (away, first)))
    distance = (second.square() - first.square()) / (2 * torch.hypot(*(here - there)).clamp(min=1e-6))
    return torch.where((own + other) % 1 < 0.25, torch.inf, distance)


def scuffs(size: Size, values: Values, generator: Generator) -> Layer:
    """Draw fine scratches, straight or bent, alone or side by side, some broken, some with a burr."""
    bundle = draw_number(generator, 0, math.pi), draw_numbers(generator, 2, 0.1, 0.9) * torch.tensor(size)
    planes = paint(size, values["coverage"] * size[0] * size[1], partial(_scuff, size, values, generator, bundle))
    return marked(planes, values["opacity"], generator)


def _scuff(size: Size, values: Values, generator: Generator, bundle: tuple[float, Tensor], wanted: float) -> Tensor:
    """Return the discs of one scratch, perhaps at about the angle and place of the bundle."""
    angle, center = draw_number(generator, 0, math.pi), draw_numbers(generator, 2) * torch.tensor(size)
    share = values["length"] * draw_number(generator, 0.6, 1.3)
    if draw_number(generator) < values["bundled"]:
        angle = bundle[0] + 0.06 * float(draw_normal(generator, 1))
        center = bundle[1] + 0.07 * max(size) * draw_normal(generator, 2)
        share *= 0.4
    width = values["width"] * draw_number(generator, 0.6, 1.3)
    length = max(6.0, min(max(size) * share, 1.2 * wanted / (width + 1)))
    count = max(4, int(length / 5))
    along = torch.linspace(-0.5, 0.5, count, dtype=torch.float64)
    bent = values["bend"] * draw_number(generator, -1, 1) * length * (along.square() - 0.08)
    across = bent + 0.12 * draw_normal(generator, count).cumsum(0)
    sine, cosine = math.sin(angle), math.cos(angle)
    rows, columns = sine * length * along + cosine * across, cosine * length * along - sine * across
    radius = width / 2 * draw_numbers(generator, count, 0.8, 1.2)
    dark = float(draw_number(generator) < values["dark"])
    gaps = max(0.0, draw_number(generator, -0.5, 0.5))
    pieces = _broken(center + torch.stack([rows, columns], 1), radius, dark, gaps, generator)
    strength = draw_number(generator, 0.6, 1)
    burr = draw_number(generator) < 0.15
    if burr and pieces:  # what was pushed up at one side of the groove shows the other way
        moved = torch.tensor([cosine, -sine, 0, 0, 0], dtype=torch.float64) * (1 + width)
        opposite = torch.tensor([1, 1, 1, 0, 0.5], dtype=torch.float64)
        pieces += [(piece + moved) * opposite + torch.tensor([0, 0, 0, 1 - dark, 0]) for piece in pieces]
    weight = torch.tensor([1, 1, 1, 1, strength], dtype=torch.float64)
    return torch.cat([torch.zeros(0, 5, dtype=torch.float64), *(piece * weight for piece in pieces)])
