"""Geometric self-ensemble (Timofte, Rothe & Van Gool, 2016): the mean of the answers to a picture turned and mirrored.

A network that was shown pictures in all positions answers each a little differently, and the mean errs less.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

# Quarter turns, and whether mirrored before: the eight ways to lay a square, half a turn first.
DIHEDRAL = ((0, False), (2, False), (1, False), (3, False), (0, True), (2, True), (1, True), (3, True))

Estimate = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]


def apply_d4(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    """(B, C, H, W) in one of `DIHEDRAL`."""
    return (x.flip(3) if mirrored else x).rot90(turns, (2, 3))


def undo_d4(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Undo `turned`."""
    x = x.rot90(-turns, (2, 3))
    return x.flip(3) if mirrored else x


def mean_estimate(
    estimate: Estimate, image: Tensor, mask: Tensor | None, count: int, multiple: int = 1
) -> tuple[Tensor, Tensor]:
    """The mean over the first ``count`` of `DIHEDRAL` of what is estimated there.

    Args:
        estimate: picture (B, 3, H, W), mask (B, 1, H, W) or None -> estimate and its deviation, both (B, 3, H, W).
        image: (B, 3, H, W).
        mask: (B, 1, H, W) or None.
        count: 1, 2, 4 or 8; 1 is the estimate itself.
        multiple: sides are continued to a multiple of this, so that what is computed on a coarser grid begins at an
            edge of the picture in every position, and tiles stay parts of the whole.

    Returns:
        Estimate and deviation; the latter is the mean of the single ones, a little more than that of the mean.
    """
    if count == 1:
        return estimate(image, mask)
    height, width = image.shape[2:]
    padding = (0, -width % multiple, 0, -height % multiple)
    image = F.pad(image, padding, mode="replicate")
    mask = None if mask is None else F.pad(mask, padding, mode="replicate")
    total = image.new_zeros(2, *image.shape)
    for position in DIHEDRAL[:count]:
        there = None if mask is None else apply_d4(mask, *position)
        answer = estimate(apply_d4(image, *position).contiguous(memory_format=torch.channels_last), there)
        total += torch.stack([undo_d4(each, *position) for each in answer])
    mean, deviation = (total / count)[..., :height, :width]
    return mean, deviation
