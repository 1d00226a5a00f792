"""Restoration of photographs: noise removed, and whether predicted std and samples tell the truth."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.observation import Observation
from agerestore.metrics.image import psnr, quantize
from agerestore.models.photo import PhotoRestorer

Degrade = Callable[[Tensor], Observation]  # (1, 3, H, W) in [0, 1] -> the degraded image and its mask
TOLERANCE = 0.02  # of the spread of calibrated samples
ROUNDS = 10  # of calibration, at most


@torch.no_grad()
def denoising_psnr(model: PhotoRestorer, photographs: Sequence[Tensor], sigma: float) -> float:
    """Mean PSNR in dB of the estimate under unclipped Gaussian noise, by the protocol of the published tables.

    Args:
        model: networks in eval mode.
        photographs: each (3, H, W) in [0, 1].
        sigma: of the noise, in gray levels; drawn with seed 0 for each photograph.
    """
    values = []
    for photograph in photographs:
        truth = photograph[None]
        noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0)).to(truth.device)
        estimate, _ = model.estimate(truth + sigma / 255 * noise)
        values.append(float(psnr(quantize(estimate), truth)))
    return sum(values) / len(values)


@torch.no_grad()
def uncertainty_metrics(model: PhotoRestorer, photographs: Sequence[Tensor], degrade: Degrade) -> dict[str, float]:
    """Spearman's rank correlation of the predicted error with the true one; means over photographs.

    Args:
        model: networks in eval mode.
        photographs: each (3, H, W) in [0, 1].
        degrade: see `Degrade`.

    Returns:
        ``pixels``: over the missing pixels (all, where there is no mask); ``blocks``: over means of blocks of 8x8
        pixels; ``gradient``: over blocks, of the local gradient of the estimate in place of the predicted error.
    """
    rows = []
    for photograph in photographs:
        truth = photograph[None]
        observation = degrade(truth)
        estimate, std = model.estimate(observation.image, observation.mask)
        error, predicted = (estimate - truth).square().mean(1, True), std.square().mean(1, True)
        known = torch.zeros_like(error) if observation.mask is None else 1 - observation.mask
        where = known == 0
        blocks, predicted_blocks, gradient = (F.avg_pool2d(each, 8) for each in (error, predicted, _gradient(estimate)))
        rows.append((
            rank_correlation(error[where], predicted[where]),
            rank_correlation(blocks, predicted_blocks),
            rank_correlation(blocks, gradient),
        ))  # fmt: skip
    return _means(("pixels", "blocks", "gradient"), rows)


@torch.no_grad()
def sample_metrics(
    model: PhotoRestorer, photographs: Sequence[Tensor], degrade: Degrade, count: int = 16
) -> dict[str, float]:
    """Whether samples spread as far as the estimate errs; over missing pixels, means over photographs.

    Args:
        model: networks in eval mode.
        photographs: each (3, H, W) in [0, 1].
        degrade: gives images with a mask.
        count: samples of each photograph.

    Returns:
        ``estimate`` and ``mean``: PSNR in dB of the estimate and of the mean of the samples; ``spread``: variance of
        the samples over the squared error of the estimate, 1 at best.
    """
    rows = []
    for photograph in photographs:
        truth = photograph[None]
        observation = degrade(truth)
        if observation.mask is None:
            continue
        maps = model.sample_latent_maps(truth.shape[2], truth.shape[3], count, torch.Generator().manual_seed(0))
        samples = model.samples(observation.image, observation.mask, maps)
        estimate, _ = model.estimate(observation.image, observation.mask)
        hole = observation.mask.expand_as(truth) > 0
        spread = samples.var(dim=0, keepdim=True)[hole].mean() / (estimate - truth)[hole].square().mean()
        mean = samples.mean(dim=0, keepdim=True)
        rows.append((*(float(psnr(each, truth, observation.mask)) for each in (estimate, mean)), float(spread)))
    return _means(("estimate", "mean", "spread"), rows)


@torch.no_grad()
def calibrate_samples(model: PhotoRestorer, photographs: Sequence[Tensor], degrade: Degrade) -> float:
    """Scale the residuals that the generator draws, so that samples spread as far as the estimate errs.

    Training matches them to patches; in whole photographs the estimator sees more around a hole and errs less than it
    predicts. The generator has no bias, so that its last layer scales all it draws (up to its bound).

    Args:
        model: networks in eval mode; its generator is changed.
        photographs: held out from training, each (3, H, W) in [0, 1].
        degrade: gives images with a mask.

    Returns:
        The factor by which the residuals were scaled.
    """
    factor = 1.0
    for _ in range(ROUNDS):  # each undoes what the bound left of the one before
        spread = sample_metrics(model, photographs, degrade)["spread"]
        if abs(spread - 1) < TOLERANCE:
            break
        step = spread**-0.5
        model.scale_samples(step)
        factor *= step
    return factor


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's rank correlation of two tensors of one size; ties are broken by position.

    >>> round(rank_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 9.0])), 6)
    1.0
    """
    ranks = torch.stack([each.flatten().argsort().argsort().double() for each in (a, b)])
    return float(torch.corrcoef(ranks)[0, 1])


def _gradient(image: Tensor) -> Tensor:
    """Squared gradient of (B, C, H, W), mean over channels; (B, 1, H, W)."""
    x = F.pad(image, (0, 1, 0, 1), mode="replicate")
    steps = (x[:, :, :-1, 1:] - image).square() + (x[:, :, 1:, :-1] - image).square()
    return steps.mean(1, keepdim=True)


def _means(names: tuple[str, ...], rows: Iterable[tuple[float, ...]]) -> dict[str, float]:
    """Means over rows of values that are named alike."""
    return {name: sum(values) / len(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
