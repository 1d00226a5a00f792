"""`agerestore.evaluate`: measure any model on a folder of clean images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agerestore import degradations
from agerestore.batch.worker_processes import Workers, worker_count
from agerestore.config.checks import check_whole
from agerestore.config.extensions import research
from agerestore.config.options import RestoreSettings
from agerestore.data.datasets import ImageSet, PhotoSet, Set, TrainingSet
from agerestore.data.layouts import has_splits
from agerestore.data.sources import load_images, load_photographs
from agerestore.errors import UsageError
from agerestore.evaluation.benchmark import available_baselines, benchmark_restoration
from agerestore.evaluation.colorization import benchmark_colorization
from agerestore.evaluation.detection import benchmark_detection
from agerestore.evaluation.photo_colorization import benchmark_photo_colorization
from agerestore.evaluation.rows import Row
from agerestore.models import zoo
from agerestore.models.base import Model


def evaluate(
    model: str | Path | Model,
    data: str | Path,
    *,
    degradation: str | Sequence[str] = (),
    limit: int = 1000,
    training: str | Path | None = None,
    baselines: str | Sequence[str] = "none",
    suite: str | None = None,
    compare_with: str | Path | Model | None = None,
    latent_steps: int = 0,
    ensemble: int = 1,
    seed: int = 0,
    workers: Workers = 0,
    device: str = "auto",
    precision: str = "auto",
    report: Callable[[Row], None] = lambda row: None,
    notify: Callable[[str], None] = lambda line: None,
) -> list[Row]:
    """Measure a model on images whose original is known.

    A model that restores is measured under each degradation, next to classical methods; one that colors next to gray
    and to plain regression; one that finds defects by precision and recall on drawn defects, or by its marks on the
    images as they are; with a suite, an encoder and generator by what the AGE paper claims of them.

    Args:
        model: name, file, or what `agerestore.load` gives.
        data: clean test images: a folder, or a published set (see `agerestore.data.layouts`).
        degradation: one specification or several, such as ``noise:sigma=50``.
        limit: the most images to take; of a folder evenly spaced ones, of a published set the first.
        training: clean images that fitted baselines and classifiers are trained on; None for the training part of
            ``data``, if it has one. A model that colors needs other images than those of ``data``.
        baselines: ``all``, ``none``, or names (a sequence, or text with commas).
        suite: ``paper``, or None.
        compare_with: a model that colors trained by plain regression.
        latent_steps: of latent refinement; see `agerestore.restore`.
        ensemble: 1, 2, 4 or 8; see `agerestore.restore`.
        seed: of degradations and samples.
        workers: measure photographs in so many processes of one thread each, of a model that restores images of any
            size; ``auto`` for one for each core; 0 for this process itself. Figures are the same, but for rounding
            where the number of threads differs.
        device: where to compute; a model that was loaded stays where it is if ``auto``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        report: called with each row as soon as it is ready.
        notify: called with lines on which images are measured, and which could not be read.

    Returns:
        `RestorationRow`, `ColorizationRow`, `PhotoColorizationRow`, `DetectionRow` or, with a suite,
        `agerestore.research.paper_benchmark.Measurement`.

    Raises:
        UsageError: an option that the model or suite does not support, or an unknown degradation, baseline or suite:
            before anything is measured.
        NothingReadableError: no readable image.
    """
    check_whole(1, limit=limit)
    check_whole(seed=seed)
    specifications = [degradation] if isinstance(degradation, str) else list(degradation)
    for specification in specifications:
        degradations.parse(specification)
    given = {
        "degradation": bool(specifications), "baselines": baselines != "none", "compare_with": compare_with is not None,
        "latent_steps": latent_steps > 0, "ensemble": ensemble > 1, "training": training is not None,
        "workers": worker_count(workers) > 0, "device": device not in ("auto", "cpu"),
        "precision": precision not in ("auto", "fp32"),
    }  # fmt: skip
    request = _Request(
        _loaded(model, device), Path(data), None if training is None else Path(training), limit, seed, workers,
        RestoreSettings(latent_steps=latent_steps, ensemble=ensemble, precision=precision),
        [name for name, was_given in given.items() if was_given], report, notify,
    )  # fmt: skip
    if suite is not None:
        return _paper(request, suite)
    if request.model.task == "colorization":
        return _colorization(request, compare_with)
    if request.model.task == "detection":
        return _detection(request, specifications)
    return _restoration(request, specifications, baselines)


@dataclass(frozen=True)
class _Request:
    """What every kind of measurement needs; ``given`` are the options that differ from their defaults."""

    model: Model
    data: Path
    training: Path | None
    limit: int
    seed: int
    workers: Workers
    settings: RestoreSettings
    given: list[str]
    report: Callable[[Any], None]
    notify: Callable[[str], None]

    def refuse(self, who: str, *unsupported: str) -> None:
        """Refuse options that were given and have no effect."""
        if idle := [f"`{name}`" for name in self.given if name in unsupported]:
            raise UsageError(f"{who} does not support {' and '.join(idle)}; leave that out")

    def complete(self, images: Any) -> Any:
        """The same images, after a line for each kind of files that were left out."""
        for line in images.skipped:
            self.notify(line)
        return images

    def photographs(self) -> PhotoSet:
        """The images to measure on, of any size."""
        return self.counted(load_photographs(self.data, split="test", limit=self.limit))

    def images(self, size: int, channels: int, stretch: bool = False) -> ImageSet:
        """The images to measure on, of one size."""
        return self.counted(load_images(self.data, size, channels, "test", stretch, self.limit))

    def counted(self, test: Set) -> Set:
        """The same images, after lines on how many they are, and on what was left out."""
        self.complete(test)
        self.notify(f"measured on {len(test)} of {test.found} images")
        return test


def _detection(request: _Request, specifications: list[str]) -> list[Row]:
    """A model that finds defects."""
    options = ("baselines", "compare_with", "latent_steps", "ensemble", "training", "precision", "workers")
    request.refuse(f"model {request.model.name!r}", *options)
    test = request.photographs()
    return [*benchmark_detection(request.model, test, specifications, seed=request.seed, report=request.report)]


def _photo_colorization(request: _Request, regression: Model | None) -> list[Row]:
    """A model that colors photographs of any size."""
    request.refuse(f"model {request.model.name!r}", "training")
    test = request.photographs()
    return [*benchmark_photo_colorization(
        request.model.to("cpu").networks, test,
        regression=None if regression is None else regression.networks, seed=request.seed, report=request.report,
    )]  # fmt: skip


def _loaded(model: str | Path | Model, device: str) -> Model:
    if not isinstance(model, Model):
        return zoo.load(model, device=device)
    return model if device == "auto" else model.to(device)


def _restoration(request: _Request, specifications: list[str], baselines: str | Sequence[str]) -> list[Row]:
    """A model that restores, and baselines."""
    model, of_one_size = request.model, request.model.input.size is not None
    model.require("restore", [name for name in request.given if name in ("latent_steps", "ensemble")])
    request.refuse(f"model {model.name!r}", "compare_with", *(() if of_one_size else ("training",)))
    if not specifications:
        raise UsageError("say what is to be restored with `degradation`, such as noise:sigma=50")
    test, clean = _restoration_sets(request, compare=baselines != "none")
    return [*benchmark_restoration(
        model, test, specifications, baselines=_names(baselines, clean is not None), training=clean,
        settings=request.settings, seed=request.seed, workers=request.workers, report=request.report,
    )]  # fmt: skip


def _names(baselines: str | Sequence[str], fitted: bool) -> list[str]:
    """The baselines that are meant; of ``all`` those that are fitted only where they can be."""
    if not isinstance(baselines, str):
        return list(baselines)
    named = {"all": available_baselines(fitted), "none": []}
    return named[baselines] if baselines in named else [name.strip() for name in baselines.split(",")]


def _restoration_sets(request: _Request, compare: bool) -> tuple[TrainingSet, ImageSet | None]:
    """Test images in the form that the model needs, and training images for what is fitted."""
    size, channels = request.model.input.size, request.model.input.channels
    if size is None:
        return request.photographs(), None
    clean = None
    if request.training is not None or (compare and has_splits(request.data)):
        clean = request.complete(load_images(request.training or request.data, size, channels, "train"))
    return request.images(size, channels), clean


def _paper(request: _Request, suite: str) -> list[Row]:
    """The suite of the AGE paper; on the CPU, where images and samples are."""
    if suite != "paper":
        raise UsageError(f"no suite {suite!r}; there is one: `suite=paper`")
    request.refuse(
        "`suite=paper`", "degradation", "baselines", "compare_with", "latent_steps", "ensemble", "workers", "device"
    )
    size, channels = request.model.input.size, request.model.input.channels
    if "sample" not in request.model.verbs or size is None:
        raise UsageError(
            "`suite=paper` is for an encoder and a generator of one kind of images: choose another `model`"
        )
    test = request.images(size, channels)
    known = request.complete(load_images(request.training or request.data, size, channels, "train"))
    rows: list[Row] = research("paper_benchmark").paper_benchmark(
        request.model.to("cpu"), test, known,
        settings=request.settings, seed=request.seed, report=request.report,
    )  # fmt: skip
    return rows


def _colorization(request: _Request, compare_with: str | Path | Model | None) -> list[Row]:
    """A model that colors, and simpler methods; on the CPU, where images are."""
    model, size = request.model, request.model.input.size
    options = ("degradation", "baselines", "latent_steps", "ensemble", "workers", "device", "precision")
    request.refuse(f"model {model.name!r}", *options)
    regression = None if compare_with is None else _loaded(compare_with, "cpu")
    if regression is not None and regression.task != "colorization":
        raise UsageError(f"`compare_with={regression.name}`: this model does not color; choose another")
    if size is None:
        return _photo_colorization(request, regression)
    if request.training is None:
        raise UsageError("name other color images than those to measure with `training`: a classifier learns from them")
    test = request.images(size, 3, stretch=True)
    known = request.complete(load_images(request.training, size, 3, stretch=True))
    return [*benchmark_colorization(
        model.to("cpu").networks, test, known,
        regression=None if regression is None else regression.networks, seed=request.seed, report=request.report,
    )]  # fmt: skip
