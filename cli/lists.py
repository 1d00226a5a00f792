"""``agerestore presets`` and ``agerestore degradations``: what ``--preset`` and ``--degradation`` take."""

import json
from dataclasses import asdict
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
    """List the kinds of degradation, with their parameters and the ranges these are drawn from by default."""
    from agerestore.degradations import ALIASES, KINDS

    for name, kind in KINDS.items():
        if as_json:
            parameters = {key: asdict(parameter) for key, parameter in kind.parameters.items()}
            typer.echo(json.dumps({"name": name, "description": kind.description, "parameters": parameters}))
        else:
            ranges = (f"{key}={each.low:g}..{each.high:g}" for key, each in kind.parameters.items())
            typer.echo(f"{':'.join([name, *ranges])}\n    {kind.description}")
    for name, chain in ALIASES.items():
        if as_json:
            typer.echo(json.dumps({"name": name, "chain": chain}))
        else:
            typer.echo(f"{name}\n    stands for {chain}")
