"""``agerestore train``."""

import dataclasses
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from . import _completion
from ._interrupt import interrupted
from ._options import DATA, MODEL, OUTPUT, Compute, Messages, Seed, flag, option, with_groups
from ._progress import progress_bar
from ._terminal import echo
from ._wording import say


@with_groups
def train(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A folder of clean images, or of MNIST, CIFAR-10, SVHN or CelebA as "
                             "torchvision lays them out, Stanford Cars or Tiny ImageNet as published.")
    ],
    out: Annotated[Path, option(OUTPUT, metavar="FOLDER", help="The folder of the run.")],
    augment: Annotated[bool, flag(DATA, "--augment", help="Vary geometry and color of the clean images.")] = False,
    data_license: Annotated[
        str | None, option(DATA, metavar="TEXT", help="License of the training data, for the model's header.")
    ] = None,
    preset: Annotated[
        str | None, option(MODEL, metavar="NAME", autocompletion=_completion.presets,
                           help="Networks, losses and schedule to start from; see `agerestore presets`.")
    ] = None,
    settings: Annotated[
        list[str] | None, option(MODEL, "--set", metavar="KEY=VALUE",
                                 help="Change a setting of the preset; dotted where nested, as in network.width=16.")
    ] = None,
    init: Annotated[
        str | None, option(MODEL, metavar="NAME|FILE", autocompletion=_completion.models,
                           help="Start from the weights of a shipped model or a .safetensors file.")
    ] = None,
    seed: Seed = 0,
    resume: Annotated[bool, flag(OUTPUT, "--resume", help="Go on from the last saved state in the folder.")] = False,
    dry_run: Annotated[
        bool, flag(OUTPUT, "--dry-run", help="Print the configuration and an estimate of the cost, and stop.")
    ] = False,
    *,
    compute: Compute,
    messages: Messages,
) -> None:  # fmt: skip
    """Train a model on clean images; its weights are FOLDER/final.safetensors, for `agerestore restore -m`.

    Ctrl-C or SIGTERM saves the state and ends with exit code 130. With --resume and the same DATA and folder the run
    goes on exactly where it was, with the settings it was begun with. Started by torchrun, several processes share
    each batch.
    """
    from agerestore import distributed
    from agerestore.training import loop

    options: dict[str, Any] = {
        "out": out, "preset": preset, "settings": settings or [], "augment": augment, "init": init, "resume": resume,
        "device": compute.device, "precision": compute.precision, "threads": compute.threads, "seed": seed,
    }  # fmt: skip
    with _warnings_on_stderr():
        if dry_run:
            echo(json.dumps(loop.estimate(data, **options), indent=None if messages.as_json else 1))
            return
        with (
            distributed.init(),
            interrupted("ending the iteration and saving the state") as stop,
            _Bar(messages.quiet, messages.as_json) as bar,
        ):
            weights = loop.train(data, data_license=data_license, progress=bar.show, stop=stop.is_set, **options)
            if distributed.is_main():
                echo(json.dumps({"weights": str(weights)}) if messages.as_json else str(weights))


@contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    """Print each warning of the library as one line of the command."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *where, **more: say(str(message))
        yield


class _Bar:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere; JSON lines on stdout if asked."""

    def __init__(self, quiet: bool, as_json: bool) -> None:
        from rich.progress import TextColumn

        self.bar = progress_bar(quiet, TextColumn("{task.fields[rate]:.0f} images/s {task.fields[terms]}"))
        self.tasks: dict[str, Any] = {}
        self.plain = not quiet and self.bar.disable and not as_json
        self.as_json = as_json

    def __enter__(self) -> "_Bar":
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def show(self, progress: Any) -> None:
        """Show one report of the training loop."""
        if self.as_json:
            echo(json.dumps(dataclasses.asdict(progress)))
        terms = " ".join(f"{name} {value:.3f}" for name, value in progress.terms.items())
        if progress.stage not in self.tasks:
            self.tasks[progress.stage] = self.bar.add_task(progress.stage, total=progress.steps, rate=0.0, terms="")
        self.bar.update(
            self.tasks[progress.stage], completed=progress.step, rate=progress.images_per_second, terms=terms
        )
        if self.plain:
            rate = progress.images_per_second
            echo(f"{progress.stage} {progress.step}/{progress.steps} {rate:.0f} images/s {terms}", err=True)
