"""Distances between sets of points or features."""

import torch
from torch import Tensor

from agerestore.errors import UsageError


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = 128) -> float:
    """Sliced Wasserstein distance of order 1: the mean over random directions of the distance of projections.

    Args:
        a: (N, M) points.
        b: (N, M) as many points.
        directions: number of unit vectors, which are drawn with seed 0.
    """
    drawn = torch.randn(a.shape[1], directions, generator=torch.Generator().manual_seed(0)).to(a.device)
    projections = [(points @ (drawn / drawn.norm(dim=0))).sort(dim=0).values for points in (a, b)]
    return float((projections[0] - projections[1]).abs().mean())


def frechet_distance(a: Tensor, b: Tensor) -> Tensor:
    """Squared Fréchet distance between Gaussians fitted to two sets of features.

    |mean_a - mean_b|^2 + trace(A + B - 2 (A B)^(1/2)) with the sample covariances A and B (Dowson and Landau, 1982).
    Only with the features of the Inception network it is FID.

    Args:
        a: (N, D) float, one row per image.
        b: (M, D).

    Returns:
        () float64 on the CPU.

    Raises:
        UsageError: fewer than two rows in a set, or features of different length.
    """
    a, b = _comparable(a, b)
    cov_a, cov_b = (_covariance(features) for features in (a, b))
    value, vector = torch.linalg.eigh(cov_a)
    root = vector * value.clamp(min=0).sqrt() @ vector.mT
    # the trace of (A B)^(1/2) is that of the symmetric (A^(1/2) B A^(1/2))^(1/2), whose eigenvalues are real
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    distance: Tensor = (a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross
    return distance


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Kernel distance of two sets of features, unbiased: 0 in the mean where they are of one distribution.

    Of two sets of one length, row by row of one image each, no image is compared with itself.

    The squared maximum mean discrepancy with the kernel (x y / D + 1)^3 (Binkowski et al., "Demystifying MMD GANs",
    2018). Only with the features of the Inception network it is KID.

    Args:
        a: (N, D) float, one row per image.
        b: (M, D).

    Raises:
        UsageError: fewer than two rows in a set, or features of different length.
    """
    a, b = _comparable(a, b)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.mT / x.shape[1] + 1) ** 3

    def within(x: Tensor) -> Tensor:
        all_pairs = kernel(x, x)
        return (all_pairs.sum() - all_pairs.trace()) / (len(x) * (len(x) - 1))

    across = kernel(a, b)
    between = across.mean() if len(a) != len(b) else (across.sum() - across.trace()) / (len(a) * (len(a) - 1))
    return float(within(a) + within(b) - 2 * between)


def _comparable(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of features as float64 on the CPU, since not all devices have that."""
    if min(len(a), len(b)) < 2 or a.shape[1] != b.shape[1]:
        raise UsageError(
            f"no distance between {len(a)} x {a.shape[1]} and {len(b)} x {b.shape[1]} features: give two images or "
            "more to each set, and take the features of one network"
        )
    return a.detach().cpu().double(), b.detach().cpu().double()


def _covariance(features: Tensor) -> Tensor:
    """Sample covariance (D, D) of (N, D)."""
    centered = features - features.mean(0)
    return centered.mT @ centered / (len(features) - 1)
