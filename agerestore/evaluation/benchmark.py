"""Restoration of degraded images, by a model and by classical methods.

Protocol: a degradation is drawn with a seed, of each further photograph with the next one. Where all degraded images of
a group (all of one size, or one photograph) stay in [0, 1] they are rounded to uint8, as files would be. Every output
is clipped and rounded to uint8. PSNR and SSIM are computed per image, then averaged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.data.datasets import TrainingSet
from agerestore.errors import UsageError
from agerestore.evaluation.baselines import classical
from agerestore.evaluation.baselines.fitted import FITTED
from agerestore.evaluation.rows import Row
from agerestore.images.composite import composite
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.metrics.features import accuracy, train_if_accurate
from agerestore.metrics.image import mean_psnr, quantize, ssim
from agerestore.models.base import Model

CHUNK = 100  # images of one size restored at a time
FIT_IMAGES = 30_000  # training images of the fitted baselines; with 2,000 the Wiener filter loses 1 to 2 dB


@dataclass(frozen=True)
class RestorationRow(Row):
    """What one method reached under one degradation; means over images.

    Attributes:
        degradation: its specification.
        method: ``input``, ``agerestore`` or a baseline's name, with the setting chosen for it.
        psnr: in dB, whole image.
        ssim: whole image.
        hole_psnr: in dB, over missing pixels; None without a mask.
        accuracy: share of images that a classifier puts into their class; None without labels.
    """

    degradation: str
    method: str
    psnr: float
    ssim: float
    hole_psnr: float | None
    accuracy: float | None

    def __str__(self) -> str:
        hole = "" if self.hole_psnr is None else f"  hole {self.hole_psnr:.2f} dB"
        share = "" if self.accuracy is None else f"  accuracy {self.accuracy:.1%}"
        return f"{self.degradation:32} {self.method:36} {self.psnr:6.2f} dB  SSIM {self.ssim:.3f}{hole}{share}"


def available_baselines(fitted: bool = True) -> list[str]:
    """Names of all baselines that can run here; some need optional libraries.

    Args:
        fitted: with those that are fitted to training images.
    """
    here = [name for name in classical.BASELINES if not classical.missing_packages(name)]
    return [*here, *FITTED] if fitted else here


def degraded(truth: Tensor, degradation: str, seed: int) -> Observation:
    """Clean images (N, C, H, W) in [0, 1] under a degradation, by the protocol of this module."""
    observation = degradations.degrade(truth, degradations.parse(degradation), torch.Generator().manual_seed(seed))
    image = observation.image
    stays_inside = bool(image.min() >= 0) and bool(image.max() <= 1)
    return Observation(quantize(image) if stays_inside else image, observation.mask)


def benchmark_restoration(
    model: Model,
    test: TrainingSet,
    degradation: Sequence[str],
    *,
    baselines: Sequence[str] = (),
    training: TrainingSet | None = None,
    settings: RestoreSettings = DEFAULTS,
    seed: int = 0,
    report: Callable[[RestorationRow], None] = lambda row: None,
) -> list[RestorationRow]:
    """Measure a model and baselines under each of several degradations.

    Args:
        model: one that restores.
        test: clean images of the model's size and channels, or photographs for a model of any size. With labels the
            accuracy of a classifier on restored images is measured, too.
        degradation: specifications such as ``noise:sigma=128:clip=1``.
        baselines: names out of `available_baselines`; those that do not suit a degradation are left out there.
            Settings of classical ones are chosen to fit the clean images best, in their favor; of photographs for each
            one.
        training: clean images that fitted baselines and the classifier are trained on.
        settings: options of restoring.
        seed: of the degradations.
        report: called with every row as soon as it is ready.

    Raises:
        UsageError: an unknown baseline or degradation, a baseline whose library is not installed, or a fitted one
            without training images.
    """
    _check_baselines(baselines, test, training)
    for specification in degradation:
        degradations.parse(specification)
    measure_accuracy = _accuracy_measure(test, training)
    restore = partial(_restore, model, settings)
    groups = test.groups()
    rows: list[RestorationRow] = []
    for specification in degradation:
        measured: dict[str, list[RestorationRow]] = {}
        for number, group in enumerate(groups):
            case = _Case(group.float() / 255, specification, seed, number)
            for output in _outputs(restore, case, baselines, training):
                row = _row(case, output.label(len(groups)), quantize(output.image), measure_accuracy)
                measured.setdefault(output.method, []).append(row)
        for several in measured.values():
            rows.append(_mean(several))
            report(rows[-1])
    return rows


def _check_baselines(baselines: Sequence[str], test: TrainingSet, training: TrainingSet | None) -> None:
    for name in baselines:
        if name in classical.BASELINES:
            classical.require_packages(name)
        elif name not in FITTED:
            raise UsageError(f"no baseline {name!r}; choose from {', '.join(available_baselines())}")
    if set(baselines) & set(FITTED):
        if not test.one_size:
            raise UsageError("fitted baselines (wiener, pca) need images of one size; leave them out for photographs")
        if training is None:
            raise UsageError("fitted baselines (wiener, pca) need training images; name them with `training`")


class _Case:
    """A group of clean images (N, C, H, W) in [0, 1], and what a degradation makes of them."""

    def __init__(self, truth: Tensor, degradation: str, seed: int, number: int) -> None:
        self.truth = truth
        self.degradation = degradation
        self.seed = seed
        self.observation = degraded(truth, degradation, seed + number)


@dataclass(frozen=True)
class _Output:
    """What one method made of a case, with the setting that suited it best."""

    method: str
    image: Tensor
    setting: Mapping[str, float] = field(default_factory=dict)

    def label(self, groups: int) -> str:
        """The method's name with its setting, which may differ between several groups."""
        if not self.setting:
            return self.method
        setting = ", ".join(f"{key}={value:g}" for key, value in self.setting.items())
        return f"{self.method} ({setting if groups == 1 else 'best setting for each'})"


def _outputs(
    restore: Callable[[Observation], Tensor], case: _Case, baselines: Sequence[str], training: TrainingSet | None
) -> Iterator[_Output]:
    """The input, the model, and every baseline that suits the degradation."""
    observation = case.observation
    yield _Output("input", observation.image)
    yield _Output("agerestore", restore(observation))
    suitable = classical.applicable(observation)
    for name in baselines:
        if name in suitable:
            row = classical.BASELINES[name]
            tuned = classical.tune(row.method, row.settings, observation, case.truth)
            yield _Output(name, tuned.restored, tuned.setting)
        elif name in FITTED and training is not None:
            clean = training.images[:FIT_IMAGES].float() / 255
            restorer = FITTED[name](degraded(clean, case.degradation, case.seed + 1), clean)
            yield _Output(name, composite(observation, restorer(observation)))


def _mean(rows: Sequence[RestorationRow]) -> RestorationRow:
    """One row for groups of equal weight."""

    def mean(name: str) -> Any:
        values = [value for value in (getattr(row, name) for row in rows) if value is not None]
        return sum(values) / len(values) if values else None

    return replace(rows[0], **{name: mean(name) for name in ("psnr", "ssim", "hole_psnr", "accuracy")})


def _restore(model: Model, settings: RestoreSettings, observation: Observation) -> Tensor:
    parts = (restore_observation(model, part.to(model.device), settings) for part in observation.split(CHUNK))
    return torch.cat([part.image.cpu() for part in parts])


def _accuracy_measure(test: TrainingSet, training: TrainingSet | None) -> Callable[[Tensor], float] | None:
    """The accuracy on images (N, C, S, S) of a classifier of clean ones; None where none can be trained."""
    if test.labels is None or training is None or training.labels is None:
        return None
    classifier = train_if_accurate(training.images.float() / 255, training.labels, torch.Generator().manual_seed(0))
    if classifier is None:
        return None
    labels = test.labels
    return lambda images: accuracy(classifier, images, labels)


def _row(case: _Case, method: str, image: Tensor, measure_accuracy: Callable[[Tensor], float] | None) -> RestorationRow:
    mask = case.observation.mask
    return RestorationRow(
        degradation=case.degradation,
        method=method,
        psnr=mean_psnr(image, case.truth),
        ssim=float(ssim(image, case.truth).mean()),
        hole_psnr=None if mask is None or not mask.any() else mean_psnr(image, case.truth, mask),
        accuracy=None if measure_accuracy is None else measure_accuracy(image),
    )
