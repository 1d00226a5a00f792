"""Linear restoration fitted to images: the Wiener filter, for one degradation or for any mask, and PCA.

Each estimator maps an `Observation` (B, C, H, W) of the fitted size to float32 images in [0, 1] of the same
shape, on the same device. It computes in float64 on the CPU with D x D matrices, D = C*H*W, and is meant for
small images: D = 1024 takes seconds, D = 12288 (64x64 in color) minutes and gigabytes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor

from agerestore.errors import UsageError
from agerestore.images.observation import Observation

RIDGE = 1e-4  # lower bound of the noise variance of an observed pixel, squared units of [0, 1]: sigma 2.5/255


@dataclass(frozen=True)
class LinearEstimator:
    """The affine map of least mean square error from damaged to clean images: a fitted Wiener filter.

    Attributes:
        matrix: (D, D), applied to the damaged image less its mean.
        damaged_mean: (D,).
        clean_mean: (D,).
    """

    matrix: Tensor
    damaged_mean: Tensor
    clean_mean: Tensor

    @classmethod
    def fit(cls, damaged: Tensor, clean: Tensor, ridge: float = RIDGE) -> Self:
        """Take A = C_xy (C_yy + ridge I)^-1 from damaged images y and clean ones x, each (N, D)."""
        return cls.fit_each(damaged, clean, [ridge])[0]

    @classmethod
    def fit_each(cls, damaged: Tensor, clean: Tensor, ridges: Iterable[float]) -> list[Self]:
        """As `fit`, for several ridges that share the covariances, which take most of the time."""
        means = damaged.mean(0, dtype=torch.float64), clean.mean(0, dtype=torch.float64)
        inner, cross = _covariance(damaged, damaged), _covariance(damaged, clean)
        ridged = (inner + ridge * torch.eye(len(inner), dtype=inner.dtype) for ridge in ridges)
        return [cls(torch.cholesky_solve(cross, torch.linalg.cholesky(one)).T, *means) for one in ridged]

    def __call__(self, observation: Observation) -> Tensor:
        """Restore images of the fitted size; holes count as 0, as they must in the images of `fit`."""
        centered = _vectors(observation, len(self.damaged_mean)) - self.damaged_mean
        return _images(self.clean_mean + centered @ self.matrix.T, observation)


@dataclass(frozen=True)
class ConditionalMean:
    """The conditional mean of Gaussian images given their observed pixels: the Wiener filter for any mask.

    Solves one linear system, as large as the number of observed values, for each different mask.

    Attributes:
        mean: (D,) of the clean images.
        covariance: (D, D) of the clean images.
        noise: variance of white noise on the observed pixels, squared units of [0, 1]; above 0.
    """

    mean: Tensor
    covariance: Tensor
    noise: float

    @classmethod
    def fit(cls, clean: Tensor, noise: float = RIDGE) -> Self:
        """Fit to clean images (N, D)."""
        return cls(clean.mean(0, dtype=torch.float64), _covariance(clean, clean), noise)

    def __call__(self, observation: Observation) -> Tensor:
        """Restore images of the fitted size; with little noise, observed pixels hardly change."""
        return _by_mask(observation, len(self.mean), self._given)

    def _given(self, values: Tensor, known: Tensor) -> Tensor:
        """Observed values (b, K) at the indices known (K,) to whole images (b, D)."""
        cross = self.covariance[known]  # (K, D)
        inner = cross[:, known]
        inner.diagonal().add_(self.noise)
        weights = torch.cholesky_solve((values - self.mean[known]).T, torch.linalg.cholesky(inner))
        return self.mean + weights.T @ cross


@dataclass(frozen=True)
class PrincipalComponents:
    """Pictures as a mean plus a few principal components; the rest counts as white noise.

    Attributes:
        mean: (D,) of the clean images.
        components: (D, D), orthonormal columns, the strongest first.
        variances: (D,) along the components.
        noise: variance of white noise on the observed pixels, squared units of [0, 1]; above 0.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor
    noise: float

    @classmethod
    def fit(cls, clean: Tensor, noise: float = RIDGE) -> Self:
        """Fit to clean images (N, D)."""
        variances, components = torch.linalg.eigh(_covariance(clean, clean))
        return cls(clean.mean(0, dtype=torch.float64), components.flip(1), variances.flip(0).clamp(min=0), noise)

    def __call__(self, observation: Observation, count: int) -> Tensor:
        """Restore images of the fitted size with the first `count` components, 1 <= count <= D.

        Without a mask they are projected. With one, the coefficients solve ridge regression on the observed
        pixels, the posterior mean of probabilistic PCA (Tipping and Bishop 1999).
        """
        kept, rest = self.components[:, :count], self.variances[count:]
        if observation.mask is None:
            centered = _vectors(observation, len(self.mean)) - self.mean
            return _images(self.mean + centered @ kept @ kept.T, observation)
        spread = float(rest.sum()) / max(len(rest), 1)  # variance in every direction left out
        loadings = kept * (self.variances[:count] - spread).sqrt()
        return _by_mask(observation, len(self.mean), partial(self._given, loadings=loadings, spread=spread))

    def _given(self, values: Tensor, known: Tensor, loadings: Tensor, spread: float) -> Tensor:
        """As ConditionalMean for covariance loadings loadings' + spread I, with only (count, count) systems."""
        seen, centered = loadings[known], values - self.mean[known]
        inner = seen.T @ seen
        inner.diagonal().add_(spread + self.noise)
        codes = torch.cholesky_solve(seen.T @ centered.T, torch.linalg.cholesky(inner)).T
        restored = self.mean + codes @ loadings.T
        restored[:, known] += spread / (spread + self.noise) * (centered - codes @ seen.T)
        return restored


def _covariance(left: Tensor, right: Tensor) -> Tensor:
    """(D, D) covariance of two sets of vectors (N, D), summed in blocks to save memory."""
    left_mean, right_mean = left.mean(0, dtype=torch.float64), right.mean(0, dtype=torch.float64)
    total = torch.zeros(left.shape[1], right.shape[1], dtype=torch.float64)
    for start in range(0, len(left), 4096):
        block = slice(start, start + 4096)
        total += (left[block].double() - left_mean).T @ (right[block].double() - right_mean)
    return total / len(left)


def _by_mask(observation: Observation, size: int, given: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Restore all images that share a mask at once: given(values (b, K), known indices (K,)) -> (b, D)."""
    vectors, known = _vectors(observation, size), observation.known.expand_as(observation.image)
    masks, group = torch.unique(known.flatten(1).cpu(), dim=0, return_inverse=True)
    restored = torch.empty_like(vectors)
    for index, mask in enumerate(masks):
        rows, known = group == index, mask.nonzero()[:, 0]
        restored[rows] = given(vectors[rows][:, known], known)
    return _images(restored, observation)


def _vectors(observation: Observation, size: int) -> Tensor:
    """(B, D) with 0 in the holes."""
    vectors = observation.filled().flatten(1).cpu().double()
    if vectors.shape[1] != size:
        given = tuple(observation.image.shape[1:])
        raise UsageError(f"a baseline fitted to images of {size} values cannot restore {given}: fit it to such images")
    return vectors


def _images(vectors: Tensor, observation: Observation) -> Tensor:
    return vectors.clamp(0, 1).reshape(observation.image.shape).to(observation.image.device, torch.float32)
