"""``agerestore models``."""

import json
from typing import Annotated, Any

import typer

from ._options import Common, with_common_options

app = typer.Typer(no_args_is_help=True, help="The shipped models: list, info, verify.")


@app.command("list")
@with_common_options
def list_models(*, common: Common) -> None:
    """List the shipped models with the terms of the data each was trained on."""
    from agerestore import zoo

    for name in zoo.names():
        info = zoo.info(name)
        row = {"name": name, "bytes": info["bytes"], "purpose": info.get("purpose"), "terms": info.get("terms")}
        if common.as_json:
            typer.echo(json.dumps(row))
        else:
            typer.echo(f"{name}  {info['bytes'] / 1e6:.1f} MB  {row['purpose']}\n    data: {row['terms']}")


@app.command()
@with_common_options
def info(
    name: Annotated[str, typer.Argument(help="A shipped model's name, or a .safetensors file.")],
    *,
    common: Common,
) -> None:
    """Print what a model's file says of itself: networks, training, validation, domain, terms of its data."""
    from agerestore import zoo

    header = zoo.info(name)
    if common.as_json:
        typer.echo(json.dumps(header))
        return
    for key, value in sorted(header.items()):
        typer.echo(f"{key}: {_text(value)}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@app.command()
@with_common_options
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Shipped models; all of them when none is named.")] = None,
    *,
    common: Common,
) -> None:
    """Check the shipped files against their checksums; exit code 4 at the first that differs."""
    from agerestore import zoo

    for name in names or zoo.names():
        zoo.verify(name)
        if common.as_json:
            typer.echo(json.dumps({"name": name, "status": "ok"}))
        elif not common.quiet:
            typer.echo(f"{name}: ok")
