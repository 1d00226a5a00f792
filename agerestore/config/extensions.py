"""The one place that loads `agerestore.research`: by name, when a name is asked for that is not built in.

Nothing else outside `agerestore.research` loads it, so that it costs nothing where images are restored.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def research(module: str) -> Any:
    """A module of `agerestore.research`, such as ``networks.mlp``."""
    return import_module(f"agerestore.research.{module}")


def look_up(name: str, built_in: Mapping[str, Any], module: str, table: str) -> Any:
    """The entry of a name: of the built-in table if it is there, else of a table of a module of `agerestore.research`.

    Raises:
        KeyError: in neither.
    """
    return built_in[name] if name in built_in else getattr(research(module), table)[name]
