"""How clean images vary: shifts, affine maps and zooms."""

import torch
from torch import Tensor
from torch.nn import functional

from agerestore.device import send


def random_shift(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Shift each image (B, C, S, S) by up to ``most`` pixels along both axes; edge pixels fill the gap."""
    padded = functional.pad(x, (most,) * 4, mode="replicate")
    down, across = torch.randint(2 * most + 1, (2, len(x), 1), generator=generator, device=x.device)
    places = torch.arange(x.shape[2], device=x.device)
    each = torch.arange(len(x), device=x.device)[:, None, None]
    moved = padded[each, :, (places + down)[:, :, None], (places + across)[:, None]]  # (B, S, S, C)
    return moved.permute(0, 3, 1, 2)


ROTATION, SCALING, SHEAR, TRANSLATION = 0.3, 0.2, 0.3, 0.12  # at most: radians, share, tangent, share of half a side


def random_affine(x: Tensor, seed: int) -> Tensor:
    """Images (B, C, S, S), each rotated, scaled, sheared and translated in its own way."""
    generator = torch.Generator().manual_seed(seed)
    angle, across, down, shear, *moved = (2 * torch.rand(6, len(x), generator=generator) - 1).unbind(0)
    angle, shear = ROTATION * angle, SHEAR * shear
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    scaling = torch.diag_embed(1 + SCALING * torch.stack([across, down], 1))
    scaling[:, 0, 1] = shear
    matrix = torch.cat([rotation @ scaling, TRANSLATION * torch.stack(moved, 1)[:, :, None]], 2).to(x.dtype)
    grid = functional.affine_grid(send(matrix, x.device), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def random_zoom(lab: Tensor, seed: int) -> Tensor:
    """The same images (B, 3, S, S), mirrored, and one random part of them, 5/8 of the side or more, at full size."""
    side = lab.shape[3]
    generator = torch.Generator().manual_seed(seed)
    part = int(torch.randint(side * 5 // 8, side + 1, (), generator=generator))
    top, left = torch.randint(side - part + 1, (2,), generator=generator).tolist()
    view = lab.flip(3)[:, :, top : top + part, left : left + part]
    return functional.interpolate(view, (side, side), mode="bilinear")
