"""The latent space: the unit sphere in M dimensions, or a Gaussian, and ways to move on it."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.config import Prior


def project(v: Tensor) -> Tensor:
    """Project vectors onto the unit sphere.

    Args:
        v: (..., M) float, any length but zero.

    Returns:
        (..., M) of unit Euclidean norm.
    """
    return F.normalize(v, dim=-1)


def sample(batch: int, dim: int, generator: torch.Generator, prior: Prior = "sphere") -> Tensor:
    """Draw prior codes, on the device of ``generator``.

    Args:
        batch: number of codes B.
        dim: number of dimensions M.
        generator: source of randomness; the global one is never touched.
        prior: ``sphere`` for the uniform distribution on the unit sphere (the AGE paper, section 3.1),
            ``gaussian`` for N(0, I).

    Returns:
        (B, M) float32.
    """
    z = torch.randn(batch, dim, generator=generator, device=generator.device)
    return project(z) if prior == "sphere" else z


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Walk the great circle from ``a`` (t = 0) to ``b`` (t = 1) at constant speed.

    Args:
        a: (..., M) on the unit sphere.
        b: (..., M) on the unit sphere, not opposite to ``a`` (there the way is not unique).
        t: position in [0, 1]; a tensor must broadcast against (..., 1).

    Returns:
        (..., M) on the unit sphere.

    >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 1 / 3)
    tensor([0.8660, 0.5000])
    """
    # atan2 of the half angle keeps its precision where acos of the dot product has lost it.
    angle = 2 * torch.atan2((a - b).norm(dim=-1, keepdim=True), (a + b).norm(dim=-1, keepdim=True))
    weight_a, weight_b = torch.sin((1 - t) * angle), torch.sin(t * angle)
    straight = torch.where(angle.abs() < 1e-6, a, weight_a * a + weight_b * b)
    return project(straight)


def moments(z: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of a batch of codes, dimension by dimension.

    Args:
        z: (B, M).

    Returns:
        Two (M,) tensors. For the uniform sphere they tend to 0 and 1/M.
    """
    return z.mean(dim=0), z.var(dim=0, unbiased=False)


def sphere_log_area(dim: int) -> float:
    """Logarithm of the area of the unit sphere in ``dim`` dimensions: the entropy of its uniform distribution.

    >>> round(sphere_log_area(3), 4)  # ln(4 pi)
    2.531
    """
    return math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
