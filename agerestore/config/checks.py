"""Checks of the values of options."""

from operator import index
from typing import SupportsFloat, SupportsIndex

from agerestore.errors import UsageError


def check_whole(low: int | None = None, **options: object) -> None:
    """Refuse values of options that are no whole numbers, or below ``low``.

    Raises:
        UsageError: it names the first such option.
    """
    for name, value in options.items():
        if not isinstance(value, SupportsIndex):
            raise UsageError(f"`{name}` must be a whole number, not {value!r}")
        if low is not None and index(value) < low:
            raise UsageError(f"`{name}` {value!r} is below {low}")


def check_within(low: float, high: float, **options: object) -> None:
    """Refuse values of options that are no numbers, or not from ``low`` to ``high``.

    Raises:
        UsageError: it names the first such option.
    """
    for name, value in options.items():
        if not isinstance(value, SupportsFloat):
            raise UsageError(f"`{name}` must be a number, not {value!r}")
        if not low <= float(value) <= high:
            raise UsageError(f"`{name}` {float(value):g} is not within {low:g} to {high:g}")
