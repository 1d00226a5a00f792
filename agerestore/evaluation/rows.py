"""What every measurement gives: rows of figures, as data and as a line of text."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row of figures; `str` of it is a line for people."""

    def figures(self) -> dict[str, Any]:
        """All values by name, ready for JSON."""
        return asdict(self)
