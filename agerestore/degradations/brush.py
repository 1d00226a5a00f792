"""A soft round brush: marks with smooth edges, painted until a given number of pixels is touched.

A mark is a list of discs (row, column, radius, dark, strength): whole numbers are the centers of pixels, lengths are in
pixels, dark is 0 or 1, strength in [0, 1]. A disc covers a pixel by strength * clamp(radius + 1/2 - distance, 0, 1), so
that lines thinner than a pixel are faint. All is computed on the CPU: marks are the same on every device.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Size = tuple[int, int]

SPACING = 0.5  # pixels between the discs of a line
_LEAST = 0.02  # what a disc must cover of a pixel to touch it
_MAX_PIXELS = 2**21  # computed at a time, to bound the memory
_MAX_IDLE = 64  # marks in a row that touch no new pixel, after which no more are asked for


def line(path: Tensor, radius: Tensor, dark: float, strength: Tensor | float = 1.0) -> Tensor:
    """Return the discs (Q, 5) of a line through nodes (P, 2) with a radius (P,) and strength (P,) at each."""
    legs = (path[1:] - path[:-1]).norm(dim=1)
    along = torch.cat([legs.new_zeros(1), legs.cumsum(0)])
    at = torch.arange(0, float(along[-1]), SPACING, dtype=path.dtype)
    leg = torch.searchsorted(along[1:].contiguous(), at, right=True).clamp(max=len(legs) - 1)
    part = ((at - along[leg]) / legs[leg])[:, None]
    nodes = torch.cat([path, radius[:, None], torch.as_tensor(strength).expand(len(path))[:, None]], 1).to(path.dtype)
    between = nodes[leg] * (1 - part) + nodes[leg + 1] * part
    return torch.cat([between[:, :3], torch.full_like(part, dark), between[:, 3:]], 1)


def near(discs: Tensor, size: Size) -> Tensor:
    """Return the discs that may touch the image."""
    reach = discs[:, 2:3] + 1
    return discs[((discs[:, :2] > -reach) & (discs[:, :2] < torch.tensor(size) + reach)).all(1)]


def paint(size: Size, pixels: float, marks: Callable[[float], Tensor], before: Tensor | None = None) -> Tensor:
    """Paint marks until they have touched as many pixels as wanted.

    Args:
        size: Height and width of the image.
        pixels: How many are to be touched; the last disc may touch a few more.
        marks: How many pixels are still wanted -> the discs (P, 5) of one or more marks.
        before: Marks that are painted already, as they are returned; what they have touched counts.

    Returns:
        (2, H, W) float32 in [0, 1]: how far each pixel is covered by light and by dark marks.
    """
    planes = torch.zeros(2, *size) if before is None else before.clone()
    covered, touched = planes.flatten().numpy(), (planes.amax(0) > 0).flatten().numpy()  # covered is planes' memory
    wanted, idle = min(round(pixels), len(touched)) - int(touched.sum()), 0
    while wanted > 0 and idle < _MAX_IDLE:
        still = wanted
        discs = near(marks(float(wanted)), size)
        reach = math.floor(float(discs[:, 2].max()) + 1) if len(discs) else 0
        for some in discs.split(1 + _MAX_PIXELS // (2 * reach + 1) ** 2):
            wanted -= _press(some, reach, size, wanted, covered, touched)
        idle = idle + 1 if wanted == still else 0
    return planes


def _press(discs: Tensor, reach: int, size: Size, wanted: int, covered: np.ndarray, touched: np.ndarray) -> int:
    """Press the first discs that touch ``wanted`` new pixels, or all; return how many new pixels they touch."""
    disc, pixel, alpha = _cover(discs, reach, size)
    new, first = np.unique(pixel, return_index=True)
    arrival = np.sort(disc[first[~touched[new]]])  # the disc that is first to touch each new pixel
    if wanted <= len(arrival):
        last = arrival[wanted - 1] if wanted > 0 else -1
        disc, pixel, alpha = (values[: np.searchsorted(disc, last, "right")] for values in (disc, pixel, alpha))
        arrival = arrival[arrival <= last]
    dark = discs[:, 3].numpy()[disc] > 0
    np.maximum.at(covered, pixel + len(touched) * dark, alpha)
    touched[pixel] = True
    return len(arrival)


def _cover(discs: Tensor, reach: int, size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of a disc and a flat pixel that it touches, and how far it covers it: each (N,), by disc."""
    around = torch.cartesian_prod(*2 * [torch.arange(-reach, reach + 1)])
    row, column = (discs[:, axis : axis + 1].round() + around[:, axis] for axis in (0, 1))
    distance = torch.hypot(row - discs[:, :1], column - discs[:, 1:2])
    alpha = discs[:, 4:5] * (discs[:, 2:3] + 0.5 - distance).clamp(0, 1)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    disc, spot = ((alpha > _LEAST) & inside).nonzero(as_tuple=True)
    pixel = (row * size[1] + column)[disc, spot].long()
    return disc.numpy(), pixel.numpy(), alpha[disc, spot].float().numpy()
