"""Marks on a picture: strokes, scratches and dust, all painted with one round brush.

A mark is a trail of touches (row, column, radius, tone); each touch leaves a disc. Pixels know which touch
reached them first, so that a mark stops when it has covered a given number of pixels. The trails are laid per
picture, on the CPU, from the picture's seed: they are the same in every batch and on every device.
"""

import math

import torch
from torch import Generator, Tensor

from agerestore.degradations.operators import Outcome, Parameters, column

Size = tuple[int, int]

_MOST_SCRATCHES = 512  # or eight times as many as would do if none left the picture
_SURPLUS = 1.4  # how much more scratch is laid than is wanted, for what falls on other scratches
_MOST_SPOTS = 2**21  # pixels looked at together, to bound the memory


def strokes(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Free-form brush strokes of unknown pixels: `count` wandering lines, `width` pixels thick."""
    size = (image.shape[2], image.shape[3])
    trails = [
        torch.cat([_wander(size, width, generator) for _ in range(int(count))])
        for count, width, generator in _pictures(parameters["count"], parameters["width"], seed)
    ]
    reached = _reached(trails, size)
    return image, (reached < sum(map(len, trails)))[:, None].to(image)


def scratches(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Bright or dark lines, `width` pixels wide, on the share `coverage` of the pixels.

    Where `known` is 1, they are unknown pixels.
    """
    size = (image.shape[2], image.shape[3])
    trails = [
        _scratches(size, width, coverage * size[0] * size[1], generator)
        for width, coverage, generator in _pictures(parameters["width"], parameters["coverage"], seed)
    ]
    painted, mark = _paint(image, trails, parameters["coverage"])
    known = parameters["known"]
    return painted, mark * column(known, image) if known.any() else None


def dust(image: Tensor, parameters: Parameters, seed: Tensor) -> Outcome:
    """Bright or dark specks, up to `radius` pixels in radius, on the share `coverage` of the pixels."""
    size = (image.shape[2], image.shape[3])
    trails = [
        _specks(size, radius, coverage * size[0] * size[1], generator)
        for radius, coverage, generator in _pictures(parameters["radius"], parameters["coverage"], seed)
    ]
    return _paint(image, trails, parameters["coverage"])[0], None


def _pictures(first: Tensor, second: Tensor, seed: Tensor) -> list[tuple[float, float, Generator]]:
    """Two parameters of each picture as numbers, and its generator."""
    generators = [Generator().manual_seed(s) for s in seed.tolist()]
    return list(zip(first.tolist(), second.tolist(), generators, strict=True))


def _uniform(generator: Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _place(draws: Tensor, size: Size) -> Tensor:
    """Rows and columns anywhere on the picture, from the first two columns of uniform draws (P, 2+)."""
    return draws[:, :2] * torch.tensor(size) - 0.5


def _tone(draws: Tensor) -> Tensor:
    """Almost white or almost black, (P,), from the last two columns of uniform draws (P, 2+)."""
    return torch.where(draws[:, -2] < 0.5, 0.1 * draws[:, -1], 1 - 0.1 * draws[:, -1])


def _trail(path: Tensor, radius: float | Tensor, tone: float | Tensor) -> Tensor:
    """Touches (P, 4) along a path (P, 2), of one or of each its own radius and tone."""
    rest = [torch.as_tensor(value, dtype=path.dtype).expand(len(path)) for value in (radius, tone)]
    return torch.cat([path, torch.stack(rest, 1)], 1)


def _spacing(width: float) -> float:
    """How far apart touches may be to leave an even line."""
    return max(width / 4, 0.5)


def _wander(size: Size, width: float, generator: Generator) -> Tensor:
    """A trail of 4 to 8 straight legs, a tenth to a third of the picture each, in wide turns."""
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
    """The trail of enough scratches to cover `target` pixels."""
    trail, laid = [torch.zeros(0, 4, dtype=torch.float64)], 0.0
    most = max(_MOST_SCRATCHES, 8 * target / (max(size) * width))
    while laid < _SURPLUS * target and len(trail) <= most:
        draws = _uniform(generator, 1, 7)
        path = _arc(size, draws, _spacing(width))
        trail.append(_trail(path, width / 2, _tone(draws)))
        laid += len(path) * _spacing(width) * width
    return torch.cat(trail)


def _arc(size: Size, draws: Tensor, spacing: float) -> Tensor:
    """The part on the picture of a slightly bent line through a point of it: (P, 2), from draws (1, 5+)."""
    angle, length, bend = draws[0, 2:5].tolist()
    length = max(size) * (0.3 + 0.9 * length)
    sine, cosine = math.sin(math.pi * angle), math.cos(math.pi * angle)
    along = torch.arange(0, length, spacing, dtype=torch.float64) - length / 2
    across = 0.4 * (bend - 0.5) / length * along.square()
    rows, cols = sine * along + cosine * across, cosine * along - sine * across
    path = _place(draws, size) + torch.stack([rows, cols], 1)
    return path[((path > -0.5) & (path < torch.tensor(size) - 0.5)).all(1)]


def _specks(size: Size, radius: float, target: float, generator: Generator) -> Tensor:
    """The touches of enough specks to cover `target` pixels: they have 2 radius^2 pixels on average."""
    draws = _uniform(generator, 1 + math.ceil(target / radius**2), 5)
    return _trail(_place(draws, size), radius * (0.6 + 0.4 * draws[:, 2]), _tone(draws))


def _reached(trails: list[Tensor], size: Size) -> Tensor:
    """The first touch that holds each pixel's center.

    Args:
        trails: of each picture (P, 4): row, column (a pixel's center has whole ones), radius, tone.
        size: height and width of the pictures.

    Returns:
        (B, H, W) int64, the touch's number, counted through all trails; their sum where there is none.
    """
    touches = torch.cat(trails)
    reached = torch.full((len(trails) * size[0] * size[1],), len(touches))
    if len(touches):
        picture = torch.arange(len(trails)).repeat_interleave(torch.tensor([len(trail) for trail in trails]))
        reach = math.floor(float(touches[:, 2].max()) + 0.5)
        around = torch.cartesian_prod(*2 * [torch.arange(-reach, reach + 1)])  # (S, 2)
        for some in torch.split(torch.arange(len(touches)), 1 + _MOST_SPOTS // len(around)):
            touch, pixel = _discs(touches[some], around, size)
            pixel += picture[some][touch] * size[0] * size[1]
            reached.scatter_reduce_(0, pixel, some[touch], "amin")
    return reached.view(-1, *size)


def _discs(touches: Tensor, around: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """Which touches (P, 4) hold which pixels of a picture: the pairs (touch, flat pixel), each (N,)."""
    row, col = (touches[:, axis : axis + 1].round() + around[:, axis] for axis in (0, 1))  # (P, S)
    distance = (row - touches[:, :1]).square() + (col - touches[:, 1:2]).square()
    near = distance <= touches[:, 2:3].square()
    inside = (row >= 0) & (row < size[0]) & (col >= 0) & (col < size[1])
    touch, spot = (near & inside).nonzero(as_tuple=True)
    return touch, (row * size[1] + col)[touch, spot].long()


def _paint(image: Tensor, trails: list[Tensor], coverage: Tensor) -> tuple[Tensor, Tensor]:
    """The marks on the batch, each up to its coverage (B,), and where they are (B, 1, H, W)."""
    touches = torch.cat(trails)
    reached = _reached(trails, (image.shape[2], image.shape[3]))
    order = reached.flatten(1).argsort(dim=1, stable=True)
    wanted = torch.arange(order.shape[1]) < (coverage * order.shape[1]).round()[:, None]
    mark = torch.zeros_like(wanted).scatter(1, order, wanted).view(reached.shape) & (reached < len(touches))
    tone = torch.cat([touches[:, 3], touches.new_zeros(1)])[reached]
    mark, tone = (plane[:, None].to(image.dtype).to(image.device) for plane in (mark, tone))
    return torch.where(mark > 0, tone, image), mark
