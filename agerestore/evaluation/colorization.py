"""Colorization of images whose colors are known, by a model and by simpler methods.

Most of an image has little color, so a gray one scores 30 dB and more: PSNR alone says nothing. Reported with it are
the best of K samples (is the true color among them?), colorfulness against that of the images, how far samples differ,
and a Fréchet distance in the features of a small network of our own, trained to tell which transformation the colors of
an image went through. It must not be called FID.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluation.rows import Row
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.inference import color_codes
from agerestore.metrics.color import chroma_psnr, generate_chroma
from agerestore.metrics.distribution import frechet_distance
from agerestore.metrics.features import Classifier, train_transformation_network
from agerestore.metrics.image import colorfulness
from agerestore.models.colorizer import Colorizer

CHUNK = 64
HUES = 8  # evenly spaced hues
CHROMAS = (5.0, 10.0, 15.0, 20.0)  # of Lab, with each hue; the best of them counts
CHROMA_UNIT = 20.0  # of a and b, which is 1 for the classifier

Method = Callable[[Tensor], Tensor]  # lightness (N, 1, S, S) -> K samples of chroma, (N, K, 2, S, S)


@dataclass(frozen=True)
class ColorizationRow(Row):
    """What one method reached; means over images.

    Attributes:
        method: ``gray``, ``regression``, ``regression, 8 hues of chroma C``, ``agerestore``, or ``ground truth``.
        samples: K, for each image.
        best: PSNR in dB of a and b (peak 255) of the best sample for each image.
        best_by_saturation: the same over the least, middle and most saturated third of the images.
        mean: PSNR in dB of the mean of the samples.
        colorfulness: of the samples (`agerestore.metrics.image.colorfulness`).
        gap: relative difference of their mean colorfulness from that of the images.
        spread: standard deviation of a and b between samples of an image; of ``ground truth`` between images.
        frechet: distance from the images in the features of `train_color_transformation_network`; first samples only.
    """

    method: str
    samples: int
    best: float
    best_by_saturation: tuple[float, float, float]
    mean: float
    colorfulness: float
    gap: float
    spread: float
    frechet: float

    def __str__(self) -> str:
        thirds = " ".join(f"{each:.2f}" for each in self.best_by_saturation)
        return (
            f"{self.method:28} best of {self.samples} {self.best:.2f} dB ({thirds})  mean {self.mean:.2f} dB  "
            f"colorfulness {self.colorfulness:.1f} (gap {self.gap:.0%})  spread {self.spread:.1f}  "
            f"Frechet {self.frechet:.3f}"
        )


@torch.no_grad()
def benchmark_colorization(
    networks: Colorizer,
    test: ImageSet,
    training: ImageSet,
    *,
    regression: Colorizer | None = None,
    samples: int = 8,
    seed: int = 0,
    report: Callable[[ColorizationRow], None] = lambda row: None,
) -> list[ColorizationRow]:
    """Measure a colorizer and simpler methods.

    Args:
        networks: what is measured, on the CPU.
        test: color images (N, 3, S, S), S as the networks have it.
        training: other color images, which the classifier is trained on.
        regression: networks trained by plain regression (preset ``color-regression``), to compare with.
        samples: K.
        seed: of the color codes and of the classifier.
        report: called with every row as soon as it is ready.

    Raises:
        UsageError: fewer than three images to measure.
    """
    if len(test) < 3:
        raise UsageError(f"{len(test)} images are too few to be measured; give three or more")
    truth, known = (rgb_to_lab(images.images.float() / 255) for images in (test, training))
    with torch.enable_grad():
        classifier = train_color_transformation_network(known, torch.Generator().manual_seed(seed))
    rows = []
    for row in _rows(networks, truth, classifier, regression, samples, seed):
        report(row)
        rows.append(row)
    return rows


def _rows(
    networks: Colorizer, truth: Tensor, classifier: Classifier, regression: Colorizer | None, samples: int, seed: int
) -> Iterator[ColorizationRow]:
    lightness = truth[:, :1]

    def measured(name: str, method: Method) -> ColorizationRow:
        return _row(name, torch.cat([method(part) for part in lightness.split(CHUNK)]), truth, classifier)

    yield measured("gray", lambda light: torch.zeros_like(light).expand(-1, 2, -1, -1)[:, None])
    if regression is not None:
        estimate = partial(_estimate, regression)
        yield measured("regression", estimate)
        shifted = (
            measured(f"regression, {HUES} hues of chroma {chroma:g}", partial(_with_hues, estimate, chroma))
            for chroma in CHROMAS
        )
        yield max(shifted, key=lambda row: row.best)
    each = enumerate(lightness.split(1))
    codes = torch.cat([color_codes.draw_codes(networks, light, samples, seed + number) for number, light in each])
    yield _row("agerestore", _sampled(networks, lightness, codes, samples), truth, classifier)
    row = _row("ground truth", truth[:, None, 1:], truth, classifier)
    yield replace(row, spread=float(truth[:, 1:].std(dim=0).mean()))


def _estimate(networks: Colorizer, lightness: Tensor) -> Tensor:
    """Chroma (N, 1, 2, S, S) with the code 0, which is what plain regression learns."""
    code = lightness.new_zeros(len(lightness), networks.config.latent_dim)
    return generate_chroma(networks, lightness, code)[:, None]


def _with_hues(method: Method, chroma: float, lightness: Tensor) -> Tensor:
    """The samples of another method shifted by `HUES` hues of a ``chroma``: (N, HUES, 2, S, S)."""
    hues = torch.arange(HUES) * (2 * torch.pi / HUES)
    shifts = chroma * torch.stack([hues.cos(), hues.sin()], dim=1)
    return method(lightness) + shifts[None, :, :, None, None]


def _sampled(networks: Colorizer, lightness: Tensor, codes: Tensor, samples: int) -> Tensor:
    """Chroma (N, K, 2, S, S) for lightness (N, 1, S, S) and codes (N K, M)."""
    repeated = lightness.repeat_interleave(samples, dim=0)
    parts = [generate_chroma(networks, *part) for part in zip(repeated.split(CHUNK), codes.split(CHUNK), strict=True)]
    return torch.cat(parts).view(len(lightness), samples, 2, *lightness.shape[2:])


def _row(method: str, drawn: Tensor, truth: Tensor, classifier: Classifier) -> ColorizationRow:
    """Measure samples of chroma (N, K, 2, S, S) against Lab images (N, 3, S, S)."""
    count = drawn.shape[1]
    wanted = truth[:, 1:]
    best = torch.stack([chroma_psnr(drawn[:, k], wanted) for k in range(count)]).max(dim=0).values
    order = wanted.square().sum(dim=1).sqrt().mean(dim=(1, 2)).argsort()
    thirds = [float(best[part].mean()) for part in order.tensor_split(3)]
    colorful = torch.stack([_colorfulness(truth, drawn[:, k]) for k in range(count)]).mean()
    real = _colorfulness(truth, wanted).mean()
    features = (classifier.features(_classifier_input(truth[:, :1], chroma)) for chroma in (drawn[:, 0], wanted))
    return ColorizationRow(
        method=method,
        samples=count,
        best=float(best.mean()),
        best_by_saturation=(thirds[0], thirds[1], thirds[2]),
        mean=float(chroma_psnr(drawn.mean(dim=1), wanted).mean()),
        colorfulness=float(colorful),
        gap=abs(float(colorful / real) - 1),
        spread=float(drawn.std(dim=1).mean()) if count > 1 else 0.0,
        frechet=float(frechet_distance(*features)),
    )


def _colorfulness(truth: Tensor, chroma: Tensor) -> Tensor:
    return colorfulness(lab_to_displayable(torch.cat([truth[:, :1], chroma], dim=1)))


def train_color_transformation_network(lab: Tensor, generator: torch.Generator) -> Classifier:
    """Train a small network to tell which transformation the colors of an image went through (a pretext task).

    The six: none; hues rotated by a third of the circle, either way; twice and half the saturation; the colors of
    another image.

    Args:
        lab: (N, 3, 64, 64) Lab images.
        generator: on the CPU; decides the initial weights and the order.
    """
    chroma = lab[:, 1:]
    others = chroma.roll(1, dims=0)
    versions = [chroma, _rotated(chroma, 1 / 3), _rotated(chroma, -1 / 3), 2 * chroma, chroma / 2, others]
    return train_transformation_network([_classifier_input(lab[:, :1], each) for each in versions], generator)


def _rotated(chroma: Tensor, turn: float) -> Tensor:
    """Chroma (N, 2, S, S) with every hue rotated by a share of the circle."""
    angle = torch.tensor(2 * torch.pi * turn)
    a, b = chroma.unbind(1)
    return torch.stack([angle.cos() * a - angle.sin() * b, angle.sin() * a + angle.cos() * b], 1)


def _classifier_input(lightness: Tensor, chroma: Tensor) -> Tensor:
    """(N, 3, 32, 32), about in [-1, 1]."""
    return F.avg_pool2d(torch.cat([lightness / 100, chroma / CHROMA_UNIT], 1), 2)
