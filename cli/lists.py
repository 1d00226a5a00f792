"""``agerestore presets`` and ``agerestore degradations``: what ``--preset`` and ``--degradation`` take."""

import json

from ._options import AsJson
from ._terminal import echo


def presets(as_json: AsJson = False) -> None:
    """List the presets of `agerestore train` and what each is for; those that repeat papers come last."""
    from agerestore.config.presets import presets as listed
    from agerestore.config.training import train_config

    for name, about in listed().items():
        if not as_json:
            echo(f"{name:32} {about}")
            continue
        config = train_config(name, ())
        network = config.network
        row = {
            "name": name,
            "about": about,
            "objective": config.objective,
            "network": network.architecture,
            "image_size": network.image_size,
            "steps": config.steps,
            "epochs": config.epochs,
        }
        echo(json.dumps(row))


def degradations(as_json: AsJson = False) -> None:
    """List the kinds of degradation, and their parameters with the default range and the limits."""
    from agerestore.degradations import describe

    for entry in describe():
        if as_json:
            echo(json.dumps(entry._asdict()))
        elif entry.default:
            limits = f"; {entry.limits} allowed"
            echo(f"  {entry.name:18} {entry.default:13} {entry.description}{limits}")
        else:
            echo(f"{entry.name:34} {entry.description}")
