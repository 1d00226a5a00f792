"""Divergence of a batch of codes from the prior, in nats per latent dimension.

All estimators take codes (B, M) and return a scalar that is a **mean** over the M dimensions, as in the official AGE
code (the paper prints a sum; its author agrees that it should read mean). There are three:

``gaussian``
    The KL divergence of the Gaussian fitted to the batch from N(0, I), in closed form.
``age_code``
    Equation (8) of the AGE paper and the official code, which have the variance where the standard deviation belongs.
    On the sphere it has the same minimum, and about twice the gradient.
``nearest``
    The non-parametric Kozachenko-Leonenko estimator from nearest-neighbor distances.

On the sphere sum_j (v_j + m_j^2) = 1, so that the quadratic part of ``gaussian`` is constant and its gradient half that
of ``age_code``; so is that of ``nearest``, also a true KL per dimension. With twice the weight for these two, published
weights of the reconstruction terms keep their meaning.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from agerestore.config.networks import Prior
from agerestore.errors import UsageError
from agerestore.models.latent import moments, sphere_log_area

Divergence = Callable[[Tensor], Tensor]


SMALLEST_VARIANCE = 1e-12  # keeps the divergence of codes that collapsed to one point finite


def _moments(z: Tensor) -> tuple[Tensor, Tensor]:
    m, v = moments(z)
    return m, v.clamp_min(SMALLEST_VARIANCE)


def gaussian_kl(z: Tensor) -> Tensor:
    """KL divergence of the Gaussian fitted to a batch from N(0, I), mean over dimensions.

    Args:
        z: (B, M) codes.

    Returns:
        Scalar, in nats per dimension: mean_j (v_j + m_j^2 - ln v_j - 1) / 2.
    """
    m, v = _moments(z)
    return ((v + m.square() - v.log() - 1) / 2).mean()


def age_code_kl(z: Tensor) -> Tensor:
    """Expression of the official AGE code and of equation (8): the variance in place of the standard deviation.

    Args:
        z: (B, M) codes.

    Returns:
        Scalar: mean_j (v_j^2 + m_j^2) / 2 - ln v_j - 1/2.
    """
    m, v = _moments(z)
    return ((v.square() + m.square()) / 2 - v.log() - 0.5).mean()


def nearest_neighbor_entropy(z: Tensor, intrinsic_dim: int | None = None) -> Tensor:
    """Differential entropy from nearest-neighbor distances (Kozachenko & Leonenko, 1987).

    H = psi(B) - psi(1) + ln V_d + d * mean_i ln rho_i, with rho_i the distance of point i from its nearest
    neighbor and V_d the volume of the unit ball. Biased where rho is not small against the scale of the density.

    Args:
        z: (B, M), B >= 2.
        intrinsic_dim: d, the dimension of the surface the points lie on (M - 1 for the sphere); M when None.

    Returns:
        Scalar entropy in nats, in total (not per dimension).
    """
    batch, d = z.shape[0], z.shape[1] if intrinsic_dim is None else intrinsic_dim
    with torch.no_grad():  # only the choice of the neighbor; its distance is computed with gradient below
        distance = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
        nearest = distance.argmin(dim=1)
    # Half the log of the square: coinciding points then have a finite (zero) gradient instead of NaN.
    log_rho = (z - z[nearest]).square().sum(dim=1).clamp_min(1e-12).log() / 2
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    harmonic = sum(1 / k for k in range(1, batch))  # psi(B) - psi(1)
    return harmonic + log_ball + d * log_rho.mean()


def nearest_neighbor_kl(z: Tensor, prior: Prior = "sphere") -> Tensor:
    """KL divergence of a batch of codes from the prior, non-parametric, per dimension.

    On the sphere the codes have no density in M dimensions; entropy and divergence are those of the (M - 1)-
    dimensional surface, against the uniform distribution on it.

    Args:
        z: (B, M) codes.
        prior: what they are compared with; ``gaussian`` is N(0, I).

    Returns:
        Scalar: KL(codes || prior) / M.
    """
    dim = z.shape[1]
    if prior == "sphere":
        return (sphere_log_area(dim) - nearest_neighbor_entropy(z, dim - 1)) / dim
    cross_entropy = z.square().sum(dim=1).mean() / 2 + dim / 2 * math.log(2 * math.pi)
    return (cross_entropy - nearest_neighbor_entropy(z)) / dim


DIVERGENCES: dict[str, Divergence] = {
    "gaussian": gaussian_kl,
    "age_code": age_code_kl,
    "nearest": nearest_neighbor_kl,
}


def divergence_from(prior: Prior, name: str) -> Divergence:
    """The divergence called ``name`` (one of `DIVERGENCES`) of codes (B, M) from a prior.

    From a prior that is neither the sphere nor a Gaussian there is none: to ask for its value is a UsageError.
    """
    if prior not in ("sphere", "gaussian"):
        return partial(_none_from, prior)
    return partial(nearest_neighbor_kl, prior=prior) if name == "nearest" else DIVERGENCES[name]


def _none_from(prior: Prior, codes: Tensor) -> Tensor:
    raise UsageError(f"no divergence says how far codes are from a {prior}: set network.prior=sphere or gaussian")


def ideal(name: str, dim: int, prior: Prior = "sphere") -> float:
    """Value of a divergence for codes of the prior: v = 1/M and m = 0 on the sphere, v = 1 for a Gaussian.

    A finite batch lies a little above it.

    >>> round(ideal("age_code", 64), 4), round(ideal("gaussian", 64), 4), ideal("nearest", 64)
    (3.659, 1.5873, 0.0)
    """
    v = 1 / dim if prior == "sphere" else 1.0
    return {
        "gaussian": (v - math.log(v) - 1) / 2,
        "age_code": v * v / 2 - math.log(v) - 0.5,
        "nearest": 0.0,
    }[name]
