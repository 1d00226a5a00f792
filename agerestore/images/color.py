"""CIE Lab and its white point: the one place where colors become lightness and chroma, and colors again.

RGB is sRGB (IEC 61966-2-1) in [0, 1], (B, 3, H, W). Lab is CIE 1976 L*a*b* under D65, 2 degree observer, (B, 3, H, W):
L in [0, 100], a from green to red and b from blue to yellow, within the gamut of sRGB a in [-86.2, 98.3] and b in
[-107.9, 94.5]. All functions are differentiable, in the type and on the device of what they are given; float32 goes
to Lab and back exactly enough for 16-bit files. Luma, the Y of grayscale files, is a sum of encoded channels instead.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from agerestore.images.pixels import LUMA

# Linear sRGB to XYZ, ITU-R BT.709 primaries and D65, as in OpenCV and Kornia. The white point is what this makes of
# (1, 1, 1), (0.950456, 1, 1.088754), so that gray has no chroma at all; a white rounded on its own leaves some.
RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
DELTA = 6 / 29  # where the cube root of Lab turns into a straight line (CIE 15:2004)
BISECTIONS = 12  # leave 1/4096 of the wanted chroma: less than 0.05
OUTSIDE = 1e-5  # of linear RGB: float32 rounds by a tenth of it, and an 8-bit file shows 30 times as much


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) sRGB in [0, 1] -> (B, 3, H, W) Lab.

    >>> rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten().round(decimals=1)
    tensor([53.2000, 80.1000, 67.2000])
    """
    x, y, z = _compress(_mix(_to_linear(rgb), _matrices()[0])).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """(B, 3, H, W) Lab -> (B, 3, H, W) sRGB; below 0 or above 1 where sRGB has no such color."""
    return _to_encoded(_lab_to_linear(lab))


def lightness(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) sRGB in [0, 1] -> (B, 1, H, W): the L of `rgb_to_lab` alone."""
    return 116 * _compress(_mix(_to_linear(rgb), _matrices()[0][1:2])) - 16


def luminance(image: Tensor) -> Tensor:
    """(B, 1 or 3, H, W) -> (B, 1, H, W): Rec. 601 luma, as grayscale files are made."""
    if image.shape[1] == 1:
        return image
    red, green, blue = image.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def match_channels(image: Tensor, channels: int) -> Tensor:
    """(B, 1 or 3, H, W) -> (B, channels, H, W): gray is repeated, color becomes its luminance."""
    return luminance(image) if channels == 1 else image.expand(-1, 3, -1, -1)


def lab_to_displayable(lab: Tensor) -> Tensor:
    """(B, 3, H, W) Lab -> (B, 3, H, W) sRGB in [0, 1] of the same lightness and hue.

    Chroma that sRGB does not have at a lightness is shrunk towards gray until it does, found by bisection. Not
    differentiable where it is shrunk.
    """
    linear = _lab_to_linear(lab)
    outside = _is_outside(linear)
    if outside.any():
        where = outside[:, 0].nonzero(as_tuple=True)
        pixels = lab.movedim(1, -1)[where]  # (N, 3)
        fitting = _shrink_chroma(pixels.mT[None, :, None])  # as a picture (1, 3, 1, N)
        linear = linear.movedim(1, -1).index_put(where, _lab_to_linear(fitting)[0, :, 0].mT).movedim(-1, 1)
    return _to_encoded(linear.clamp(0, 1)).clamp(0, 1)


def _shrink_chroma(lab: Tensor) -> Tensor:
    """The largest share of the chroma of each pixel of (1, 3, 1, N) with which it can be displayed."""
    light, chroma = lab[:, :1], lab[:, 1:]
    share = torch.zeros_like(light)  # gray can always be displayed
    for step in range(1, BISECTIONS + 1):
        more = share + 0.5**step
        outside = _is_outside(_lab_to_linear(torch.cat([light, chroma * more], dim=1)))
        share = torch.where(outside, share, more)
    return torch.cat([light, chroma * share], dim=1)


def _is_outside(linear: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 1, H, W) bool: no color of sRGB."""
    return (linear.amin(1, keepdim=True) < -OUTSIDE) | (linear.amax(1, keepdim=True) > 1 + OUTSIDE)


def _lab_to_linear(lab: Tensor) -> Tensor:
    light, a, b = lab.unbind(1)
    y = (light + 16) / 116
    return _mix(_expand(torch.stack([y + a / 500, y, y - b / 200], dim=1)), _matrices()[1])


@cache
def _matrices() -> tuple[Tensor, Tensor]:
    """Linear RGB to XYZ in units of white, and back, (3, 3) float64."""
    matrix = np.array(RGB_TO_XYZ)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return torch.from_numpy(matrix), torch.from_numpy(np.linalg.inv(matrix))


def _mix(channels: Tensor, matrix: Tensor) -> Tensor:
    """(B, 3, H, W) through a matrix (C, 3) -> (B, C, H, W); sums written out, in full precision on every device."""
    first, second, third = channels.unbind(1)
    return torch.stack([x * first + y * second + z * third for x, y, z in matrix.tolist()], dim=1)


# The power of each curve is taken of numbers on its own side of the knee only: below it, its slope is infinite at zero,
# and `where` would turn that into gradients that are no numbers.
def _to_linear(rgb: Tensor) -> Tensor:
    return torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055).pow(2.4), rgb / 12.92)


def _to_encoded(linear: Tensor) -> Tensor:
    knee = 0.0031308
    return torch.where(linear > knee, 1.055 * linear.clamp(min=knee).pow(1 / 2.4) - 0.055, 12.92 * linear)


def _compress(xyz: Tensor) -> Tensor:
    knee = DELTA**3
    return torch.where(xyz > knee, xyz.clamp(min=knee).pow(1 / 3), xyz / (3 * DELTA**2) + 4 / 29)


def _expand(root: Tensor) -> Tensor:
    return torch.where(root > DELTA, root * root * root, 3 * DELTA**2 * (root - 4 / 29))
