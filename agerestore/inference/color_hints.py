"""Color hints: colors that a person gives at points of an image, carried to all that they say something of.

First they say which codes are likely: of codes drawn from the code prior p(z | L), each counts by how near its colors
come to the hints (Bayes' rule with Gaussian errors), and the answer is the mean over codes. What it then lacks at the
hints is carried to places that the backbone sees as similar, that are near and of similar lightness, by regression with
a Gaussian process (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, equation 2.23). A narrow
part of the kernel makes colors exact at the hints themselves.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config.hints import Hint
from agerestore.errors import UsageError
from agerestore.images.color import rgb_to_lab
from agerestore.inference import color_codes
from agerestore.models.photo_colorizer import PhotoColorizer

ERROR = 17.0  # standard deviation of a code's a and b from the true ones, together, in units of Lab
CODES, HEAVIEST = 64, 8  # at least: that are drawn, and of these over which the mean is taken
FEATURE_REACH, PLACE_REACH, LIGHTNESS_REACH = 2.0, 0.5, 25.0  # of the wide kernel: places in short sides of the image
NARROW_SHARE = 0.3  # by which the kernel is higher right around a hint
NARROW_PLACE, NARROW_LIGHTNESS = 2.0, 8.0  # its reach, in pixels of the chroma and units of lightness
RIDGE = 1e-4  # keeps the equations of close hints solvable


class HintPoints(NamedTuple):
    """Known colors on the grid of the chroma that networks draw.

    Attributes:
        rows: (N,) int64.
        columns: (N,) int64.
        chroma: (N, 2) a and b of Lab.
    """

    rows: Tensor
    columns: Tensor
    chroma: Tensor

    def of(self, planes: Tensor, grid: tuple[int, int]) -> Tensor:
        """What planes (K, C, h, w) of any size have at the points of a grid: (K, N, C)."""
        height, width = planes.shape[2:]
        found = planes[:, :, self.rows * height // grid[0], self.columns * width // grid[1]]
        return found.mT


def locate(hints: Sequence[Hint], size: tuple[int, int], grid: tuple[int, int]) -> HintPoints:
    """Put hints onto a grid; of several in one cell the mean.

    Args:
        hints: at least one.
        size: height and width of the image that their coordinates are of.
        grid: h and w of the chroma.

    Raises:
        UsageError: a hint lies outside the image.
    """
    planes = torch.zeros(3, *grid)
    for hint in hints:
        if hint.x >= size[1] or hint.y >= size[0]:
            raise UsageError(f"hint {hint} lies outside the image of {size[1]}x{size[0]} pixels; move it inside")
        row, column = (int((at + 0.5) * few / full) for at, few, full in zip((hint.y, hint.x), grid, size, strict=True))
        planes[:, row, column] += torch.cat([torch.ones(1), _chroma_of(hint.color)])
    rows, columns = planes[0].nonzero(as_tuple=True)
    count, *total = planes[:, rows, columns]
    return HintPoints(rows, columns, torch.stack(total, 1) / count[:, None])


def _chroma_of(color: str) -> Tensor:
    """The a and b (2,) of a color such as ``#a0522d``."""
    rgb = torch.tensor([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return rgb_to_lab(rgb.view(1, 3, 1, 1))[0, 1:, 0, 0]


@torch.no_grad()
def likely_planes(networks: PhotoColorizer, lightness: Tensor, points: HintPoints, count: int, seed: int) -> Tensor:
    """Chroma (K, 2, h, w) of an image under the codes that hints make likely: their mean, and draws of single ones.

    Args:
        networks: in eval mode.
        lightness: (1, 1, H, W) in [0, 100], as the networks take it.
        points: on the grid of h and w.
        count: K.
        seed: of all draws.
    """
    codes = color_codes.candidates(networks, lightness, seed, max(CODES, count))
    grid = lightness.shape[2] // 2, lightness.shape[3] // 2
    found = points.of(color_codes.compared(networks, lightness, codes).cpu(), grid)
    weights = (-(found - points.chroma).square().sum(dim=(1, 2)) / (2 * ERROR**2)).softmax(dim=0)
    heaviest = weights.topk(min(max(HEAVIEST, count - 1), len(codes))).indices
    planes = torch.cat([networks.generate(lightness, each[None]) for each in codes[heaviest]])
    likely = (weights[heaviest] + torch.finfo(torch.float32).tiny).to(planes)
    mean: Tensor = torch.tensordot(likely / likely.sum(), planes, dims=1)[None]
    if count == 1:
        return mean
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.multinomial(likely.cpu().float(), count - 1, generator=generator)
    return torch.cat([mean, planes[drawn]])


@torch.no_grad()
def carry(networks: PhotoColorizer, lightness: Tensor, points: HintPoints, planes: Tensor) -> Tensor:
    """Planes (K, 2, h, w) of chroma, changed so that they have the colors of the hints at their points and around."""
    height, width = planes.shape[2:]
    light = F.avg_pool2d(lightness, 2)[0].cpu()
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([y, x])
    narrow = torch.cat([places / NARROW_PLACE, light / NARROW_LIGHTNESS])
    similar = networks.similarity_features(lightness)[0].cpu() / FEATURE_REACH
    wide = torch.cat([similar, places / (PLACE_REACH * min(height, width)), light / LIGHTNESS_REACH])
    kernel = _gaussian(wide, points) * (1 + NARROW_SHARE * _gaussian(narrow, points))
    own = kernel.view(height, width, -1)[points.rows, points.columns].double()
    missing = points.chroma - points.of(planes.cpu(), (height, width))  # (K, N, 2)
    weights = torch.linalg.solve(own + RIDGE * torch.eye(len(own)), missing.double()).float()
    carried: Tensor = planes.cpu() + (kernel @ weights).mT.reshape(planes.shape)
    return carried


def _gaussian(places: Tensor, points: HintPoints) -> Tensor:
    """Kernel (h w, N) between all of the places (D, h, w) and those of hints."""
    flat, centers = places.flatten(1).mT, places[:, points.rows, points.columns].mT
    kernel: Tensor = (-torch.cdist(flat, centers).square() / 2).exp()
    return kernel
