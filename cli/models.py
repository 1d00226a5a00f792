"""``agerestore models``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.errors import UsageError

from ._options import (
    DATA,
    AsJson,
    Compute,
    Messages,
    Overwrite,
    option,
    print_output,
    refuse_existing,
    with_groups,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device

    from agerestore.models.colorizer import Colorizer
    from agerestore.models.photo import PhotoRestorer

app = typer.Typer(no_args_is_help=True, help="The shipped models: list, info, verify; calibrate one of your own.")


@app.command("list")
@with_groups
def list_models(as_json: AsJson = False) -> None:
    """List the shipped models with the terms of the data each was trained on."""
    from agerestore.models import zoo

    for name in zoo.names():
        info = zoo.info(name)
        row = {
            "name": name,
            "bytes": info["bytes"],
            "purpose": info.get("purpose"),
            "data_license": info.get("data_license"),
        }
        if as_json:
            typer.echo(json.dumps(row))
        else:
            typer.echo(f"{name}  {info['bytes'] / 1e6:.1f} MB  {row['purpose']}\n    data: {row['data_license']}")


@app.command()
@with_groups
def info(
    name: Annotated[str, typer.Argument(help="A shipped model's name, or a .safetensors file.")],
    as_json: AsJson = False,
) -> None:
    """Print what a model's file says of itself: networks, training, validation, domain, terms of its data."""
    from agerestore.models import zoo

    header = zoo.info(name)
    if as_json:
        typer.echo(json.dumps(header))
        return
    for key, value in sorted(header.items()):
        typer.echo(f"{key}: {_text(value)}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@app.command()
@with_groups
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Shipped models; all of them when none is named.")] = None,
    *,
    messages: Messages,
) -> None:
    """Check the shipped files against their checksums; exit code 4 at the first that differs."""
    from agerestore.models import zoo

    for name in names or zoo.names():
        zoo.verify(name)
        if messages.as_json:
            typer.echo(json.dumps({"name": name, "status": "ok"}))
        elif not messages.quiet:
            typer.echo(f"{name}: ok")


@app.command()
@with_groups
def calibrate(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A shipped model's name, or a .safetensors file."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The weights file to write.")],
    data: Annotated[
        list[Path],
        option(DATA, metavar="FOLDER", help="Images that the model is for; repeatable, each folder weighs as much."),
    ],
    negatives: Annotated[
        list[Path] | None,
        option(DATA, metavar="FOLDER", help="Models that color: images of anything else; repeatable."),
    ] = None,
    overwrite: Overwrite = False,
    *,
    compute: Compute,
    messages: Messages,
) -> None:
    """Fit a model's limits on validation images of your own.

    For models that color, this is the limit beyond which images are refused; for models of photographs, the variance
    of the samples, from photographs held out from training.
    """
    from agerestore import device as devices
    from agerestore.models import weights, zoo
    from agerestore.models.colorizer import Colorizer
    from agerestore.models.photo import PhotoRestorer

    refuse_existing(out, overwrite)
    devices.set_threads(compute.threads)
    device = devices.choose(compute.device)
    loaded = zoo.load(model).to(device)
    if isinstance(loaded.networks, Colorizer):
        changed = _refusals(loaded.networks, data, negatives or [], device)
    elif isinstance(loaded.networks, PhotoRestorer) and loaded.networks.config.latent_dim:
        if negatives:
            raise UsageError(f"--negatives is for a model that colors, and {model} does not; leave it out")
        with devices.precision(compute.precision, device):
            changed = _spread(loaded.networks, data, loaded.header, device)
    else:
        raise UsageError("there is nothing to calibrate in these weights: they neither color nor draw photographs")
    weights.save_weights(out, loaded.networks, {**loaded.header, **changed})
    print_output(out, messages)


def _refusals(networks: "Colorizer", data: list[Path], negatives: list[Path], device: "Device") -> dict[str, Any]:
    """The domain of a model that colors, for its header."""
    from agerestore.data import sources
    from agerestore.images.color import rgb_to_lab
    from agerestore.inference import ood_features

    if not negatives:
        raise UsageError("name pictures of anything else with --negatives")

    def lightness(folders: list[Path]) -> "list[Tensor]":
        sets = (sources.load_images(folder, networks.config.image_size, 3, stretch=True) for folder in folders)
        return [rgb_to_lab(each.images.to(device).float() / 255)[:, :1] for each in sets]

    found = ood_features.calibrate_colors(networks, lightness(data), lightness(negatives))
    if not found:
        raise UsageError(f"too few pictures of the domain; give {ood_features.FEWEST} or more with --data")
    return {"domain": found}


def _spread(networks: "PhotoRestorer", data: list[Path], header: dict[str, Any], device: "Device") -> dict[str, Any]:
    """Scales the samples of a model for photographs; its figures after that, for its header."""
    from agerestore.data import sources
    from agerestore.metrics.uncertainty import calibrate_samples, sample_metrics
    from agerestore.training.validation import HOLES, degrader

    photographs = [
        image.to(device).float() / 255
        for folder in data
        for image in sources.load_photographs(folder, split="test").images
    ]
    calibrate_samples(networks, photographs, degrader(HOLES))
    figures = sample_metrics(networks, photographs, degrader(HOLES))
    validation = header.get("validation", {}) | {f"samples_{name}": value for name, value in figures.items()}
    return {"validation": validation}
