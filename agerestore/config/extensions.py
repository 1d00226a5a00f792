"""The one place that loads `agerestore.research`: by name, when a name is asked for that is not built in.

Nothing else outside `agerestore.research` loads it, so that it costs nothing where images are restored.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def research_table(module: str, table: str) -> Mapping[str, Any]:
    """A table of `agerestore.research`, by the names of its module and of the table itself.

    >>> sorted(research_table("networks", "ARCHITECTURES"))
    ['mlp']
    """
    found: Mapping[str, Any] = getattr(import_module(f"agerestore.research.{module}"), table)
    return found


def look_up(name: str, built_in: Mapping[str, Any], module: str, table: str) -> Any:
    """The entry of a name: of the built-in table if it is there, else of a table of `agerestore.research`.

    Raises:
        KeyError: in neither.
    """
    return built_in[name] if name in built_in else research_table(module, table)[name]
