"""``agerestore models``."""

import json
from typing import Annotated, Any

import typer

from ._options import Device, Json, Precision, Quiet, Seed, Threads, Verbose

app = typer.Typer(no_args_is_help=True, help="The shipped models: list, info, verify.")


@app.command("list")
def list_models(
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """List the shipped models with the terms of the data each was trained on."""
    from agerestore import zoo

    for name in zoo.names():
        info = zoo.info(name)
        row = {"name": name, "bytes": info["bytes"], "purpose": info.get("purpose"), "terms": info.get("terms")}
        if as_json:
            typer.echo(json.dumps(row))
        else:
            typer.echo(f"{name}  {info['bytes'] / 1e6:.1f} MB  {row['purpose']}\n    data: {row['terms']}")


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="A shipped model's name, or a .safetensors file.")],
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Print what a model's file says of itself: networks, training, validation, domain, terms of its data."""
    from agerestore import zoo

    header = zoo.info(name)
    if as_json:
        typer.echo(json.dumps(header))
        return
    for key, value in sorted(header.items()):
        typer.echo(f"{key}: {_text(value)}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Shipped models; all of them when none is named.")] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Threads = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Check the shipped files against their checksums; exit code 4 at the first that differs."""
    from agerestore import zoo

    for name in names or zoo.names():
        zoo.verify(name)
        if as_json:
            typer.echo(json.dumps({"name": name, "status": "ok"}))
        elif not quiet:
            typer.echo(f"{name}: ok")
