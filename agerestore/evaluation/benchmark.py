"""A model beside classical methods, on the same damaged pictures.

Protocol: damage is drawn with a seed, of each further photograph with the next one; where all damaged pictures stay
inside [0, 1] they are rounded to uint8, as files would be, which is asked of each photograph alone; every output is
clipped and rounded to uint8; PSNR and SSIM are taken per picture, then averaged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from agerestore import degradations
from agerestore import device as devices
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet
from agerestore.errors import UsageError
from agerestore.evaluation.baselines import classical
from agerestore.evaluation.baselines.fitted import FITTED
from agerestore.images.composite import composite
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.metrics.features import accuracy, train_if_accurate
from agerestore.metrics.image import mean_psnr, quantize, ssim
from agerestore.models.base import Model

CHUNK = 100
FIT_IMAGES = 30_000  # training pictures that the fitted baselines see; with 2,000 Wiener loses 1 to 2 dB


@dataclass(frozen=True)
class Score:
    """What one method reached under one kind of damage; means over the pictures.

    Attributes:
        damage: the specification.
        method: ``input``, ``agerestore`` or a baseline's name, with the setting chosen for it.
        psnr: dB, whole picture.
        ssim: whole picture.
        hole_psnr: dB, over the unknown pixels; None without a mask.
        accuracy: share of pictures the classifier puts into their class; None without labels.
    """

    damage: str
    method: str
    psnr: float
    ssim: float
    hole_psnr: float | None
    accuracy: float | None


def available_baselines(fitted: bool = True) -> list[str]:
    """All baselines that can run here, with those that are fitted or without: some need optional libraries."""
    here = [name for name in classical.BASELINES if not classical.missing_packages(name)]
    return [*here, *FITTED] if fitted else here


def degraded(truth: Tensor, damage: str, seed: int) -> Observation:
    """Damaged versions of clean pictures (N, C, S, S) in [0, 1], by the protocol of this module."""
    observation = degradations.degrade(truth, degradations.parse(damage), torch.Generator().manual_seed(seed))
    image = observation.image
    stays_inside = bool(image.min() >= 0) and bool(image.max() <= 1)
    return Observation(quantize(image) if stays_inside else image, observation.mask)


def evaluate(
    model: Model,
    test: TrainingSet,
    damages: Sequence[str],
    *,
    methods: Sequence[str] = (),
    training: TrainingSet | None = None,
    settings: RestoreSettings = DEFAULTS,
    seed: int = 0,
    report: Callable[[Score], None] = lambda row: None,
) -> list[Score]:
    """Measure a model and baselines under each kind of damage.

    Args:
        model: what is measured.
        test: clean pictures of the model's size and channels, with labels of which recognition is measured too; or
            photographs, for a model for those.
        damages: specifications such as ``noise:sigma=128:clip=1``.
        methods: baselines by name (see `names`); those that do not suit a kind of damage are left out there. The
            settings of the classical ones are chosen by looking at the truth, in their favor; for photographs, for
            each one anew.
        training: clean pictures that fitted baselines and the classifier learn from.
        settings: how the model restores; see `restore_observation`.
        seed: of the damage.
        report: told every row as it is ready.

    Raises:
        UsageError: an unknown baseline or damage, a baseline whose library is not installed, or a fitted one
            without training pictures.
    """
    _check_methods(methods, test, training)
    recognize = _recognizer(test, training)
    restore = partial(_restore, model, settings)
    groups = [image[None] for image in test.images] if isinstance(test, PhotoSet) else [test.images]
    rows: list[Score] = []
    for damage in damages:
        measured: dict[str, list[Score]] = {}
        for number, group in enumerate(groups):
            truth = group.float() / 255
            observation = degraded(truth, damage, seed + number)
            for answer in _answers(restore, observation, truth, damage, methods, training, seed):
                row = _row(damage, answer.label(len(groups)), quantize(answer.image), truth, observation, recognize)
                measured.setdefault(answer.method, []).append(row)
        for several in measured.values():
            rows.append(_mean(several))
            report(rows[-1])
    return rows


def _check_methods(methods: Sequence[str], test: TrainingSet, training: TrainingSet | None) -> None:
    for name in methods:
        if name in classical.BASELINES:
            classical.require_packages(name)
        elif name not in FITTED:
            raise UsageError(f"no baseline {name!r}; choose from {', '.join(available_baselines())}")
    if set(methods) & set(FITTED):
        if isinstance(test, PhotoSet):
            raise UsageError("fitted baselines (wiener, pca) want pictures of one size; leave them out for photographs")
        if training is None:
            raise UsageError("fitted baselines (wiener, pca) need training pictures; name them with --training")


@dataclass(frozen=True)
class _Answer:
    """What one method made of a group of pictures, with the setting that suited it best."""

    method: str
    image: Tensor
    setting: Mapping[str, float] = field(default_factory=dict)

    def label(self, groups: int) -> str:
        """The method's name with its setting; where each group has its own, that is said instead."""
        if not self.setting:
            return self.method
        setting = ", ".join(f"{key}={value:g}" for key, value in self.setting.items())
        return f"{self.method} ({setting if groups == 1 else 'best setting for each'})"


def _answers(
    restore: Callable[[Observation], Tensor], observation: Observation, truth: Tensor, damage: str,
    methods: Sequence[str], training: TrainingSet | None, seed: int,
) -> Iterator[_Answer]:  # fmt: skip
    """The input, the model and every baseline that suits."""
    yield _Answer("input", observation.image)
    yield _Answer("agerestore", restore(observation))
    suitable = classical.applicable(observation)
    for name in methods:
        if name in suitable:
            row = classical.BASELINES[name]
            choice = classical.tune(row.method, row.settings, observation, truth)
            yield _Answer(name, choice.restored, choice.setting)
        elif name in FITTED and isinstance(training, ImageSet):
            clean = training.images[:FIT_IMAGES].float() / 255
            restorer = FITTED[name](degraded(clean, damage, seed + 1), clean)
            yield _Answer(name, composite(observation, restorer(observation)))


def _mean(rows: Sequence[Score]) -> Score:
    """One row for groups of equal weight."""

    def mean(name: str) -> Any:
        values = [value for value in (getattr(row, name) for row in rows) if value is not None]
        return sum(values) / len(values) if values else None

    return replace(rows[0], **{name: mean(name) for name in ("psnr", "ssim", "hole_psnr", "accuracy")})


def _restore(model: Model, settings: RestoreSettings, observation: Observation) -> Tensor:
    device = devices.of(model.networks)
    parts = (restore_observation(model, part.to(device), settings) for part in observation.split(CHUNK))
    return torch.cat([part.image.cpu() for part in parts])


def _recognizer(test: TrainingSet, training: TrainingSet | None) -> Callable[[Tensor], float] | None:
    """Share of pictures a classifier trained on clean ones puts into their class; None where it cannot be trained."""
    if test.labels is None or training is None or training.labels is None:
        return None
    classifier = train_if_accurate(training.images.float() / 255, training.labels, torch.Generator().manual_seed(0))
    if classifier is None:
        return None
    labels = test.labels
    return lambda images: accuracy(classifier, images, labels)


def _row(
    damage: str, method: str, image: Tensor, truth: Tensor, observation: Observation,
    recognize: Callable[[Tensor], float] | None,
) -> Score:  # fmt: skip
    mask = observation.mask
    return Score(
        damage=damage,
        method=method,
        psnr=mean_psnr(image, truth),
        ssim=float(ssim(image, truth).mean()),
        hole_psnr=None if mask is None or not mask.any() else mean_psnr(image, truth, mask),
        accuracy=None if recognize is None else recognize(image),
    )
