"""The command as the tests call it."""

from pathlib import Path
from typing import Any

from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.batch import manifest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOISE = ("--degradation", "noise")
TINY = [
    argument
    for setting in ("network.width=2", "network.latent_dim=4", "batch_size=4", "steps=3", "finetune.steps=2",
                    "robust.steps=2", "robust.batch_size=4", "validation=0", "precision=fp32")
    for argument in ("--set", setting)
]  # fmt: skip


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tree(folder: Path) -> list[str]:
    """All files but those of the manifest."""
    hidden = (manifest.NAME, manifest.LOCK)
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in hidden)
    return sorted(str(path.relative_to(folder)) for path in files)
