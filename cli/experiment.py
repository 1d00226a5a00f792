"""``agerestore experiment``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ._options import Common, refuse_unheeded, with_common_options


@with_common_options
def experiment(
    name: Annotated[str, typer.Argument(help="age-ablations, systems, aae-semi ...; a wrong name lists all.")],
    data: Annotated[
        Path,
        typer.Option(
            help="MNIST, SVHN, CIFAR-10 or CelebA, as torchvision lays them out or as folders; of digits 0 to 9."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for NAME.png and NAME.json, and below it runs/.")],
    full: Annotated[
        bool, typer.Option("--full", help="Train as the presets say; without it briefly, and figures are no results.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("-m", "--model", help="Of svhn-features: whose encoder; without it one is trained.")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, for all runs.")] = None,
    limit: Annotated[int, typer.Option(min=32, help="Take the first N test pictures.")] = 10_000,
    *,
    common: Common,
) -> None:
    """Repeat an experiment of the founding papers: trains what it needs and writes one picture and one JSON.

    --device, --precision and --seed are those of the training; figures are taken on the CPU, from draws of their own.
    """
    from agerestore import device as devices
    from agerestore.research.experiments import Context, requirements_of, run_experiment

    if model is not None and name != "svhn-features":
        refuse_unheeded(f"experiment {name}", ["-m"])
    devices.set_threads(common.threads)
    where = devices.choose(common.device)
    precision = [] if common.precision == "auto" else [f"precision={common.precision}"]
    training, test = requirements_of(name).load(data, limit)
    context = Context(
        training, test, out / "runs", full, (*(settings or ()), *precision), weights=model, seed=common.seed,
        device=where, report=lambda line: None if common.quiet else typer.echo(line, err=True),
    )  # fmt: skip
    figures = run_experiment(name, context, out).figures
    typer.echo(json.dumps(figures, indent=None if common.as_json else 1))
