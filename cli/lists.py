"""``agerestore presets`` and ``agerestore degradations``: what ``--preset`` and ``--degradation`` take."""

import json
from typing import Any

import typer

from ._options import AsJson


def presets(as_json: AsJson = False) -> None:
    """List the presets of `agerestore train`: what each trains, on images of which size, and for how long."""
    from agerestore.config.presets import PRESETS
    from agerestore.config.training import train_config

    for name in PRESETS:
        config = train_config(name, ())
        network: Any = config.network
        row = {
            "name": name,
            "objective": config.objective,
            "network": network.architecture,
            "image_size": getattr(network, "image_size", None),
            "steps": config.steps,
            "epochs": config.epochs,
        }
        if as_json:
            typer.echo(json.dumps(row))
        else:
            size = f"{row['image_size']} pixels" if row["image_size"] else "any size"
            length = f"{config.steps} steps" if config.steps else f"{config.epochs} epochs"
            typer.echo(f"{name:36} {config.objective:16} {network.architecture:14} {size:10} {length}")


def degradations(as_json: AsJson = False) -> None:
    """List the kinds of degradation, and their parameters with the default range and the limits."""
    from agerestore.degradations import describe

    for entry in describe():
        if as_json:
            typer.echo(json.dumps(entry._asdict()))
        elif entry.default:
            limits = f"; {entry.limits} allowed"
            typer.echo(f"  {entry.name:18} {entry.default:13} {entry.description}{limits}")
        else:
            typer.echo(f"{entry.name:34} {entry.description}")
