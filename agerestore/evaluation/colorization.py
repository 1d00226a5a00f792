"""Colorings beside simpler ways to color, on pictures whose colors are known.

A gray picture scores 30 dB and more, because most of a picture has little color: PSNR alone says nothing. Beside it
stand the best of K (is the true paint among the answers?), the colorfulness of the answers against that of pictures,
how far answers differ from each other, and a Fréchet distance in the features of a small network of our own that tells
how the colors of a picture were tampered with. It must never be called FID.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.inference import color_codes
from agerestore.metrics.color import chroma_psnr, generate_chroma
from agerestore.metrics.distribution import frechet_distance
from agerestore.metrics.features import Classifier, train_transformation_network
from agerestore.metrics.image import colorfulness
from agerestore.models.colorizer import Colorizer

CHUNK = 64
TINTS = 8  # hues, evenly spaced
TINT_CHROMA = (5.0, 10.0, 15.0, 20.0)  # of Lab; the one that suits is taken, in the favor of tints
UNIT = 20.0  # of a and b, where the classifier counts 1

Coloring = Callable[[Tensor], Tensor]  # lightness (N, 1, S, S) -> K colorings of each, (N, K, 2, S, S)


@dataclass(frozen=True)
class ColorizationScore:
    """What one way of coloring reached; means over pictures.

    Attributes:
        method: ``gray``, ``regression``, ``regression, 8 tints``, ``agerestore``, ``pictures``.
        answers: K, to each picture.
        best: PSNR in dB of a and b with a peak of 255, of the best answer to each picture.
        best_by_saturation: the same over the least, the middle and the most saturated third of the pictures.
        mean: PSNR of the mean of the answers.
        colorfulness: of the answers.
        gap: of their mean colorfulness to that of the pictures, as a share of the latter.
        spread: standard deviation of a and b between the answers to a picture; of ``pictures``, between pictures.
        frechet: distance to the pictures in the features of `color_classifier`; the first answers only.
    """

    method: str
    answers: int
    best: float
    best_by_saturation: tuple[float, float, float]
    mean: float
    colorfulness: float
    gap: float
    spread: float
    frechet: float


@torch.no_grad()
def evaluate_colorization(
    model: Colorizer,
    test: ImageSet,
    training: ImageSet,
    *,
    regression: Colorizer | None = None,
    answers: int = 8,
    seed: int = 0,
    report: Callable[[ColorizationScore], None] = lambda row: None,
) -> list[ColorizationScore]:
    """Measure a model that colors beside simpler ways.

    Args:
        model: what is measured.
        test: pictures (N, 3, S, S), S as the model has it.
        training: pictures that the classifier learns from.
        regression: networks trained by plain regression (preset ``cars-color-regression``), to be measured beside.
        answers: K.
        seed: of the codes and of the classifier.
        report: told every row as it is ready.

    Raises:
        UsageError: fewer pictures than three to measure.
    """
    if len(test) < 3:
        raise UsageError(f"{len(test)} pictures are too few to be measured; give three or more")
    truth, known = (rgb_to_lab(images.images.float() / 255) for images in (test, training))
    generator = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        classifier = train_color_transformation_network(known, generator)
    lights = truth[:, :1].split(1)
    drawn = torch.cat(
        [color_codes.draw_codes(model, light, answers, seed + number) for number, light in enumerate(lights)]
    )
    ways: list[tuple[str, Coloring]] = [("gray", lambda light: torch.zeros_like(light).expand(-1, 2, -1, -1)[:, None])]
    if regression is not None:
        center = partial(_center, regression)
        ways.append(("regression", center))
        ways += [
            (f"regression, {TINTS} tints of {radius:g}", partial(_tinted, center, radius)) for radius in TINT_CHROMA
        ]
    rows = [_row(name, _in_parts(way, truth[:, :1]), truth, classifier) for name, way in ways]
    rows = [row for row in rows if row.answers == 1] + _best_of([row for row in rows if row.answers > 1])
    rows.append(_row("agerestore", _drawn(model, truth[:, :1], drawn, answers), truth, classifier))
    pictures = _row("pictures", truth[:, None, 1:], truth, classifier)
    rows.append(replace(pictures, spread=float(truth[:, 1:].std(dim=0).mean())))
    for row in rows:
        report(row)
    return rows


def _best_of(rows: Sequence[ColorizationScore]) -> list[ColorizationScore]:
    return [max(rows, key=lambda row: row.best)] if rows else []


def _in_parts(way: Coloring, lightness: Tensor) -> Tensor:
    return torch.cat([way(part) for part in lightness.split(CHUNK)])


def _center(model: Colorizer, lightness: Tensor) -> Tensor:
    code = lightness.new_zeros(len(lightness), model.config.latent_dim)
    return generate_chroma(model, lightness, code)[:, None]


def _tinted(way: Coloring, radius: float, lightness: Tensor) -> Tensor:
    """The answers of another way, each in fixed tints of a chroma of ``radius``."""
    hues = torch.arange(TINTS) * (2 * torch.pi / TINTS)
    tints = radius * torch.stack([hues.cos(), hues.sin()], dim=1)
    return way(lightness) + tints[None, :, :, None, None]


def _drawn(model: Colorizer, lightness: Tensor, codes: Tensor, answers: int) -> Tensor:
    repeated = lightness.repeat_interleave(answers, dim=0)
    parts = [generate_chroma(model, *part) for part in zip(repeated.split(CHUNK), codes.split(CHUNK), strict=True)]
    return torch.cat(parts).view(len(lightness), answers, 2, *lightness.shape[2:])


def _row(method: str, drawn: Tensor, truth: Tensor, classifier: Classifier) -> ColorizationScore:
    """Measure answers (N, K, 2, S, S) against Lab (N, 3, S, S)."""
    count = drawn.shape[1]
    asked = truth[:, 1:]
    best = torch.stack([chroma_psnr(drawn[:, k], asked) for k in range(count)]).max(dim=0).values
    order = asked.square().sum(dim=1).sqrt().mean(dim=(1, 2)).argsort()
    thirds = [float(best[part].mean()) for part in order.tensor_split(3)]
    colorful = torch.stack([_colorfulness(truth, drawn[:, k]) for k in range(count)]).mean()
    real = _colorfulness(truth, asked).mean()
    features = (classifier.features(_prepared(truth[:, :1], chroma)) for chroma in (drawn[:, 0], asked))
    return ColorizationScore(
        method=method,
        answers=count,
        best=float(best.mean()),
        best_by_saturation=(thirds[0], thirds[1], thirds[2]),
        mean=float(chroma_psnr(drawn.mean(dim=1), asked).mean()),
        colorfulness=float(colorful),
        gap=abs(float(colorful / real) - 1),
        spread=float(drawn.std(dim=1).mean()) if count > 1 else 0.0,
        frechet=float(frechet_distance(*features)),
    )


def _colorfulness(truth: Tensor, chroma: Tensor) -> Tensor:
    return colorfulness(lab_to_displayable(torch.cat([truth[:, :1], chroma], dim=1)))


def train_color_transformation_network(lab: Tensor, generator: torch.Generator) -> Classifier:
    """A small network that tells how the colors of a picture were tampered with; its features know colors.

    Six kinds: as they are; hues turned by a third of the circle either way; twice and half as saturated; the colors of
    another picture.

    Args:
        lab: (N, 3, 64, 64) pictures.
        generator: on the CPU; it decides the weights and the order.
    """
    chroma = lab[:, 1:]
    others = chroma.roll(1, dims=0)
    kinds = [chroma, _turned(chroma, 1 / 3), _turned(chroma, -1 / 3), 2 * chroma, chroma / 2, others]
    return train_transformation_network([_prepared(lab[:, :1], kind) for kind in kinds], generator)


def _turned(chroma: Tensor, share: float) -> Tensor:
    """Chroma (N, 2, S, S) with every hue turned by a share of the circle."""
    angle = torch.tensor(2 * torch.pi * share)
    a, b = chroma.unbind(1)
    return torch.stack([angle.cos() * a - angle.sin() * b, angle.sin() * a + angle.cos() * b], 1)


def _prepared(lightness: Tensor, chroma: Tensor) -> Tensor:
    """What the classifier sees, (N, 3, 32, 32)."""
    return F.avg_pool2d(torch.cat([lightness / 100, chroma / UNIT], 1), 2)
