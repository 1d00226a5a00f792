"""Restoration of degraded images, by a model and by classical methods.

Protocol: a degradation is drawn with a seed, of each further photograph with the next one. Where all degraded images of
a group (all of one size, or one photograph) stay in [0, 1] they are rounded to uint8, as files would be. Every output
is clipped and rounded to uint8. PSNR and SSIM are computed per image, then averaged.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.batch.executors import ExecutorOptions, open_executor
from agerestore.batch.jobs import Job
from agerestore.batch.outputs import WorkItem
from agerestore.batch.processing import Encoded, Executor, processed_in_order
from agerestore.batch.worker_processes import Workers
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.data.datasets import TrainingSet
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.evaluation.baselines import classical
from agerestore.evaluation.baselines.fitted import FITTED
from agerestore.evaluation.rows import Row
from agerestore.images.composite import composite
from agerestore.images.observation import Observation
from agerestore.inference.model_files import PickledByModelFiles
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
    workers: Workers = 0,
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
        workers: measure photographs in so many processes of one thread each; ``auto`` for one for each core.
        report: called with every row as soon as it is ready.

    Raises:
        UsageError: an unknown baseline or degradation, a baseline whose library is not installed, a fitted one
            without training images, or workers for images of one size.
        AgeRestoreError: a worker could not measure a photograph.
    """
    _check_baselines(baselines, test, training)
    if workers and test.one_size:
        raise UsageError("`workers` divide photographs of any size; leave it out for a model of images of one size")
    for specification in degradation:
        degradations.parse(specification)
    groups, rows = test.groups(), list[RestorationRow]()
    processor = CaseProcessor(
        model, settings, tuple(baselines), training, _accuracy_measure(test, training), several=len(groups) > 1
    )
    with open_executor(processor, ExecutorOptions(workers), len(groups)) as executor:
        for specification in degradation:
            cases = (_Case(specification, seed + number, group) for number, group in enumerate(groups))
            measured: dict[str, list[RestorationRow]] = {}
            for of_case in _measured(cases, processor, executor):
                for method, row in of_case:
                    measured.setdefault(method, []).append(row)
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


class _Case(NamedTuple):
    """A group of clean images (N, C, H, W) uint8, and how they are degraded."""

    degradation: str
    seed: int
    images: Tensor


@dataclass(frozen=True)
class _Output:
    """What one method made of a case, with the setting that suited it best."""

    method: str
    image: Tensor
    setting: Mapping[str, float] = field(default_factory=dict)

    def label(self, several: bool) -> str:
        """The method's name with its setting, which may differ between several groups."""
        if not self.setting:
            return self.method
        setting = ", ".join(f"{key}={value:g}" for key, value in self.setting.items())
        return f"{self.method} ({'best setting for each' if several else setting})"


@dataclass(frozen=True)
class CaseProcessor(PickledByModelFiles):
    """Measures the input, the model and every baseline that suits; a processor, for other processes.

    Attributes:
        model: one that restores.
        settings: options of restoring.
        baselines: names.
        training: clean images for fitted baselines; None for other processes.
        measure_accuracy: of images (N, C, S, S); None in other processes.
        several: whether there are several groups of images.
    """

    model: Model
    settings: RestoreSettings
    baselines: tuple[str, ...]
    training: TrainingSet | None
    measure_accuracy: Callable[[Tensor], float] | None
    several: bool

    def decode(self, job: Job, data: bytes, *extra: bytes) -> _Case:
        """What `_item` has packed."""
        case: _Case = pickle.loads(data)
        return case

    def compute(self, case: _Case) -> list[tuple[str, RestorationRow]]:
        """A row for each method, by name."""
        truth = case.images.float() / 255
        observation = degraded(truth, case.degradation, case.seed)
        return [
            (output.method, self._row(case.degradation, observation, truth, output))
            for output in self._outputs(case, observation, truth)
        ]

    def encode(self, job: Job, result: list[tuple[str, RestorationRow]]) -> Encoded:
        """The rows; no file."""
        return Encoded({}, {"rows": result})

    def _outputs(self, case: _Case, observation: Observation, truth: Tensor) -> Iterator[_Output]:
        yield _Output("input", observation.image)
        yield _Output("agerestore", _restore(self.model, self.settings, observation))
        suitable = classical.applicable(observation)
        for name in self.baselines:
            if name in suitable:
                row = classical.BASELINES[name]
                tuned = classical.tune(row.method, row.settings, observation, truth)
                yield _Output(name, tuned.restored, tuned.setting)
            elif name in FITTED and self.training is not None:
                clean = self.training.images[:FIT_IMAGES].float() / 255
                restorer = FITTED[name](degraded(clean, case.degradation, case.seed + 1), clean)
                yield _Output(name, composite(observation, restorer(observation)))

    def _row(self, degradation: str, observation: Observation, truth: Tensor, output: _Output) -> RestorationRow:
        image, mask = quantize(output.image), observation.mask
        return RestorationRow(
            degradation=degradation,
            method=output.label(self.several),
            psnr=mean_psnr(image, truth),
            ssim=float(ssim(image, truth).mean()),
            hole_psnr=None if mask is None or not mask.any() else mean_psnr(image, truth, mask),
            accuracy=None if self.measure_accuracy is None else self.measure_accuracy(image),
        )


def _measured(
    cases: Iterable[_Case], processor: CaseProcessor, executor: Executor | None
) -> Iterator[list[tuple[str, RestorationRow]]]:
    """The rows of each case, in order.

    Raises:
        AgeRestoreError: A worker could not measure a case.
    """
    if executor is None:
        yield from map(processor.compute, cases)
        return
    for made in processed_in_order(executor, map(_item, cases, count(1))):
        if made.encoded is None:
            raise AgeRestoreError(made.error or "")
        yield cast("list[tuple[str, RestorationRow]]", made.encoded.detail["rows"])


def _item(case: _Case, number: int) -> WorkItem:
    """A case on its way to another process, with what messages call it in the place of a file."""
    name = Path(f"image {number} under {case.degradation}")
    return WorkItem(Job(name, name), pickle.dumps(case), input="")


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
