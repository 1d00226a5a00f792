"""Linear restoration methods fitted to training images, as baselines for a trained model.

A method is fitted to damaged training images of one size and their clean versions, and maps an `Observation`
(B, C, H, W) to float32 images in [0, 1] of the same shape.
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
HELD_OUT = 200  # most images on which settings are chosen

Restorer = Callable[[Observation], Tensor]
Pair = tuple[Observation, Tensor]  # damaged images and clean ones


def fit_wiener(observation: Observation, clean: Tensor) -> Restorer:
    """Fit a Wiener filter to damaged training images and their clean versions (N, C, H, W).

    With masks it is a `ConditionalMean`, for any holes in clean or noisy images. Without, a `LinearEstimator` suits
    any degradation but needs many more images than they have values: that of the two, and of `RIDGES`, with the
    highest PSNR on held-out images is taken.
    """
    if observation.mask is not None:
        return ConditionalMean.fit(clean.flatten(1).cpu(), _noise(observation, clean))
    held, (training, truth) = _held_out(observation, clean)
    damaged, pixels = training.image.flatten(1).cpu(), truth.flatten(1).cpu()
    gaussian = ConditionalMean.fit(pixels, _noise(training, truth))
    return _nearest([gaussian, *LinearEstimator.fit_each(damaged, pixels, RIDGES)], *held)


def fit_pca(observation: Observation, clean: Tensor) -> Restorer:
    """Fit principal components to clean images (N, C, H, W); their number is chosen on held-out images."""
    held, (training, truth) = _held_out(observation, clean)
    fitted = PrincipalComponents.fit(truth.flatten(1).cpu(), _noise(training, truth))
    counts = [count for count in PCA_COUNTS if count <= len(fitted.mean)]
    return _nearest([partial(fitted, count=count) for count in counts], *held)


FITTED: dict[str, Callable[[Observation, Tensor], Restorer]] = {"wiener": fit_wiener, "pca": fit_pca}


def _held_out(observation: Observation, clean: Tensor) -> tuple[Pair, Pair]:
    """A random tenth of the images, at most `HELD_OUT`, and the rest: a folder is often sorted by classes."""
    count = min(max(len(clean) // 10, 1), HELD_OUT)
    order = torch.randperm(len(clean), generator=torch.Generator().manual_seed(0)).to(clean.device)

    held, rest = order[:count], order[count:]
    return (observation[held], clean[held]), (observation[rest], clean[rest])


def _nearest(restorers: Sequence[Restorer], observation: Observation, truth: Tensor) -> Restorer:
    return max(restorers, key=lambda restore: mean_psnr(quantize(restore(observation)), truth))


def _noise(observation: Observation, clean: Tensor) -> float:
    """Mean squared error of observed pixels, at least `RIDGE`."""
    known = observation.known.expand_as(clean) > 0
    return max(float((observation.image - clean)[known].square().mean()), RIDGE)
