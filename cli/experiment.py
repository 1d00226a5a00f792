"""``agerestore experiment``."""

from pathlib import Path
from typing import Annotated

import typer

from ._options import Common, with_common_options


@with_common_options
def experiment(
    name: Annotated[str, typer.Argument(help="aae-priors, aae-semi, systems ...; a wrong name lists all.")],
    data: Annotated[Path, typer.Option(help="MNIST, as torchvision lays it out.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.png and NAME.json, and below it runs/.")],
    full: Annotated[
        bool, typer.Option("--full", help="Train as the presets say; without it briefly, and figures are no results.")
    ] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, for all runs.")] = None,
    limit: Annotated[int, typer.Option(min=32, help="Take the first N test pictures.")] = 10_000,
    *,
    common: Common,
) -> None:
    """Repeat an experiment of the founding papers: trains what it needs and writes one picture and one JSON."""
    import json

    import torch

    from agerestore import data as sets
    from agerestore import device as devices
    from agerestore.experiments import Setting, run_experiment

    devices.set_threads(common.threads)
    training, test = (sets.load(data, 32, 1, split=split) for split in ("train", "test"))
    given = tuple(settings or ())
    setting = Setting(
        training, test.take(torch.arange(min(limit, len(test)))), out / "runs", full, given,
        report=lambda line: None if common.quiet else typer.echo(line, err=True),
    )  # fmt: skip
    figures = run_experiment(name, setting, out).figures
    typer.echo(json.dumps(figures, indent=None if common.as_json else 1))
