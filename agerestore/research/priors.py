"""Priors in the plane, of the AAE paper (Makhzani et al., 2015, section 2.3): ten Gaussians and a swiss roll.

A label says which component of the mixture, or which tenth of the roll, a code comes from.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

COMPONENTS = 10  # of the mixture, and parts of the swiss roll: one for each digit
# Of a component of the mixture: distance of its mean from the origin, standard deviations along and across that line.
DISTANCE, STD_ALONG, STD_ACROSS = 3.0, 0.7, 0.25
ANGLES, RADIUS, STD_ROLL = (1.5 * math.pi, 4.5 * math.pi), 3.0, 0.05  # of the swiss roll; the radius is at its end


def mixture(noise: Tensor, labels: Tensor | None, generator: torch.Generator) -> Tensor:
    """Ten Gaussians around the origin, as the petals of a flower.

    Args:
        noise: (B, 2) from N(0, I).
        labels: (B,) int64, the component of each code, or -1 for any; None for any at all.
        generator: source of the random components.

    Returns:
        (B, 2).
    """
    petal = torch.stack([DISTANCE + STD_ALONG * noise[:, 0], STD_ACROSS * noise[:, 1]], 1)
    return _rotate(petal, _parts(len(noise), labels, generator) * (2 * math.pi / COMPONENTS))


def swissroll(noise: Tensor, labels: Tensor | None, generator: torch.Generator) -> Tensor:
    """A spiral, even along its length; arguments as for `mixture`."""
    part = _parts(len(noise), labels, generator)
    position = (part + torch.rand(len(noise), generator=generator, device=generator.device)) / COMPONENTS
    begin, end = ANGLES
    angle = (begin**2 + position * (end**2 - begin**2)).sqrt()  # even: the length of a spiral grows as the square
    spiral = RADIUS / end * angle[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return spiral + STD_ROLL * noise


PRIORS: dict[str, Callable[[Tensor, Tensor | None, torch.Generator], Tensor]] = {
    "mixture": mixture,
    "swissroll": swissroll,
}


def component_of(z: Tensor) -> Tensor:
    """The component of the mixture that each code most likely comes from.

    Args:
        z: (B, 2) float.

    Returns:
        (B,) int64, from 0 to `COMPONENTS` - 1.

    >>> component_of(torch.tensor([[3.0, 0.0], [-3.0, 0.1]]))
    tensor([0, 5])
    """
    rotated = [_rotate(z, torch.full((len(z),), -part * 2 * math.pi / COMPONENTS, device=z.device))
               for part in range(COMPONENTS)]  # fmt: skip
    distance = (torch.stack(rotated, 1) - z.new_tensor([DISTANCE, 0])) / z.new_tensor([STD_ALONG, STD_ACROSS])
    return distance.square().sum(2).argmin(1)


def _parts(count: int, labels: Tensor | None, generator: torch.Generator) -> Tensor:
    drawn = torch.randint(COMPONENTS, (count,), generator=generator, device=generator.device)
    return drawn if labels is None else torch.where(labels < 0, drawn, labels)


def _rotate(points: Tensor, angle: Tensor) -> Tensor:
    """Points (B, 2) rotated around the origin by angles (B,)."""
    x, y = points.unbind(1)
    return torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 1)
