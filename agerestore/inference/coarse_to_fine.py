"""Coarse-to-fine inpainting: what lies deep in a mask is filled at low resolution first.

The networks fill pixels near known ones well. In an image of half the size a hole is half as large: what they fill
there is enlarged, put into the deep part of the hole, and counts as known at the full size. Repeated until no hole is
deep, this is push-pull (Gortler et al., "The Lumigraph", 1996) with a network in place of means.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.tiling import Box, divide

BLOCK = 512  # pixels a side, read at a time; a multiple of any factor
MARGIN = 2  # low-resolution pixels around one of the deep mask that are missing, too
UNIFORM_STD = 12**-0.5  # standard deviation of the uniform distribution on [0, 1]


@dataclass(frozen=True)
class LowResFill:
    """A fill of the deep part of a mask, at low resolution.

    Attributes:
        factor: by which it is smaller than the image.
        image: (B, C, h, w) in [0, 1].
        std: (B, 1, h, w), expected standard deviation of the error of ``image``; None if that was not computed.
        deep_mask: (B, 1, h, w) bool, the deep part: nothing is known in the pixel and the `MARGIN` pixels around it.
    """

    factor: int
    image: Tensor
    std: Tensor | None
    deep_mask: Tensor

    def composite_under(self, part: Observation, box: Box) -> Observation:
        """Put the fill into the deep part of the mask of a part of the image; those pixels then count as known."""
        assert part.mask is not None  # otherwise nothing is deep
        deep = self._enlarged(self.deep_mask.float(), box, "nearest") > 0
        image = torch.where(deep, self._enlarged(self.image, box, "bilinear"), part.image)
        return Observation(image, part.mask.masked_fill(deep, 0))

    def min_std(self, part: Observation, box: Box) -> Tensor:
        """Least standard deviation (B, 1, h, w) of missing pixels in a part of the image; 0 for known ones.

        It holds for the whole mask: pixels between the deep part and known ones take the fill for known, too.
        """
        assert self.std is not None
        return self._enlarged(self.std, box, "bilinear") * (1 - part.known)

    def _enlarged(self, low_res: Tensor, box: Box, mode: str) -> Tensor:
        """Enlarge to the pixels of a box; read with one more pixel on each side, so that parts equal the whole."""
        (rows, columns), factor = low_res.shape[2:], self.factor
        top, left = max(box.top // factor - 1, 0), max(box.left // factor - 1, 0)
        bottom, right = min(-(-box.bottom // factor) + 1, rows), min(-(-box.right // factor) + 1, columns)
        near = F.interpolate(low_res[:, :, top:bottom, left:right], scale_factor=factor, mode=mode)
        rows_of, columns_of = box.within(Box(top * factor, left * factor, 0, 0)).slices
        return near[:, :, rows_of, columns_of]


@dataclass(frozen=True)
class LowRes:
    """Images at low resolution, to be filled.

    Attributes:
        raster: (B, C, h, w) float32, and a mask of the pixels of which nothing is known.
        deep_mask: see `LowResFill`.
        factor: by which it is smaller than the next larger resolution.
        total_factor: by which it is smaller than the images that are restored.
    """

    raster: Raster
    deep_mask: Tensor
    factor: int
    total_factor: int

    @property
    def is_one_pixel(self) -> bool:
        """Whether there is nothing around a missing pixel."""
        return self.raster.size == (1, 1)

    def filled(self, image: Tensor, std: Tensor | None) -> LowResFill:
        """The fill that the next larger resolution takes for known."""
        return LowResFill(self.factor, image, std, self.deep_mask)

    def filled_flat(self) -> LowResFill:
        """The fill of one pixel: if it is missing mid-gray, which may be anything from black to white."""
        missing = self.raster.mask
        assert missing is not None
        return self.filled(torch.where(missing, 0.5, self.raster.values), UNIFORM_STD * missing.float())


def low_res_levels(raster: Raster, factor: int, device: torch.device) -> list[LowRes]:
    """Downsample images until no part of their mask is deep; the smallest comes first, and is to be filled first.

    Args:
        raster: the images and their mask.
        factor: between one resolution and the next.
        device: where to compute.

    Returns:
        All resolutions below that of the images; none if no part of the mask is deep.
    """
    levels: list[LowRes] = []
    level = _downsampled(raster, factor, factor, device)
    while level.deep_mask.any():
        levels.insert(0, level)
        if level.is_one_pixel:
            break
        level = _downsampled(level.raster, factor, level.total_factor * factor, device)
    return levels


def _downsampled(raster: Raster, factor: int, total_factor: int, device: torch.device) -> LowRes:
    """The means of the known pixels of squares, read block by block."""
    (height, width), rows = raster.size, []
    for top in range(0, height, BLOCK):
        band = Box(top, 0, min(top + BLOCK, height), width)
        rows.append(torch.cat([_means(raster.read(box.slices, device), factor) for box in divide(band, BLOCK)], 3))
    image, share = torch.cat(rows, 2).tensor_split([-1], 1)
    deep = F.max_pool2d((share > 0).float(), 2 * MARGIN + 1, stride=1, padding=MARGIN) == 0
    return LowRes(Raster(image / share.clamp_min(1e-6), mask=share <= 0), deep, factor, total_factor)


def _means(block: Observation, factor: int) -> Tensor:
    """(B, C + 1, h, w): means over squares of the image, 0 where it is missing, and the share of known pixels."""
    return F.avg_pool2d(torch.cat([block.filled(), block.known], 1), factor, ceil_mode=True)
