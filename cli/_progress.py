"""The progress bar of verbs that take long: on stderr, on a terminal only."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


def progress_bar(quiet: bool, *columns: Any, transient: bool = False) -> "Progress":
    """A bar with how many are done and the time that is left.

    Args:
        quiet: Whether nothing is shown.
        columns: What to show besides, at its end.
        transient: Whether it disappears at the end.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, quiet=quiet)
    shown = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(), *columns)
    return Progress(*shown, console=console, transient=transient, disable=quiet or not console.is_terminal)
