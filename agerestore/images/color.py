"""Conversions between sRGB, CIE Lab and luma.

RGB is sRGB (IEC 61966-2-1) in [0, 1], (B, 3, H, W). Lab is CIE 1976 L*a*b* under D65, 2 degree observer, (B, 3, H, W):
L in [0, 100], a from green to red and b from blue to yellow, within the gamut of sRGB a in [-86.2, 98.3] and b in
[-107.9, 94.5]. All functions are differentiable and keep dtype and device; in float32 the way to Lab and back is exact
to 16 bits. Luma, the Y of gray files, is a weighted sum of encoded channels instead.

Not by Kornia or scikit-image: gray has no chroma at all here, gamut mapping is included, and importing is cheap.
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
DELTA = 6 / 29  # below it the cube root of Lab is replaced by a line (CIE 15:2004)
BISECTIONS = 12  # error 1/4096 of the chroma: less than 0.05
OUTSIDE = 1e-5  # of linear RGB: ten times the rounding of float32, a thirtieth of a step of 8 bits


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert (B, 3, H, W) sRGB in [0, 1] to Lab of that shape.

    >>> rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten().round(decimals=1)
    tensor([53.2000, 80.1000, 67.2000])
    """
    x, y, z = _compress(_mix(to_linear(rgb), _matrices()[0])).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert (B, 3, H, W) Lab to sRGB of that shape; below 0 or above 1 outside the gamut."""
    return to_encoded(_lab_to_linear(lab))


def lightness(rgb: Tensor) -> Tensor:
    """Return the L (B, 1, H, W) of `rgb_to_lab` alone."""
    return 116 * _compress(_mix(to_linear(rgb), _matrices()[0][1:2])) - 16


def luminance(image: Tensor) -> Tensor:
    """Return the luma (B, 1, H, W) of (B, 1 or 3, H, W), by ITU-R BT.601."""
    if image.shape[1] == 1:
        return image
    red, green, blue = image.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def match_channels(image: Tensor, channels: int) -> Tensor:
    """Convert (B, 1 or 3, H, W) to (B, channels, H, W): gray is repeated, color becomes its luma."""
    return luminance(image) if channels == 1 else image.expand(-1, 3, -1, -1)


def lab_to_displayable(lab: Tensor) -> Tensor:
    """Convert (B, 3, H, W) Lab to sRGB in [0, 1] of the same lightness and hue (gamut mapping).

    Chroma outside the gamut is scaled towards gray until it is inside, by bisection; not differentiable there.
    """
    linear = _lab_to_linear(lab)
    outside = _is_outside(linear)
    if outside.any():
        where = outside[:, 0].nonzero(as_tuple=True)
        pixels = lab.movedim(1, -1)[where]  # (N, 3)
        fitting = _shrink_chroma(pixels.mT[None, :, None])  # as an image (1, 3, 1, N)
        linear = linear.movedim(1, -1).index_put(where, _lab_to_linear(fitting)[0, :, 0].mT).movedim(-1, 1)
    return to_encoded(linear.clamp(0, 1)).clamp(0, 1)


def _shrink_chroma(lab: Tensor) -> Tensor:
    """Scale the chroma of each pixel of (1, 3, 1, N) by the largest factor up to 1 that is inside the gamut."""
    light, chroma = lab[:, :1], lab[:, 1:]
    share = torch.zeros_like(light)  # gray can always be displayed
    for step in range(1, BISECTIONS + 1):
        more = share + 0.5**step
        outside = _is_outside(_lab_to_linear(torch.cat([light, chroma * more], dim=1)))
        share = torch.where(outside, share, more)
    return torch.cat([light, chroma * share], dim=1)


def _is_outside(linear: Tensor) -> Tensor:
    """Return (B, 1, H, W) bool, True where a linear color (B, 3, H, W) is outside the gamut."""
    return (linear.amin(1, keepdim=True) < -OUTSIDE) | (linear.amax(1, keepdim=True) > 1 + OUTSIDE)


def _lab_to_linear(lab: Tensor) -> Tensor:
    light, a, b = lab.unbind(1)
    y = (light + 16) / 116
    return _mix(_expand(torch.stack([y + a / 500, y, y - b / 200], dim=1)), _matrices()[1])


@cache
def _matrices() -> tuple[Tensor, Tensor]:
    """Return the matrices from linear RGB to XYZ relative to white, and back, (3, 3) float64."""
    matrix = np.array(RGB_TO_XYZ)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return torch.from_numpy(matrix), torch.from_numpy(np.linalg.inv(matrix))


def _mix(channels: Tensor, matrix: Tensor) -> Tensor:
    """Multiply (B, 3, H, W) by a matrix (C, 3): (B, C, H, W); sums written out, in full precision on every device."""
    first, second, third = channels.unbind(1)
    return torch.stack([x * first + y * second + z * third for x, y, z in matrix.tolist()], dim=1)


# The power of each curve is taken of numbers on its own side of the knee only: below it, its slope is infinite at zero,
# and `where` would turn that into gradients that are no numbers.
def to_linear(rgb: Tensor) -> Tensor:
    """Convert sRGB of any shape to linear light, both 1 at white."""
    return torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055).pow(2.4), rgb / 12.92)


def to_encoded(linear: Tensor) -> Tensor:
    """Convert linear light of any shape to sRGB, both 1 at white."""
    knee = 0.0031308
    return torch.where(linear > knee, 1.055 * linear.clamp(min=knee).pow(1 / 2.4) - 0.055, 12.92 * linear)


def _compress(xyz: Tensor) -> Tensor:
    knee = DELTA**3
    return torch.where(xyz > knee, xyz.clamp(min=knee).pow(1 / 3), xyz / (3 * DELTA**2) + 4 / 29)


def _expand(root: Tensor) -> Tensor:
    return torch.where(root > DELTA, root * root * root, 3 * DELTA**2 * (root - 4 / 29))
