"""Where the shipped weights are installed."""

from functools import cache
from importlib import resources
from pathlib import Path

from agerestore.errors import WeightsError


@cache
def folder() -> Path:
    """The folder of the shipped weights.

    Raises:
        WeightsError: they are not installed.
    """
    try:
        return Path(str(resources.files("agerestore_pretrained")))
    except ModuleNotFoundError:
        raise WeightsError("the shipped weights are not installed; reinstall agerestore with pip") from None
