"""Marks on an image: strokes, scratches and dust, all painted with a round brush.

A mark is a trail of discs (row, column, radius, tone). For each pixel the first disc that covers it is found, so that
painting can stop at a given number of pixels. The trails are drawn per image, on the CPU, from the image's seed: they
are the same in every batch and on every device. Kornia has no such operators.
"""

import math

import torch
from torch import Generator, Tensor

from agerestore.degradations.operators import Degraded, Parameters, column

Size = tuple[int, int]

_MAX_SCRATCHES = 512  # or eight times as many as would do if none left the image
_SURPLUS = 1.4  # area of scratches drawn, relative to the area wanted: some fall on others
_MAX_PIXELS = 2**21  # computed at a time, to bound the memory


def strokes(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Free-form brush strokes of missing pixels: `count` random polylines, `width` pixels thick."""
    size = (image.shape[2], image.shape[3])
    trails = [
        torch.cat([_wander(size, width, generator) for _ in range(int(count))])
        for count, width, generator in _per_image(parameters["count"], parameters["width"], seeds)
    ]
    reached = _reached(trails, size)
    return image, (reached < sum(map(len, trails)))[:, None].to(image)


def scratches(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Bright or dark lines, `width` pixels wide, on the fraction `coverage` of the pixels.

    Where `known` is 1, they are missing pixels.
    """
    size = (image.shape[2], image.shape[3])
    trails = [
        _scratches(size, width, coverage * size[0] * size[1], generator)
        for width, coverage, generator in _per_image(parameters["width"], parameters["coverage"], seeds)
    ]
    painted, mark = _paint(image, trails, parameters["coverage"])
    known = parameters["known"]
    return painted, mark * column(known, image) if known.any() else None


def dust(image: Tensor, parameters: Parameters, seeds: Tensor) -> Degraded:
    """Bright or dark specks, up to `radius` pixels in radius, on the fraction `coverage` of the pixels."""
    size = (image.shape[2], image.shape[3])
    trails = [
        _specks(size, radius, coverage * size[0] * size[1], generator)
        for radius, coverage, generator in _per_image(parameters["radius"], parameters["coverage"], seeds)
    ]
    return _paint(image, trails, parameters["coverage"])[0], None


def _per_image(first: Tensor, second: Tensor, seeds: Tensor) -> list[tuple[float, float, Generator]]:
    """Return two parameters of each image as numbers, and its generator."""
    generators = [Generator().manual_seed(seed) for seed in seeds.tolist()]
    return list(zip(first.tolist(), second.tolist(), generators, strict=True))


def _uniform(generator: Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _place(draws: Tensor, size: Size) -> Tensor:
    """Return rows and columns (P, 2) anywhere on the image, from the first two columns of uniform draws (P, 2+)."""
    return draws[:, :2] * torch.tensor(size) - 0.5


def _tone(draws: Tensor) -> Tensor:
    """Return almost white or almost black tones (P,), from the last two columns of uniform draws (P, 2+)."""
    return torch.where(draws[:, -2] < 0.5, 0.1 * draws[:, -1], 1 - 0.1 * draws[:, -1])


def _trail(path: Tensor, radius: float | Tensor, tone: float | Tensor) -> Tensor:
    """Return discs (P, 4) along a path (P, 2); radius and tone are numbers, or (P,)."""
    rest = [torch.as_tensor(value, dtype=path.dtype).expand(len(path)) for value in (radius, tone)]
    return torch.cat([path, torch.stack(rest, 1)], 1)


def _spacing(width: float) -> float:
    """Return how many pixels apart discs may be to leave an even line."""
    return max(width / 4, 0.5)


def _wander(size: Size, width: float, generator: Generator) -> Tensor:
    """Return a trail of 4 to 8 straight legs, each a tenth to a third of the image long, in wide turns."""
    draws = _uniform(generator, 9, 3)
    legs = draws[1 : 5 + int(5 * draws[0, 2])]
    heading = 2 * math.pi * legs[0, 2] + math.radians(140) * (legs[:, 0] - 0.5).cumsum(0)
    direction = torch.stack([heading.sin(), heading.cos()], 1)
    length = max(size) * (0.1 + 0.23 * legs[:, 1])
    end = length.cumsum(0)
    along = torch.arange(0, float(end[-1]), _spacing(width), dtype=torch.float64)
    leg = torch.searchsorted(end, along)
    corner = _place(draws[:1], size) + (length[:, None] * direction).cumsum(0)  # where each leg ends
    return _trail(corner[leg] - (end[leg] - along)[:, None] * direction[leg], width / 2, 0)


def _scratches(size: Size, width: float, target: float, generator: Generator) -> Tensor:
    """Return the trail of enough scratches to cover `target` pixels."""
    trail, laid = [torch.zeros(0, 4, dtype=torch.float64)], 0.0
    most = max(_MAX_SCRATCHES, 8 * target / (max(size) * width))
    while laid < _SURPLUS * target and len(trail) <= most:
        draws = _uniform(generator, 1, 7)
        path = _arc(size, draws, _spacing(width))
        trail.append(_trail(path, width / 2, _tone(draws)))
        laid += len(path) * _spacing(width) * width
    return torch.cat(trail)


def _arc(size: Size, draws: Tensor, spacing: float) -> Tensor:
    """Return the visible part (P, 2) of a slightly bent line through a point of the image, from draws (1, 5+)."""
    angle, length, bend = draws[0, 2:5].tolist()
    length = max(size) * (0.3 + 0.9 * length)
    sine, cosine = math.sin(math.pi * angle), math.cos(math.pi * angle)
    along = torch.arange(0, length, spacing, dtype=torch.float64) - length / 2
    across = 0.4 * (bend - 0.5) / length * along.square()
    rows, cols = sine * along + cosine * across, cosine * along - sine * across
    path = _place(draws, size) + torch.stack([rows, cols], 1)
    return path[((path > -0.5) & (path < torch.tensor(size) - 0.5)).all(1)]


def _specks(size: Size, radius: float, target: float, generator: Generator) -> Tensor:
    """Return the discs of enough specks to cover `target` pixels: they have 2 radius^2 pixels on average."""
    draws = _uniform(generator, 1 + math.ceil(target / radius**2), 5)
    return _trail(_place(draws, size), radius * (0.6 + 0.4 * draws[:, 2]), _tone(draws))


def _reached(trails: list[Tensor], size: Size) -> Tensor:
    """Find the first disc that covers each pixel's center.

    Args:
        trails: For each image (P, 4): row, column (whole numbers at a pixel's center), radius, tone.
        size: Height and width of the images.

    Returns:
        (B, H, W) int64, the disc's number, counted through all trails; the number of all discs where there is none.
    """
    discs = torch.cat(trails)
    reached = torch.full((len(trails) * size[0] * size[1],), len(discs))
    if len(discs):
        owner = torch.arange(len(trails)).repeat_interleave(torch.tensor([len(trail) for trail in trails]))
        reach = math.floor(float(discs[:, 2].max()) + 0.5)
        around = torch.cartesian_prod(*2 * [torch.arange(-reach, reach + 1)])  # (S, 2)
        for some in torch.split(torch.arange(len(discs)), 1 + _MAX_PIXELS // len(around)):
            disc, pixel = _covered(discs[some], around, size)
            pixel += owner[some][disc] * size[0] * size[1]
            reached.scatter_reduce_(0, pixel, some[disc], "amin")
    return reached.view(-1, *size)


def _covered(discs: Tensor, around: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """Return which discs (P, 4) cover which pixels of an image: the pairs (disc, flat pixel), each (N,)."""
    row, col = (discs[:, axis : axis + 1].round() + around[:, axis] for axis in (0, 1))  # (P, S)
    distance = (row - discs[:, :1]).square() + (col - discs[:, 1:2]).square()
    near = distance <= discs[:, 2:3].square()
    inside = (row >= 0) & (row < size[0]) & (col >= 0) & (col < size[1])
    disc, spot = (near & inside).nonzero(as_tuple=True)
    return disc, (row * size[1] + col)[disc, spot].long()


def _paint(image: Tensor, trails: list[Tensor], coverage: Tensor) -> tuple[Tensor, Tensor]:
    """Paint the marks, each image's up to its coverage (B,); return the images and where the marks are (B, 1, H, W)."""
    discs = torch.cat(trails)
    reached = _reached(trails, (image.shape[2], image.shape[3]))
    order = reached.flatten(1).argsort(dim=1, stable=True)
    wanted = torch.arange(order.shape[1]) < (coverage * order.shape[1]).round()[:, None]
    mark = torch.zeros_like(wanted).scatter(1, order, wanted).view(reached.shape) & (reached < len(discs))
    tone = torch.cat([discs[:, 3], discs.new_zeros(1)])[reached]
    mark, tone = (plane[:, None].to(image.dtype).to(image.device) for plane in (mark, tone))
    return torch.where(mark > 0, tone, image), mark
