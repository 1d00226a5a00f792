"""Colorization of photographs of any size whose colors are known, by a model and by simpler methods.

Each photograph is scaled to the size at which the model works. Reported are the first answer and the best of K (is the
true color among them?), colorfulness against that of the photographs, how far answers differ, and, by a published
classifier that is not the backbone (`agerestore.evaluation.judge`): the kernel distance of its features from those of
the photographs, and where the folder of a photograph is called by its class in ImageNet, such as n01440764, the share
of photographs that it takes for what they are, and the logarithm of the probability that it gives their class.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.data.datasets import PhotoSet
from agerestore.errors import UsageError
from agerestore.evaluation.judge import Judge, load_judge
from agerestore.evaluation.rows import Row
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.inference import color_codes, color_hints
from agerestore.inference.color_hints import HintPoints
from agerestore.metrics.color import chroma_psnr
from agerestore.metrics.distribution import kernel_distance
from agerestore.metrics.image import colorfulness
from agerestore.models.photo_colorizer import PhotoColorizer

HINTS = (1, 5, 20)  # points whose color is shown, each number a row of its own
DRAWS = 1000  # of the bootstrap
INTERVAL = (0.025, 0.975)


@dataclass(frozen=True)
class PhotoColorizationRow(Row):
    """What one method reached; means over photographs.

    Attributes:
        method: ``gray``, ``regression``, ``agerestore``, ``agerestore, 5 hints`` and so on, or ``ground truth``.
        samples: K, for each photograph.
        first: PSNR in dB of a and b (peak 255) of the first answer.
        best: the same of the best answer.
        colorfulness: of first answers (`agerestore.metrics.image.colorfulness`).
        gap: relative difference of its mean from that of the photographs.
        spread: standard deviation of a and b between the answers for a photograph.
        kernel_distance: of first answers from the photographs, in the features of the judge.
        accuracy: share of first answers whose class the judge names; None without classes.
        accuracy_range: 95 % of the bootstrap over photographs.
        log_probability: natural logarithm of the probability that the judge gives the class, mean.
    """

    method: str
    samples: int
    first: float
    best: float
    colorfulness: float
    gap: float
    spread: float
    kernel_distance: float
    accuracy: float | None
    accuracy_range: tuple[float, float] | None
    log_probability: float | None

    def __str__(self) -> str:
        judged = ""
        if self.accuracy is not None and self.accuracy_range is not None:
            low, high = self.accuracy_range
            judged = f"  judge {self.accuracy:.1%} ({low:.1%} to {high:.1%}), log p {self.log_probability:.3f}"
        return (
            f"{self.method:20} first {self.first:.2f} dB  best of {self.samples} {self.best:.2f} dB  colorfulness "
            f"{self.colorfulness:.1f} (gap {self.gap:.0%})  spread {self.spread:.1f}  kernel distance "
            f"{self.kernel_distance:.4f}{judged}"
        )


class _Tally:
    """What is measured of the answers of one method."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.psnr: list[Tensor] = []
        self.colorful: list[float] = []
        self.spread: list[float] = []
        self.features: list[Tensor] = []
        self.right: list[float] = []
        self.log_probability: list[float] = []

    def add(self, truth: Tensor, drawn: Tensor, label: int | None) -> None:
        """Count answers (K, 2, H, W) for one photograph, Lab (1, 3, H, W)."""
        self.psnr.append(chroma_psnr(drawn, truth[:, 1:].expand(len(drawn), -1, -1, -1)))
        shown = lab_to_displayable(torch.cat([truth[:, :1], drawn[:1]], 1))
        self.colorful.append(float(colorfulness(shown)))
        self.spread.append(float(drawn.std(dim=0).mean()) if len(drawn) > 1 else 0.0)
        features, logits = self.judge(shown)
        self.features.append(features)
        if label is not None:
            self.right.append(float(logits[0].argmax() == label))
            self.log_probability.append(float(logits[0].log_softmax(dim=0)[label]))

    def row(self, method: str, truth: "_Tally") -> PhotoColorizationRow:
        """The means."""
        psnr, real = torch.stack(self.psnr), sum(truth.colorful) / len(truth.colorful)
        mean = sum(self.colorful) / len(self.colorful)
        right = torch.tensor(self.right)
        return PhotoColorizationRow(
            method=method,
            samples=psnr.shape[1],
            first=float(psnr[:, 0].mean()),
            best=float(psnr.max(dim=1).values.mean()),
            colorfulness=mean,
            gap=abs(mean / real - 1),
            spread=sum(self.spread) / len(self.spread),
            kernel_distance=kernel_distance(torch.cat(self.features), torch.cat(truth.features)),
            accuracy=float(right.mean()) if len(right) else None,
            accuracy_range=_bootstrap(right) if len(right) else None,
            log_probability=float(torch.tensor(self.log_probability).mean()) if len(right) else None,
        )


@torch.no_grad()
def benchmark_photo_colorization(
    networks: PhotoColorizer,
    test: PhotoSet,
    *,
    regression: PhotoColorizer | None = None,
    samples: int = 8,
    seed: int = 0,
    report: Callable[[PhotoColorizationRow], None] = lambda row: None,
) -> list[PhotoColorizationRow]:
    """Measure a colorizer of photographs and simpler methods.

    Args:
        networks: what is measured, on the CPU.
        test: color photographs; their labels, if any, are their classes in ImageNet.
        regression: networks trained by plain regression (preset ``photo-color-regression``), to compare with.
        samples: K.
        seed: of the color codes and of the points of hints.
        report: called with every row, all of them at the end.

    Raises:
        UsageError: fewer than three photographs, or the judge is not installed.
    """
    if len(test) < 3:
        raise UsageError(f"{len(test)} photographs are too few to be measured; give three or more")
    judge = load_judge()
    names = ["gray", *(["regression"] if regression else []), "agerestore", *(f"agerestore, {n} hints" for n in HINTS)]
    tallies = {name: _Tally(judge) for name in [*names, "ground truth"]}
    labels = [None] * len(test) if test.labels is None else test.labels.tolist()
    for number, (image, label) in enumerate(zip(test.images, labels, strict=True)):
        size = networks.working_size(*image.shape[1:])
        rgb = F.interpolate(image[None].float() / 255, size, mode="bicubic", antialias=True).clamp(0, 1)
        truth = rgb_to_lab(rgb)
        for name, drawn in _answers(networks, regression, truth, samples, seed + number):
            tallies[name].add(truth, drawn, label)
    rows = [tally.row(name, tallies["ground truth"]) for name, tally in tallies.items()]
    for row in rows:
        report(row)
    return rows


def _answers(
    networks: PhotoColorizer, regression: PhotoColorizer | None, truth: Tensor, samples: int, seed: int
) -> Iterator[tuple[str, Tensor]]:
    """The answers (K, 2, H, W) of each method for one photograph, Lab (1, 3, H, W)."""
    lightness, chroma = truth[:, :1], truth[:, 1:]
    yield "ground truth", chroma
    yield "gray", torch.zeros_like(chroma)
    if regression is not None:
        yield "regression", _generated(regression, lightness, lightness.new_zeros(1, regression.config.latent_dim))
    codes = color_codes.draw_codes(networks, lightness, samples, seed)
    yield "agerestore", _generated(networks, lightness, codes)
    few = F.avg_pool2d(chroma, 2)[0]
    for count in HINTS:
        points = _draw_points(few, count, seed)
        planes = color_hints.likely_planes(networks, lightness, points, 1, seed)
        hinted = color_hints.carry(networks, lightness, points, planes)
        yield f"agerestore, {count} hints", F.interpolate(hinted, lightness.shape[2:], mode="bilinear")


def _draw_points(chroma: Tensor, count: int, seed: int) -> HintPoints:
    """The colors of chroma (2, h, w) at random points."""
    height, width = chroma.shape[1:]
    drawn = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))[:count]
    rows, columns = drawn // width, drawn % width
    return HintPoints(rows, columns, chroma[:, rows, columns].mT)


def _generated(networks: PhotoColorizer, lightness: Tensor, codes: Tensor) -> Tensor:
    drawn = torch.cat([networks.generate(lightness, code[None]) for code in codes])
    return F.interpolate(drawn.float(), lightness.shape[2:], mode="bilinear")


def _bootstrap(right: Tensor) -> tuple[float, float]:
    """The range of the mean of (N,) over draws of N with replacement."""
    draws = torch.randint(len(right), (DRAWS, len(right)), generator=torch.Generator().manual_seed(0))
    low, high = right[draws].mean(dim=1).quantile(torch.tensor(INTERVAL)).tolist()
    return low, high
