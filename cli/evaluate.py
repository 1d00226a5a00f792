"""``agerestore evaluate``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from agerestore.errors import UsageError

from . import _completion
from ._options import DATA, MODEL, Compute, Messages, ModelName, Seed, WorkerCount, option, with_groups, worker_count
from ._terminal import echo
from ._wording import said_unless


@with_groups
def evaluate(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A folder of clean test images, or of MNIST, CIFAR-10, SVHN or "
                             "CelebA as torchvision lays them out, Stanford Cars or Tiny ImageNet as published.")
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
    workers: WorkerCount = "0",
    *,
    compute: Compute,
    messages: Messages,
) -> None:  # fmt: skip
    """Measure a model on degraded images, next to classical methods; one that colors, next to simpler ways."""
    import agerestore
    from agerestore import device as devices

    count = worker_count(workers)
    if count and compute.threads > 1:
        raise UsageError("--workers compute with one thread each; leave out --threads")
    devices.set_threads(compute.threads)

    def report(row: Any) -> None:
        if messages.as_json:
            echo(json.dumps(row.figures()))
        elif not messages.quiet:
            echo(str(row))

    agerestore.evaluate(
        model, data, degradation=degradation or (), limit=limit, training=training, baselines=baselines, suite=suite,
        compare_with=compare_with, latent_steps=latent_steps, ensemble=ensemble, seed=seed, workers=count,
        device=compute.device, precision=compute.precision, report=report, notify=said_unless(messages.quiet),
    )  # fmt: skip
