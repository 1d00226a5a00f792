"""``agerestore evaluate``."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError

from ._options import Common, ModelName, refuse_unheeded, with_common_options

if TYPE_CHECKING:
    from agerestore.data.datasets import AnySet
    from agerestore.models.base import Model


@with_common_options
def evaluate(
    data: Annotated[
        Path, typer.Option(help="Clean test pictures: a folder, or MNIST, CIFAR-10... as torchvision has it.")
    ],
    damage: Annotated[
        list[str] | None,
        typer.Option("--degrade", help="What happens to them, such as noise:sigma=128:clip=1; repeatable."),
    ] = None,
    model: ModelName = "mnist",
    baseline: Annotated[
        str, typer.Option("--baselines", help="Methods to measure beside: names with commas, all, or none.")
    ] = "none",
    training: Annotated[
        Path | None,
        typer.Option(help="Clean pictures that fitted baselines learn from; else the training split of DATA."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="paper: reconstruction, restoration, moments and samples of an encoder and a generator."),
    ] = None,
    beside: Annotated[
        str | None, typer.Option(help="Of a model that colors: weights trained by plain regression, to compare with.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Take N test pictures: of a folder evenly spaced ones, else the first.")
    ] = 1000,
    refine: Annotated[int, typer.Option(min=0, help="Steps of latent refinement.")] = 0,
    ensemble: Annotated[
        int, typer.Option(help="Photographs: 2, 4 or 8 measure the mean over so many turned and mirrored positions.")
    ] = 1,
    *,
    common: Common,
) -> None:
    """Measure a model beside classical methods on the same damaged pictures; one that colors, beside simpler ways."""
    from agerestore import device as devices
    from agerestore.inference.restoration import unsupported_options
    from agerestore.models import zoo

    settings = RestoreSettings(latent_steps=refine, ensemble=ensemble, precision=common.precision)
    devices.set_threads(common.threads)
    loaded = zoo.load(model).to(devices.choose(common.device))
    restoring = {"--degrade": damage, "--baselines": baseline != "none", "--refine": refine, "--ensemble": ensemble > 1}
    compared = {"--beside": beside}
    elsewhere = {"--device": common.device not in ("auto", "cpu")}  # where pictures are the CPU computes
    if suite is not None:
        refuse_unheeded(f"--suite {suite}", _given(restoring | compared | elsewhere))
        _evaluate_suite(loaded, suite, data, training, limit, settings, common)
    elif loaded.task == "colorization":
        reduced = {"--precision": common.precision not in ("auto", "fp32")}
        refuse_unheeded(f"-m {model}", _given(restoring | elsewhere | reduced))
        _evaluate_coloring(loaded.to("cpu"), data, training, beside, limit, common)
    else:
        fitted = {} if loaded.input.size else {"--training": training}  # baselines that learn
        refuse_unheeded(f"-m {model}", [*unsupported_options(loaded, settings), *_given(compared | fitted)])
        _evaluate_restoring(loaded, data, damage, baseline, training, limit, settings, common)


def _given(options: dict[str, Any]) -> list[str]:
    """The names of those that were given."""
    return [name for name, value in options.items() if value]


def _evaluate_restoring(
    model: "Model", data: Path, damage: list[str] | None, baseline: str, training: Path | None, limit: int,
    settings: "RestoreSettings", common: Common,
) -> None:  # fmt: skip
    """A model that restores, under each kind of damage."""
    from agerestore.evaluation import benchmark

    if not damage:
        raise UsageError("say what happens to the pictures with --degrade, such as --degrade noise:sigma=50")
    test, clean = _pictures(model, data, training, baseline != "none")
    methods = {"all": benchmark.available_baselines(fitted=clean is not None), "none": []}.get(
        baseline, [name.strip() for name in baseline.split(",")]
    )

    def report(row: benchmark.Score) -> None:
        if common.as_json:
            typer.echo(json.dumps(dataclasses.asdict(row)))
        elif not common.quiet:
            typer.echo(_line(row))

    benchmark.evaluate(
        model, _some(test, limit, data, common), damage,
        methods=methods, training=clean, settings=settings, seed=common.seed, report=report,
    )  # fmt: skip


def _evaluate_suite(
    model: "Model", suite: str, data: Path, training: Path | None, limit: int, settings: "RestoreSettings",
    common: Common,
) -> None:  # fmt: skip
    """An encoder and a generator in one go; samples are judged by a network trained on --training, or else on DATA."""
    from agerestore.data import datasets
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
        datasets.load_images(folder, size, channels, split)
        for folder, split in ((data, "test"), (training or data, "train"))
    )

    def report(measured: Measurement) -> None:
        if common.as_json:
            typer.echo(json.dumps({"what": measured.what, **measured.figures}))
        elif not common.quiet:
            figures = "  ".join(f"{name} {value:.4g}" for name, value in measured.figures.items())
            typer.echo(f"{measured.what:28} {figures}")

    here = model.to("cpu")  # where pictures and draws are; the networks are small
    paper_benchmark(here, _some(test, limit, data, common), known, settings=settings, seed=common.seed, report=report)


def _evaluate_coloring(
    model: "Model", data: Path, training: Path | None, beside: str | None, limit: int, common: Common
) -> None:
    """A model that colors beside gray and, if there is one, beside plain regression."""
    from agerestore.data import datasets
    from agerestore.evaluation.colorization import ColorizationScore, evaluate_colorization
    from agerestore.inference.colorizer import networks_of
    from agerestore.models import zoo
    from agerestore.models.colorizer import Colorizer

    if training is None:
        raise UsageError("name colored pictures, not those of --data, with --training: a classifier learns from them")
    networks = networks_of(model)
    test, known = (
        datasets.load_images(folder, networks.config.image_size, 3, stretch=True) for folder in (data, training)
    )
    regression = zoo.load(beside).networks if beside else None
    if not isinstance(regression, Colorizer | None):
        raise UsageError(f"--beside {beside}: these weights do not color")

    def report(row: ColorizationScore) -> None:
        if common.as_json:
            typer.echo(json.dumps(dataclasses.asdict(row)))
        elif not common.quiet:
            thirds = " ".join(f"{each:.2f}" for each in row.best_by_saturation)
            typer.echo(
                f"{row.method:28} best of {row.answers} {row.best:.2f} dB ({thirds})  mean {row.mean:.2f} dB  "
                f"colorfulness {row.colorfulness:.1f} (gap {row.gap:.0%})  spread {row.spread:.1f}  "
                f"Frechet {row.frechet:.3f}"
            )

    part = _some(test, limit, data, common)
    evaluate_colorization(networks, part, known, regression=regression, seed=common.seed, report=report)


def _some(test: Any, limit: int, data: Path, common: Common) -> Any:
    """At most ``limit`` pictures: a published set has them in a random order, a folder often class by class.

    Said are how many these are, and which could not be read.
    """
    import torch

    from agerestore.data.sources import has_splits

    count = min(limit, len(test))
    for line in test.skipped:
        typer.echo(f"agerestore: {line}", err=True)
    if not common.quiet:
        typer.echo(f"agerestore: measured on {count} of {len(test)} pictures", err=True)
    return test.take(torch.arange(count) if has_splits(data) else torch.arange(count) * len(test) // count)


def _pictures(model: "Model", data: Path, training: Path | None, compare: bool) -> "tuple[AnySet, AnySet | None]":
    """Test pictures in the form that the networks want, and training pictures for what is fitted beside them."""
    from agerestore.data import datasets
    from agerestore.data.sources import has_splits

    size, channels = model.input.size, model.input.channels
    if size is None:
        return datasets.load_photographs(data, split="test"), None
    clean = None
    if training is not None or (compare and has_splits(data)):
        clean = datasets.load_images(training or data, size, channels, "train")
    return datasets.load_images(data, size, channels, "test"), clean


def _line(row: object) -> str:
    values = dataclasses.asdict(row)  # type: ignore[call-overload]
    hole = "" if values["hole_psnr"] is None else f"  hole {values['hole_psnr']:.2f} dB"
    share = "" if values["accuracy"] is None else f"  recognized {values['accuracy']:.1%}"
    return (
        f"{values['damage']:32} {values['method']:36} {values['psnr']:6.2f} dB  SSIM {values['ssim']:.3f}{hole}{share}"
    )
