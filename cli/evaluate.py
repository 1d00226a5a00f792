"""``agerestore evaluate``."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError

from . import _completion
from ._options import DATA, MODEL, Compute, Messages, ModelName, Seed, option, refuse_unsupported, with_groups
from ._wording import say

if TYPE_CHECKING:
    from agerestore.data.datasets import TrainingSet
    from agerestore.models.base import Model


@with_groups
def evaluate(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A folder of clean test images, or of MNIST, CIFAR-10, SVHN or "
                             "CelebA as torchvision lays them out.")
    ],
    degradation: Annotated[
        list[str] | None,
        option(DATA, metavar="SPECIFICATION", autocompletion=_completion.degradations,
               help="What to restore them from, such as noise:sigma=50; repeatable."),
    ] = None,
    limit: Annotated[
        int, option(DATA, min=1, metavar="N", help="Take N images: of a folder evenly spaced ones, else the first.")
    ] = 1000,
    training: Annotated[
        Path | None,
        option(DATA, metavar="FOLDER", help="Clean images that fitted baselines learn from; without it the training "
                                            "split of DATA."),
    ] = None,
    model: ModelName = "mnist",
    baselines: Annotated[
        str, option(MODEL, metavar="NAME,...|all|none", help="Classical methods to measure on the same images.")
    ] = "none",
    suite: Annotated[
        str | None,
        option(MODEL, metavar="paper", help="Instead measure reconstruction, restoration, moments and samples of an "
                                            "encoder and generator, as in the paper."),
    ] = None,
    compare_with: Annotated[
        str | None, option(MODEL, metavar="NAME|FILE", autocompletion=_completion.models,
                           help="Models that color: also measure this one, trained by plain regression.")
    ] = None,
    latent_steps: Annotated[int, option(MODEL, min=0, metavar="N", help="Digits: steps of latent optimization.")] = 0,
    ensemble: Annotated[
        int, option(MODEL, metavar="[1|2|4|8]", help="Photographs: average over so many flipped and rotated copies.")
    ] = 1,
    seed: Seed = 0,
    *,
    compute: Compute,
    messages: Messages,
) -> None:  # fmt: skip
    """Measure a model on degraded images, next to classical methods; one that colors, next to simpler ways."""
    from agerestore import device as devices
    from agerestore.models import zoo

    settings = RestoreSettings(latent_steps=latent_steps, ensemble=ensemble, precision=compute.precision)
    devices.set_threads(compute.threads)
    loaded = zoo.load(model).to(devices.choose(compute.device))
    restoring = {
        "--degradation": degradation, "--baselines": baselines != "none", "--latent-steps": latent_steps,
        "--ensemble": ensemble > 1,
    }  # fmt: skip
    compared = {"--compare-with": compare_with}
    elsewhere = {"--device": compute.device not in ("auto", "cpu")}  # the CPU computes, where the images are
    if suite is not None:
        refuse_unsupported(f"--suite {suite}", *_given(restoring | compared | elsewhere))
        _evaluate_suite(loaded, suite, data, training, limit, settings, seed, messages)
    elif loaded.task == "colorization":
        reduced = {"--precision": compute.precision not in ("auto", "fp32")}
        refuse_unsupported(f"-m {model}", *_given(restoring | elsewhere | reduced))
        _evaluate_coloring(loaded.to("cpu"), data, training, compare_with, limit, seed, messages)
    else:
        fitted = {} if loaded.input.size else {"--training": training}  # baselines that learn
        loaded.require("restore", settings.given())
        refuse_unsupported(f"-m {model}", *_given(compared | fitted))
        _evaluate_restoring(loaded, data, degradation, baselines, training, limit, settings, seed, messages)


def _given(options: dict[str, Any]) -> list[str]:
    """The names of those that were given."""
    return [name for name, value in options.items() if value]


def _evaluate_restoring(
    model: "Model", data: Path, degradations: list[str] | None, baseline: str, training: Path | None, limit: int,
    settings: "RestoreSettings", seed: int, messages: Messages,
) -> None:  # fmt: skip
    """A model that restores, under each kind of damage."""
    from agerestore.evaluation import benchmark

    if not degradations:
        raise UsageError("say what happens to the pictures with --degradation, such as --degradation noise:sigma=50")
    test, clean = _pictures(model, data, training, baseline != "none")
    methods = {"all": benchmark.available_baselines(fitted=clean is not None), "none": []}.get(
        baseline, [name.strip() for name in baseline.split(",")]
    )

    def report(row: benchmark.Score) -> None:
        if messages.as_json:
            typer.echo(json.dumps(dataclasses.asdict(row)))
        elif not messages.quiet:
            typer.echo(_line(row))

    benchmark.evaluate(
        model, _some(test, limit, data, messages), degradations,
        methods=methods, training=clean, settings=settings, seed=seed, report=report,
    )  # fmt: skip


def _evaluate_suite(
    model: "Model", suite: str, data: Path, training: Path | None, limit: int, settings: "RestoreSettings",
    seed: int, messages: Messages,
) -> None:  # fmt: skip
    """An encoder and a generator in one go; samples are judged by a network trained on --training, or else on DATA."""
    from agerestore.data import sources
    from agerestore.models.age import Autoencoder
    from agerestore.research.paper_benchmark import Measurement, paper_benchmark

    if suite != "paper":
        raise UsageError(f"no suite {suite!r}; there is one: --suite paper")
    networks = model.networks
    if not isinstance(networks, Autoencoder):
        raise UsageError(
            "--suite paper is for an encoder and a generator of one kind of pictures: choose another model"
        )
    size, channels = networks.config.image_size, networks.config.channels
    test, known = (
        sources.load_images(folder, size, channels, split)
        for folder, split in ((data, "test"), (training or data, "train"))
    )

    def report(measured: Measurement) -> None:
        if messages.as_json:
            typer.echo(json.dumps({"what": measured.what, **measured.figures}))
        elif not messages.quiet:
            figures = "  ".join(f"{name} {value:.4g}" for name, value in measured.figures.items())
            typer.echo(f"{measured.what:28} {figures}")

    here = model.to("cpu")  # where pictures and draws are; the networks are small
    paper_benchmark(here, _some(test, limit, data, messages), known, settings=settings, seed=seed, report=report)


def _evaluate_coloring(
    model: "Model",
    data: Path,
    training: Path | None,
    compare_with: str | None,
    limit: int,
    seed: int,
    messages: Messages,
) -> None:
    """A model that colors beside gray and, if there is one, beside plain regression."""
    from agerestore.data import sources
    from agerestore.evaluation.colorization import ColorizationScore, evaluate_colorization
    from agerestore.models import zoo
    from agerestore.models.colorizer import Colorizer

    if training is None:
        raise UsageError("name colored pictures, not those of DATA, with --training: a classifier learns from them")
    networks = model.networks
    test, known = (
        sources.load_images(folder, networks.config.image_size, 3, stretch=True) for folder in (data, training)
    )
    regression = zoo.load(compare_with).networks if compare_with else None
    if not isinstance(regression, Colorizer | None):
        raise UsageError(f"--compare-with {compare_with}: these weights do not color")

    def report(row: ColorizationScore) -> None:
        if messages.as_json:
            typer.echo(json.dumps(dataclasses.asdict(row)))
        elif not messages.quiet:
            thirds = " ".join(f"{each:.2f}" for each in row.best_by_saturation)
            typer.echo(
                f"{row.method:28} best of {row.answers} {row.best:.2f} dB ({thirds})  mean {row.mean:.2f} dB  "
                f"colorfulness {row.colorfulness:.1f} (gap {row.gap:.0%})  spread {row.spread:.1f}  "
                f"Frechet {row.frechet:.3f}"
            )

    part = _some(test, limit, data, messages)
    evaluate_colorization(networks, part, known, regression=regression, seed=seed, report=report)


def _some(test: Any, limit: int, data: Path, messages: Messages) -> Any:
    """At most ``limit`` pictures: a published set has them in a random order, a folder often class by class.

    Said are how many these are, and which could not be read.
    """
    import torch

    from agerestore.data.sources import has_splits

    count = min(limit, len(test))
    for line in test.skipped:
        say(line)
    if not messages.quiet:
        typer.echo(f"agerestore: measured on {count} of {len(test)} pictures", err=True)
    return test.take(torch.arange(count) if has_splits(data) else torch.arange(count) * len(test) // count)


def _pictures(
    model: "Model", data: Path, training: Path | None, compare: bool
) -> "tuple[TrainingSet, TrainingSet | None]":
    """Test pictures in the form that the networks want, and training pictures for what is fitted beside them."""
    from agerestore.data import sources
    from agerestore.data.sources import has_splits

    size, channels = model.input.size, model.input.channels
    if size is None:
        return sources.load_photographs(data, split="test"), None
    clean = None
    if training is not None or (compare and has_splits(data)):
        clean = sources.load_images(training or data, size, channels, "train")
    return sources.load_images(data, size, channels, "test"), clean


def _line(row: object) -> str:
    values = dataclasses.asdict(row)  # type: ignore[call-overload]
    hole = "" if values["hole_psnr"] is None else f"  hole {values['hole_psnr']:.2f} dB"
    share = "" if values["accuracy"] is None else f"  recognized {values['accuracy']:.1%}"
    return (
        f"{values['damage']:32} {values['method']:36} {values['psnr']:6.2f} dB  SSIM {values['ssim']:.3f}{hole}{share}"
    )
