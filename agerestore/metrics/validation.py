"""How trained networks are doing.

Of a pair: the balance of the game as the paper watches it, and reconstruction. Of the networks for photographs: how
much noise they remove, and whether the error they expect and the spread of their samples tell the truth. Of those that
color: how near colorings come, how colorful they are and where they differ.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import lab_to_displayable
from agerestore.images.observation import Observation
from agerestore.inference import color_codes
from agerestore.inference.color_codes import ellipse_distance
from agerestore.losses.divergence import age_code_kl
from agerestore.metrics.distribution import sliced_wasserstein
from agerestore.metrics.image import colorfulness, psnr, quantize
from agerestore.models.age import Autoencoder
from agerestore.models.colorizer import Colorizer
from agerestore.models.latent import moments
from agerestore.models.photo import PhotoRestorer

CHUNK = 500
NEAR = 0.02  # of a spread of samples to what it should be
ROUNDS = 10


@torch.no_grad()
def moment_statistics(model: Autoencoder, codes: Tensor) -> dict[str, float]:
    """Mean and variance of e(g(Z)), dimension by dimension, against their ideal (the AGE paper, section 3.1).

    Args:
        model: networks, in the mode they are to be watched in.
        codes: (B, M) prior codes on the sphere.

    Returns:
        ``mean_max``: largest |m_j| in units of 1/sqrt(M) (ideal 0); ``variance_min`` and ``variance_max``: v_j in
        units of 1/M (ideal 1); ``kl_fake``: the official divergence of the batch.
    """
    dim = codes.shape[1]
    encoded = torch.cat([model.encode(model.generate(part)) for part in codes.split(CHUNK)])
    m, v = moments(encoded)
    return {
        "mean_max": float(m.abs().max()) * math.sqrt(dim),
        "variance_min": float(v.min()) * dim,
        "variance_max": float(v.max()) * dim,
        "kl_fake": float(age_code_kl(encoded)),
    }


@torch.no_grad()
def latent_distance(model: Autoencoder, truth: Tensor, drawn: Tensor) -> float:
    """How far the styles of pictures are from those that are drawn, against how far two draws are from each other.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) in [0, 1].
        drawn: (2 N, K + M) from the prior.

    Returns:
        Ratio of sliced Wasserstein distances; about 1 where they cannot be told apart.
    """
    styles = slice(model.config.classes, None)
    codes = torch.cat([model.encode(part) for part in truth.split(CHUNK)])[:, styles]
    one, other = model.codes_of(drawn)[:, styles].chunk(2)
    return sliced_wasserstein(codes, one) / max(sliced_wasserstein(one, other), 1e-12)


@torch.no_grad()
def reconstruction_psnr(model: Autoencoder, truth: Tensor) -> float:
    """Mean PSNR in dB of g(e(x)), rounded to uint8, against x.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) in [0, 1].
    """
    parts = [psnr(quantize(model.generate(model.encode(part))), part) for part in truth.split(CHUNK)]
    return float(torch.cat(parts).mean())


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
def uncertainty_metrics(
    model: PhotoRestorer, photographs: Sequence[Tensor], damage: Callable[[Tensor], Observation]
) -> dict[str, float]:
    """Rank correlation (Spearman) of the expected error with the true one; means over photographs.

    Args:
        model: networks in eval mode.
        photographs: each (3, H, W) in [0, 1].
        damage: (1, 3, H, W) -> `Observation`.

    Returns:
        ``pixels``: over the unknown pixels (all, where there is no mask); ``blocks``: over means of blocks of 8x8
        pixels; ``gradient``: over blocks, of the local gradient of the estimate in place of the expected error.
    """
    rows = []
    for photograph in photographs:
        truth = photograph[None]
        observation = damage(truth)
        estimate, deviation = model.estimate(observation.image, observation.mask)
        error, expected = (estimate - truth).square().mean(1, True), deviation.square().mean(1, True)
        known = torch.zeros_like(error) if observation.mask is None else 1 - observation.mask
        where = known == 0
        blocks, guess, gradient = (F.avg_pool2d(each, 8) for each in (error, expected, _gradient(estimate)))
        rows.append((
            rank_correlation(error[where], expected[where]),
            rank_correlation(blocks, guess),
            rank_correlation(blocks, gradient),
        ))  # fmt: skip
    return {
        name: sum(values) / len(values)
        for name, values in zip(("pixels", "blocks", "gradient"), zip(*rows, strict=True), strict=True)
    }


@torch.no_grad()
def sample_metrics(
    model: PhotoRestorer, photographs: Sequence[Tensor], damage: Callable[[Tensor], Observation], count: int = 16
) -> dict[str, float]:
    """Do samples spread as far as the center errs? Over unknown pixels; means over photographs.

    Args:
        model: networks in eval mode.
        photographs: each (3, H, W) in [0, 1].
        damage: (1, 3, H, W) -> `Observation` with a mask.
        count: samples of each photograph.

    Returns:
        ``estimate`` and ``mean``: PSNR in dB of the estimate and of the mean of the samples; ``spread``: variance of
        the samples over the squared error of the estimate, 1 at best.
    """
    rows = []
    for photograph in photographs:
        truth = photograph[None]
        observation = damage(truth)
        if observation.mask is None:
            continue
        fields = model.sample_latent_maps(truth.shape[2], truth.shape[3], count, torch.Generator().manual_seed(0))
        samples = model.samples(observation.image, observation.mask, fields)
        center, _ = model.estimate(observation.image, observation.mask)
        hole = observation.mask.expand_as(truth) > 0
        spread = samples.var(dim=0, keepdim=True)[hole].mean() / (center - truth)[hole].square().mean()
        mean = samples.mean(dim=0, keepdim=True)
        rows.append([float(psnr(picture, truth, observation.mask)) for picture in (center, mean)] + [float(spread)])
    return {
        name: sum(values) / len(values)
        for name, values in zip(("estimate", "mean", "spread"), zip(*rows, strict=True), strict=True)
    }


@torch.no_grad()
def calibrate_samples(
    model: PhotoRestorer, photographs: Sequence[Tensor], damage: Callable[[Tensor], Observation]
) -> float:
    """Scale the surprises that the generator draws, so that samples spread as far as the center errs.

    The game matches draws to what training pieces ask for; on whole photographs the center sees more around a hole and
    errs less than it expects. The generator has no bias, so that its last layer scales all it draws (up to its bound).

    Args:
        model: networks in eval mode; its generator is changed.
        photographs: held out from training, each (3, H, W) in [0, 1].
        damage: (1, 3, H, W) -> `Observation` with a mask.

    Returns:
        The factor by which surprises were scaled.
    """
    factor = 1.0
    for _ in range(ROUNDS):  # each undoes what the bound left of the one before
        spread = sample_metrics(model, photographs, damage)["spread"]
        if abs(spread - 1) < NEAR:
            break
        step = spread**-0.5
        model.scale_samples(step)
        factor *= step
    return factor


@torch.no_grad()
def color_metrics(model: Colorizer, truth: Tensor, count: int = 8) -> dict[str, float]:
    """How well colors are found; means over pictures. PSNR in dB, of a and b together, with a peak of 255.

    Args:
        model: networks in eval mode.
        truth: (N, 3, S, S) Lab.
        count: K, colorings of each picture.

    Returns:
        ``reconstruction``: PSNR with the code of the picture itself; ``best`` and ``mean``: of the best of K
        colorings, and of their mean; ``gray``: without any color; ``colorfulness``: of colorings over that of
        pictures; ``spread``: variance between the colorings of a picture, in the central ellipse over that around it.
    """
    rows, seeds = [], iter(range(len(truth)))
    for lab in truth.split(CHUNK // count):
        z = torch.cat([color_codes.draw_codes(model, light, count, next(seeds)) for light in lab[:, :1].split(1)])
        drawn = chroma_of(model, lab[:, :1].repeat_interleave(count, 0), z)
        each = drawn.view(len(lab), count, *drawn.shape[1:])
        found = chroma_psnr(drawn, lab[:, 1:].repeat_interleave(count, 0)).view(len(lab), count)
        pictures = torch.cat([lab[:, :1].repeat_interleave(count, 0), drawn], 1)
        colorful = [colorfulness(lab_to_displayable(x)).mean() for x in (pictures, lab)]
        center, around = _ellipse(each.var(dim=1).sum(dim=1))
        rows.append(torch.stack([
            chroma_psnr(chroma_of(model, lab[:, :1], model.encode(lab)), lab[:, 1:]).mean(),
            found.max(dim=1).values.mean(),
            chroma_psnr(each.mean(dim=1), lab[:, 1:]).mean(),
            chroma_psnr(torch.zeros_like(lab[:, 1:]), lab[:, 1:]).mean(),
            colorful[0] / colorful[1],
            center / around,
        ]) * len(lab))  # fmt: skip
    names = ("reconstruction", "best", "mean", "gray", "colorfulness", "spread")
    return dict(zip(names, (torch.stack(rows).sum(dim=0) / len(truth)).tolist(), strict=True))


def chroma_of(model: Colorizer, lightness: Tensor, codes: Tensor) -> Tensor:
    """Colors at the size of the lightness (B, 1, S, S); (B, 2, S, S)."""
    drawn = model.generate(lightness, codes)
    return F.interpolate(drawn, lightness.shape[2:], mode="bilinear")


def chroma_psnr(drawn: Tensor, truth: Tensor) -> Tensor:
    """PSNR in dB of a and b, (B, 2, S, S) each, with a peak of 255; (B,), at most 100."""
    return 10 * torch.log10(255**2 / (drawn - truth).square().mean(dim=(1, 2, 3))).clamp(max=10)


def _ellipse(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of (B, S, S) within the ellipse that half the height and width make, and outside that of the full ones."""
    distance = ellipse_distance(values)
    return values[:, distance < 0.25].mean(), values[:, distance > 1].mean()


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
