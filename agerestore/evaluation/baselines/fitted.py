"""Fitted linear restoration: what a trained model has to beat that learns from the same damaged pictures.

A method is fitted on damaged training pictures of one size and their clean versions, and maps an `Observation`
(B, C, H, W) to float32 pictures in [0, 1] of the same shape.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from agerestore.evaluation.baselines.linear import RIDGE, ConditionalMean, LinearEstimator, PrincipalComponents
from agerestore.images.observation import Observation
from agerestore.metrics.image import mean_psnr, quantize

RIDGES = (1e-4, 1e-2, 1e-1)  # variances tried by the Wiener filter, squared units of [0, 1]
PCA_COUNTS = (5, 10, 15, 20, 30, 40, 50, 65, 80, 100, 130, 160, 200, 300, 500)  # numbers of components tried
HELD_OUT = 200  # pictures, at most, among which the fitted methods choose

Restorer = Callable[[Observation], Tensor]
Pair = tuple[Observation, Tensor]  # damaged pictures and the clean ones


def fit_wiener(observation: Observation, clean: Tensor) -> Restorer:
    """Fit the best linear restoration to damaged training pictures and their clean versions (N, C, H, W).

    With masks it is a `ConditionalMean`, for any holes in clean or noisy pictures. Without, a `LinearEstimator`
    suits any kind of damage but needs many more pictures than they have values: whichever of the two, and of
    RIDGES, restores a held-out part best.
    """
    if observation.mask is not None:
        return ConditionalMean.fit(clean.flatten(1).cpu(), _noise(observation, clean))
    held, (training, truth) = _held_out(observation, clean)
    damaged, pixels = training.image.flatten(1).cpu(), truth.flatten(1).cpu()
    gaussian = ConditionalMean.fit(pixels, _noise(training, truth))
    return _nearest([gaussian, *LinearEstimator.fit_each(damaged, pixels, RIDGES)], *held)


def fit_pca(observation: Observation, clean: Tensor) -> Restorer:
    """Fit principal components to clean pictures (N, C, H, W), as many as restore a held-out part best."""
    held, (training, truth) = _held_out(observation, clean)
    fitted = PrincipalComponents.fit(truth.flatten(1).cpu(), _noise(training, truth))
    counts = [count for count in PCA_COUNTS if count <= len(fitted.mean)]
    return _nearest([partial(fitted, count=count) for count in counts], *held)


FITTED: dict[str, Callable[[Observation, Tensor], Restorer]] = {"wiener": fit_wiener, "pca": fit_pca}


def _held_out(observation: Observation, clean: Tensor) -> tuple[Pair, Pair]:
    """A tenth of the pictures, at most HELD_OUT, and the rest; drawn at random, as a folder often goes by classes."""
    count = min(max(len(clean) // 10, 1), HELD_OUT)
    order = torch.randperm(len(clean), generator=torch.Generator().manual_seed(0)).to(clean.device)

    held, rest = order[:count], order[count:]
    return (observation[held], clean[held]), (observation[rest], clean[rest])


def _nearest(restorers: Sequence[Restorer], observation: Observation, truth: Tensor) -> Restorer:
    return max(restorers, key=lambda restore: mean_psnr(quantize(restore(observation)), truth))


def _noise(observation: Observation, clean: Tensor) -> float:
    """Mean square of the damage to observed pixels, at least RIDGE."""
    known = observation.known.expand_as(clean) > 0
    return max(float((observation.image - clean)[known].square().mean()), RIDGE)
