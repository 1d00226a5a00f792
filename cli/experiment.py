"""``agerestore experiment``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from . import _completion
from ._interrupt import interrupted
from ._options import DATA, MODEL, OUTPUT, Compute, Messages, Seed, flag, option, refuse_unsupported, with_groups
from ._terminal import echo
from ._wording import said_unless


@with_groups
def experiment(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="age-ablations, systems, aae-semi ...; a wrong name lists all.")
    ],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="MNIST, SVHN, CIFAR-10 or CelebA, as torchvision lays them out or as "
                       "folders; of digits 0 to 9."),
    ],
    out: Annotated[Path, option(OUTPUT, metavar="FOLDER", help="Folder for NAME.png, NAME.json and the runs.")],
    limit: Annotated[int, option(DATA, min=32, metavar="N", help="Take the first N test images.")] = 10_000,
    full: Annotated[
        bool, flag(MODEL, "--full", help="Train as the presets say; without it briefly, and figures are no results.")
    ] = False,
    model: Annotated[
        str | None, option(MODEL, "-m", "--model", metavar="NAME|FILE", autocompletion=_completion.models,
                           help="Only svhn-features: whose encoder to take; without it one is trained.")
    ] = None,
    settings: Annotated[
        list[str] | None, option(MODEL, "--set", metavar="KEY=VALUE", help="Change a setting of all runs.")
    ] = None,
    seed: Seed = 0,
    *,
    compute: Compute,
    messages: Messages,
) -> None:  # fmt: skip
    """Repeat an experiment of the founding papers: train what it needs, write one figure and one JSON file.

    --device, --precision and --seed are those of the training; figures are taken on the CPU, with seeds of their own.
    Ctrl-C or SIGTERM saves the run that is being trained and ends with exit code 130; the same command goes on with it.
    """
    from agerestore import device as devices
    from agerestore.config.extensions import research

    if model is not None and name != "svhn-features":
        refuse_unsupported(f"experiment {name}", "-m")
    devices.set_threads(compute.threads)
    where = devices.choose(compute.device)
    precision = [] if compute.precision == "auto" else [f"precision={compute.precision}"]
    experiments = research("experiments")
    notify = said_unless(messages.quiet)
    training, test = experiments.requirements_of(name).load(data, limit, notify)
    with interrupted("ending the iteration and saving the state") as stop:
        context = experiments.Context(
            training, test, out / "runs", full, (*(settings or ()), *precision), weights=model, seed=seed, device=where,
            report=lambda line: None if messages.quiet else echo(line, err=True), stop=stop.is_set,
        )  # fmt: skip
        figures = experiments.run_experiment(name, context, out).figures
    echo(json.dumps(figures, indent=None if messages.as_json else 1))
