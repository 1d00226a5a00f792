"""``agerestore experiment``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agerestore.errors import UsageError

from . import _completion
from ._interrupt import interrupted
from ._options import DATA, MODEL, OUTPUT, Compute, Messages, Seed, flag, option, refuse_unsupported, with_groups
from ._terminal import echo
from ._wording import said_unless


@with_groups
def experiment(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="age-paper, age-ablations, systems, aae-semi ...; a wrong name lists all."),
    ],
    out: Annotated[Path, option(OUTPUT, metavar="FOLDER", help="Folder for NAME.png, NAME.json and the runs.")],
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="MNIST, SVHN, CIFAR-10 or CelebA, as torchvision lays them out or as "
                       "folders; of digits 0 to 9. Not for age-paper."),
    ] = None,
    sets: Annotated[
        Path | None, option(DATA, "--data", metavar="DIR",
                            help="Only age-paper: folder with the sets mnist, svhn, cifar10, celeba, tinyimagenet and "
                            "cars, each in a folder of its name or as torchvision lays it out; those missing are left "
                            "out.")
    ] = None,
    limit: Annotated[
        int | None, option(DATA, min=32, metavar="N",
                           help="Take the first N test images; without it 10,000, and all for svhn-features.")
    ] = None,
    full: Annotated[
        bool, flag(MODEL, "--full", help="Train as the presets say; without it briefly, and figures are no results.")
    ] = False,
    budget: Annotated[
        float | None, option(MODEL, min=0.001, metavar="HOURS",
                             help="Only age-paper: hours of training, divided among the plans.")
    ] = None,
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
    What is finished is not trained again.
    """
    from agerestore import device as devices
    from agerestore.config.extensions import research

    if model is not None and name != "svhn-features":
        refuse_unsupported(f"experiment {name}", "-m")
    devices.set_threads(compute.threads)
    experiments = research("experiments")
    notify, where = said_unless(messages.quiet), devices.choose(compute.device)
    with interrupted("ending the iteration and saving the state") as stop:
        common = {"full": full, "seed": seed, "device": where, "stop": stop.is_set}
        if name == experiments.AGE_PAPER:
            if sets is None or data is not None:
                raise UsageError(f"experiment {name} takes the folder of its sets as --data DIR, and no DATA")
            request = experiments.Request(
                sets, out, budget=budget, settings=tuple(settings or ()), limit=limit, precision=compute.precision,
                report=notify, **common,
            )  # fmt: skip
            figures = experiments.age_paper(request)
        else:
            refuse_unsupported(f"experiment {name}", "--data" * (sets is not None), "--budget" * (budget is not None))
            if data is None:
                raise UsageError(f"experiment {name} needs DATA: a folder of images, or a published set")
            training, test = experiments.requirements_of(name).load(data, limit, notify)
            precision = [] if compute.precision == "auto" else [f"precision={compute.precision}"]
            context = experiments.Context(
                training, test, out / "runs", settings=(*(settings or ()), *precision), weights=model,
                report=lambda line: None if messages.quiet else echo(line, err=True), **common,
            )  # fmt: skip
            figures = experiments.run_experiment(name, context, out).figures
    echo(json.dumps(figures, indent=None if messages.as_json else 1))
