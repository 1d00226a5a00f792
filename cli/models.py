"""``agerestore models``."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.errors import UsageError

from . import _completion
from ._options import DATA, AsJson, Compute, Messages, Overwrite, option, print_output, refuse_existing, with_groups
from ._terminal import echo
from ._wording import said_unless

if TYPE_CHECKING:
    from torch import Tensor

    from agerestore.data.datasets import Set
    from agerestore.models.base import Model

app = typer.Typer(
    no_args_is_help=True,
    help="Models: list the shipped ones, show what a weights file says, verify checksums, calibrate one of your own.",
)
Name = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", autocompletion=_completion.models, help="A shipped model's name, or a .safetensors file."
    ),
]
FIRST = ("purpose", "task", "default_for", "kind", "image_size", "bytes", "path", "data_license")  # in `info`
LONG = ("training", "adversarial_training")  # configurations of a hundred lines


@app.command("list")
@with_groups
def list_models(as_json: AsJson = False) -> None:
    """List the shipped models: what each is for, and the license of the data it was trained on.

    DEFAULT FOR names the command that chooses the model by itself.
    """
    from agerestore.models import zoo

    keys = ("task", "default_for", "bytes", "purpose", "data_license")
    rows = [{"name": name} | {key: zoo.info(name).get(key) for key in keys} for name in zoo.names()]
    if as_json:
        for row in rows:
            echo(json.dumps(row))
    else:
        _print_table(rows)


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Columns that wrap in a terminal, and one line for each model elsewhere."""
    from rich.console import Console
    from rich.table import Table

    table = Table("NAME", "TASK", "DEFAULT FOR", "MB", "PURPOSE", "LICENSE OF ITS DATA", box=None, pad_edge=False)
    for row in rows:
        size = f"{row['bytes'] / 1e6:.1f}"
        table.add_row(row["name"], row["task"], row["default_for"] or "", size, row["purpose"], row["data_license"])
    console = Console(width=None if sys.stdout.isatty() else 1000, highlight=False)
    with console.capture() as lines:  # printed directly it would end the process when the pipe is closed
        console.print(table)
    echo(lines.get(), nl=False)


@app.command()
@with_groups
def info(name: Name, as_json: AsJson = False) -> None:
    """Show what a model's file says of itself: purpose, license of its data, what it scored, networks, training."""
    from agerestore.models import zoo

    header = zoo.info(name)
    if as_json:
        echo(json.dumps(header))
        return
    for key in (*FIRST, *sorted(header.keys() - set(FIRST))):
        for line in _lines(key, "see --json" if key in LONG else header.get(key)):
            echo(line)


def _lines(key: str, value: Any, indent: str = "") -> Iterator[str]:
    """A field as ``name: value``; of nested ones a line each, indented; nothing of an empty one."""
    if isinstance(value, Mapping):
        inner = [line for name, each in value.items() for line in _lines(name, each, indent + "  ")]
        yield from [f"{indent}{key}:", *inner] if inner else []
    elif value not in (None, ""):
        yield f"{indent}{key}: {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@app.command()
@with_groups
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...", autocompletion=_completion.models, help="Shipped models; all when none is named."
        ),
    ] = None,
    *,
    messages: Messages,
) -> None:
    """Check the shipped files against their checksums; exit code 4 at the first that differs."""
    from agerestore.models import zoo

    for name in names or zoo.names():
        zoo.verify(name)
        if messages.as_json:
            echo(json.dumps({"name": name, "status": "ok"}))
        elif not messages.quiet:
            echo(f"{name}: ok")


@app.command()
@with_groups
def calibrate(
    model: Name,
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The weights file to write.")],
    data: Annotated[
        list[Path],
        option(DATA, metavar="FOLDER", help="Images that the model is for; repeatable, each folder weighs as much."),
    ],
    negatives: Annotated[
        list[Path] | None,
        option(DATA, metavar="FOLDER", help="All but models of photographs: images of anything else; repeatable."),
    ] = None,
    kind: Annotated[
        str | None, option(DATA, metavar="WORD", help="Models of one kind of small images: the kind, such as face.")
    ] = None,
    overwrite: Overwrite = False,
    *,
    compute: Compute,
    messages: Messages,
) -> None:
    """Fit a model's limits on validation images of your own.

    For models that color, this is the limit beyond which images are refused; for models of photographs, the variance
    of the samples, from photographs held out from training; for models of one kind of small images, how they recognize
    it when little is left of an image, which `restore -m auto` then gives to them.
    """
    from agerestore import device as devices
    from agerestore.models import weights, zoo

    refuse_existing(out, overwrite)
    devices.set_threads(compute.threads)
    loaded = zoo.load(model, device=compute.device)
    notify = said_unless(messages.quiet)
    if loaded.task == "colorization":
        if compute.precision not in ("auto", "fp32"):
            raise UsageError("limits of models that color are found in fp32; leave `precision` out")
        changed = _domain(loaded, data, negatives or [], notify)
    elif "samples" in loaded.supports:
        if negatives:
            raise UsageError(f"{model}: the variance of samples is found without `negatives`; leave it out")
        with devices.precision(compute.precision, loaded.device):
            changed = _sample_variance(loaded, data, notify)
    elif loaded.input.size is not None and {"restore", "sample"} <= loaded.verbs:
        changed = _recognition(loaded, data, negatives or [], kind, notify)
    else:
        raise UsageError(f"{model}: nothing to calibrate; it neither colors nor generates images")
    weights.save_weights(out, loaded.networks, {**loaded.header, **changed})
    print_output(out, messages)


def _domain(model: "Model", data: list[Path], negatives: list[Path], notify: "Callable[[str], None]") -> dict[str, Any]:
    """The limit of a model that colors, for its header."""
    from agerestore.data import sources
    from agerestore.images.color import rgb_to_lab
    from agerestore.inference import ood_features

    if not negatives:
        raise UsageError("name folders of images of anything else with `negatives`")

    def lightness(folders: list[Path]) -> "list[Tensor]":
        size, stretch = model.networks.working_size(1, 1)[0], model.networks.config.fit == "stretch"
        sets = (_complete(sources.load_images(folder, size, 3, stretch=stretch), notify) for folder in folders)
        return [rgb_to_lab(each.images.to(model.device).float() / 255)[:, :1] for each in sets]

    found = ood_features.calibrate(model.networks, lightness(data), lightness(negatives))
    if not found:
        raise UsageError(f"too few images that the model is for; give {ood_features.FEWEST} or more with `data`")
    return {"domain": found}


def _recognition(
    model: "Model", data: list[Path], negatives: list[Path], kind: str | None, notify: "Callable[[str], None]"
) -> dict[str, Any]:
    """How a model of one kind of small images recognizes it, for its header."""
    from agerestore.data import sources
    from agerestore.inference import recognition

    if not negatives:
        raise UsageError("name folders of images of anything else with `negatives`")
    if kind is None:
        raise UsageError("name what the model generates with `kind`, such as face")

    def images(folders: list[Path]) -> "list[Tensor]":
        sets = (sources.load_images(each, model.input.size or 0, model.input.channels) for each in folders)
        return [_complete(each, notify).images.to(model.device).float() / 255 for each in sets]

    found = recognition.calibrate(model, images(data), images(negatives))
    if not found:
        raise UsageError("too few images that the model is for; give more with `data`")
    return {"recognition": {"kind": kind, **found}}


def _complete(images: "Set", notify: "Callable[[str], None]") -> "Set":
    """The same images, after a line for each kind of files that were left out."""
    for line in images.skipped:
        notify(line)
    return images


def _sample_variance(model: "Model", data: list[Path], notify: "Callable[[str], None]") -> dict[str, Any]:
    """Scales the samples of a model for photographs; what is then measured of them, for its header."""
    from agerestore.data import sources
    from agerestore.metrics.uncertainty import calibrate_samples, sample_metrics
    from agerestore.training.validation import HOLES, degrader

    photographs = [
        image.to(model.device).float() / 255
        for folder in data
        for image in _complete(sources.load_photographs(folder, split="test"), notify).images
    ]
    calibrate_samples(model.networks, photographs, degrader(HOLES))
    measured = sample_metrics(model.networks, photographs, degrader(HOLES))
    validation = model.header.get("validation", {}) | {f"samples_{name}": value for name, value in measured.items()}
    return {"validation": validation}
