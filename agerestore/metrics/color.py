"""Colorization: how near colors come to the true ones, how colorful they are and where they differ."""

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.color import lab_to_displayable
from agerestore.metrics.image import colorfulness
from agerestore.models.colorizer import Colorizer

CHUNK = 2_000_000  # pixels of colorizations that are computed at a time
NAMES = ("reconstruction", "best", "mean", "gray", "colorfulness", "spread")


@torch.no_grad()
def color_metrics(model: Colorizer, truth: Tensor, codes: Tensor) -> dict[str, float]:
    """How well colors are found; means over images. PSNR in dB, of a and b together, for a peak of 255.

    Args:
        model: networks in eval mode.
        truth: (N, 3, S, S) Lab.
        codes: (N, K, M), of K colorizations of each image.

    Returns:
        ``reconstruction``: PSNR with the code of the image itself; ``best`` and ``mean``: of the best of K
        colorizations, and of their mean; ``gray``: without any color; ``colorfulness``: of colorizations over that of
        the images; ``spread``: variance between the colorizations of an image, in the central ellipse over that
        around it.
    """
    chunk = max(CHUNK // (codes.shape[1] * truth[0, 0].numel()), 1)
    rows = [
        len(lab) * _color_metrics(model, lab, part)
        for lab, part in zip(truth.split(chunk), codes.split(chunk), strict=True)
    ]
    return dict(zip(NAMES, (torch.stack(rows).sum(dim=0) / len(truth)).tolist(), strict=True))


def _color_metrics(model: Colorizer, lab: Tensor, codes: Tensor) -> Tensor:
    """The metrics (6,) of a chunk of images."""
    shape = codes.shape[:2]
    lightness = lab[:, :1].repeat_interleave(shape[1], 0)
    drawn = generate_chroma(model, lightness, codes.flatten(0, 1))
    each = drawn.view(*shape, *drawn.shape[1:])
    found = chroma_psnr(drawn, lab[:, 1:].repeat_interleave(shape[1], 0)).view(shape)
    colorful = [colorfulness(lab_to_displayable(x)).mean() for x in (torch.cat([lightness, drawn], 1), lab)]
    center, around = _ellipse_means(each.var(dim=1).sum(dim=1))
    return torch.stack([
        chroma_psnr(generate_chroma(model, lab[:, :1], model.encode(lab)), lab[:, 1:]).mean(),
        found.max(dim=1).values.mean(),
        chroma_psnr(each.mean(dim=1), lab[:, 1:]).mean(),
        chroma_psnr(torch.zeros_like(lab[:, 1:]), lab[:, 1:]).mean(),
        colorful[0] / colorful[1],
        center / around,
    ])  # fmt: skip


def generate_chroma(model: Colorizer, lightness: Tensor, codes: Tensor) -> Tensor:
    """Generate a and b, (B, 2, S, S), at the size of the lightness (B, 1, S, S)."""
    drawn = model.generate(lightness, codes)
    return F.interpolate(drawn, lightness.shape[2:], mode="bilinear")


def chroma_psnr(drawn: Tensor, truth: Tensor) -> Tensor:
    """PSNR in dB of a and b, (B, 2, S, S) each, for a peak of 255; (B,), at most 100."""
    return 10 * torch.log10(255**2 / (drawn - truth).square().mean(dim=(1, 2, 3))).clamp(max=10)


def ellipse_distance(planes: Tensor) -> Tensor:
    """Squared distance (S, S) from the center of planes (..., S, S); 1 on the ellipse that touches the sides."""
    y, x = (torch.linspace(-1, 1, side, device=planes.device) for side in planes.shape[-2:])
    return y[:, None].square() + x.square()


def _ellipse_means(values: Tensor) -> tuple[Tensor, Tensor]:
    """Means of (B, S, S) within the ellipse of half the height and width, and outside that of the full ones."""
    distance = ellipse_distance(values)
    return values[:, distance < 0.25].mean(), values[:, distance > 1].mean()
