"""Geometric self-ensemble: the mean of the estimates of an image in its rotated and mirrored positions.

Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super resolution", 2016.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.models.layers.estimator import NO_MARGIN, Margin

# The dihedral group of the square: (quarter turns, mirrored before); the half turn comes second.
DIHEDRAL = ((0, False), (2, False), (1, False), (3, False), (0, True), (2, True), (1, True), (3, True))

Estimator = Callable[[Tensor, Tensor | None, Margin], tuple[Tensor, Tensor]]


def apply_d4(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Bring (B, C, H, W) into one of the positions `DIHEDRAL`."""
    return (x.flip(3) if mirrored else x).rot90(turns, (2, 3))


def undo_d4(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Undo `apply_d4`."""
    x = x.rot90(-turns, (2, 3))
    return x.flip(3) if mirrored else x


def mean_estimate(
    estimate: Estimator, image: Tensor, mask: Tensor | None, margin: Margin, count: int, multiple: int = 1
) -> tuple[Tensor, Tensor]:
    """The mean estimate over the first ``count`` positions of `DIHEDRAL`.

    Args:
        estimate: image (B, 3, H, W), mask (B, 1, H, W) or None, and margin -> estimate and its std, both (B, 3, h, w).
        image: (B, 3, H, W).
        mask: (B, 1, H, W) or None.
        margin: pixels on each side that are context alone; the answers are without them.
        count: 1, 2, 4 or 8; 1 is the estimate itself.
        multiple: sides are padded to a multiple of it: the coarse grids of the network then begin at an edge of the
            image in every position, and tiles equal the whole.

    Returns:
        Estimate and std; the latter is the mean of the single ones, a little more than that of the mean.
    """
    if count == 1:
        return estimate(image, mask, margin)
    height, width = image.shape[2:]
    padding = (0, -width % multiple, 0, -height % multiple)
    image = F.pad(image, padding, mode="replicate")
    mask = None if mask is None else F.pad(mask, padding, mode="replicate")
    total = image.new_zeros(2, *image.shape)
    for position in DIHEDRAL[:count]:
        there = None if mask is None else apply_d4(mask, *position)
        answer = estimate(apply_d4(image, *position).contiguous(memory_format=torch.channels_last), there, NO_MARGIN)
        total += torch.stack([undo_d4(each, *position) for each in answer])
    mean, std = (total / count)[..., :height, :width]
    return margin.cut(mean), margin.cut(std)
