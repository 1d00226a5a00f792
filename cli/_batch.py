"""How a verb runs over files: progress, one line for each failure, a summary, the exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from ._options import Common

Work = Callable[[Any], dict[str, Any]]


def run_batch(jobs: list[Any], work: Work, common: Common, *, overwrite: bool) -> None:
    """Run ``work`` over the jobs and leave with the batch's exit code.

    Messages go to stderr; with ``--json`` one line for each file goes to stdout.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from agerestore import batch

    console = Console(stderr=True, quiet=common.quiet)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=common.quiet or not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=len(jobs))

        def report(outcome: batch.Outcome) -> None:
            progress.advance(task)
            if common.as_json:
                typer.echo(json.dumps(_row(outcome)))
            if outcome.error:
                typer.echo(f"agerestore: {outcome.error}", err=True)
            elif "warning" in outcome.detail and not common.quiet:
                typer.echo(f"agerestore: {outcome.job.source}: {outcome.detail['warning']}", err=True)
            elif common.verbose:
                typer.echo(f"{outcome.job.source} -> {outcome.job.target} {_detail(outcome.detail)}", err=True)

        outcomes = batch.run(jobs, work, overwrite=overwrite, report=report)
    failed = sum(outcome.error is not None for outcome in outcomes)
    if not common.quiet:
        rest = f", {failed} failed" if failed else ""
        typer.echo(f"{len(outcomes) - failed} of {len(outcomes)} pictures written{rest}", err=True)
    raise typer.Exit(batch.exit_code(outcomes))


def _row(outcome: Any) -> dict[str, Any]:
    return {
        "input": _text(outcome.job.source),
        "output": None if outcome.error else _text(outcome.job.target),
        "status": "failed" if outcome.error else "done",
        "error": outcome.error,
        "seconds": round(outcome.seconds, 4),
        **outcome.detail,
    }


def _text(path: Path) -> str:
    return str(path).encode(errors="replace").decode()  # undecodable file names


def _detail(detail: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in detail.items())
