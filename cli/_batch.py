"""How a verb runs over files: what is planned, progress, a line for each failure, a summary, the exit code."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from agerestore.errors import UsageError
from agerestore.files import printable

from ._interrupt import interrupted
from ._options import Batch, Common

# Arguments that are no settings: what some name is read for each picture, and its contents count; others decide whether
# a picture is taken, or how it is divided, and not what becomes of it.
NO_SETTINGS = ("source", "out", "mask", "replay", "max_pixels", "resize_mask", "tile")


def plan_batch(
    source: Path,
    out: Path,
    common: Common,
    files: Batch,
    exclude: Path | None = None,
    beside: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Plan a batch; options that do not go together are refused.

    Args:
        source: IN.
        out: OUT.
        common: Options.
        files: Options.
        exclude: What is no picture to work on.
        beside: Options that write files beside each result, and what they were given.
    """
    from agerestore.batch import manifest, planning

    if files.in_place != files.backup:
        raise UsageError("--in-place and --backup only go together: no original is ever replaced without a copy")
    if files.report and (files.report.suffix != ".jsonl" or files.report.name == manifest.NAME):
        raise UsageError(f"--report {files.report}: is overwritten, so its name must end in .jsonl")
    if out == planning.STDIO and (common.as_json or files.dry_run):
        raise UsageError("standard output takes the picture or lines of text, not both; name an output file")
    wanted = [name for name, value in (beside or {}).items() if value]
    if out == planning.STDIO and wanted:
        raise UsageError(f"standard output takes one picture, not those of {' and '.join(wanted)}; name an output file")
    left_out = None if exclude is None else os.path.realpath(exclude)
    earlier = manifest.Manifest.of_inputs(source)

    beside_results = bool(files.suffix) and os.path.realpath(out) == os.path.realpath(source)

    def excluded(path: Path) -> bool:
        made = earlier.is_sidecar(path) or (beside_results and earlier.find(path) is not None)
        return made or os.path.realpath(path) == left_out

    planned = planning.plan(source, out, exclude=excluded, **files.naming)
    if source.is_dir() and not common.quiet:
        _say_left_out(source)
    return planned


def _say_left_out(folder: Path) -> None:
    """Name what a folder holds and nobody will find in the results."""
    from agerestore.batch import planning

    if others := planning.left_out(folder):
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(others.items()))
        typer.echo(f"agerestore: {printable(folder)}: left out: {kinds}; save those as PNG to have them, too", err=True)


def run_batch(
    jobs: list[Any], work: Any, common: Common, files: Batch, folder: Path | None, made_with: dict[str, Any]
) -> None:
    """Do the work on the jobs, and leave with the batch's exit code.

    Messages go to stderr; with ``--json`` one line for each file goes to stdout.

    Args:
        jobs: What `plan_batch` gave.
        work: An `agerestore.batch.runner.Processor`.
        common: Options.
        files: Options.
        folder: The output folder, which remembers what was made; None where a single file was asked for.
        made_with: What results depend on beside the options: digests of weights, the device.
    """
    from agerestore import device as devices
    from agerestore.batch import manifest, outputs, runner

    chosen = {name: value for name, value in files.settings.items() if name not in NO_SETTINGS}
    settings = manifest.digest_of_settings(chosen | {"seed": common.seed, "precision": common.precision} | made_with)
    if files.dry_run:
        writer = outputs.OutputWriter(manifest.Manifest(folder), settings, files.overwrite)
        raise typer.Exit(runner.preview(jobs, writer, report=lambda each: _list(each, settings, common)).exit_code)
    with (
        manifest.Manifest.open(folder) as book,
        _lines(files.report) as write_row,
        _progress(len(jobs), common) as advance,
        interrupted("finishing the pictures in flight") as stop,
    ):

        def report(outcome: runner.Outcome) -> None:
            advance()
            write_row(_row(outcome, settings))
            _tell(outcome, settings, common)

        writer = outputs.OutputWriter(book, settings, files.overwrite)
        devices.keep_memory()
        counts = runner.run(jobs, work, writer, report=report, stop=stop.is_set, fail_fast=files.fail_fast)
    if not common.quiet:
        typer.echo(_summary(counts), err=True)
    if stop.is_set() and counts.left:
        raise KeyboardInterrupt
    raise typer.Exit(counts.exit_code)


@contextmanager
def _lines(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """What writes a row to the report, if one is wanted."""
    if path is None:
        yield lambda row: None
        return
    try:
        file = path.open("w", buffering=1)  # a line is there as soon as its picture is done
    except OSError as error:
        raise UsageError(f"--report {path}: cannot be written ({error.strerror}); choose another file") from None
    with file:
        yield lambda row: print(json.dumps(row), file=file)


@contextmanager
def _progress(total: int, common: Common) -> Iterator[Callable[[], None]]:
    """A bar with the time that is left, on a terminal; what moves it on by one."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, quiet=common.quiet)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    hidden = common.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _tell(outcome: Any, settings: str, common: Common) -> None:
    """Say what became of a picture."""
    source = printable(outcome.job.source)
    if common.as_json:
        typer.echo(json.dumps(_row(outcome, settings)))
    if outcome.error:
        typer.echo(f"agerestore: {outcome.error}", err=True)
    elif "warning" in outcome.detail and not common.quiet:
        typer.echo(f"agerestore: {source}: {outcome.detail['warning']}", err=True)
    elif common.verbose:
        said = "skipped, done before" if outcome.status == "skipped" else _detail(outcome.detail)
        typer.echo(f"{source} -> {printable(outcome.job.target)} {said}".rstrip(), err=True)


def _list(outcome: Any, settings: str, common: Common) -> None:
    """Say what would be done with a picture."""
    if common.as_json or outcome.error:
        _tell(outcome, settings, common)
    else:
        done = "  (skipped: done before)" if outcome.status == "skipped" else ""
        typer.echo(f"{printable(outcome.job.source)} -> {printable(outcome.job.target)}{done}")


def _summary(counts: Any) -> str:
    others = {"skipped (done before)": counts.skipped, "failed": counts.failed, "not begun": counts.left}
    parts = [f"{counts.done} of {counts.total} pictures written"]
    return ", ".join([*parts, *(f"{count} {what}" for what, count in others.items() if count)])


def _row(outcome: Any, settings: str) -> dict[str, Any]:
    return {
        "input": as_text(outcome.job.source),
        "output": None if outcome.error else as_text(outcome.job.target),
        "status": outcome.status,
        "error": outcome.error,
        "seconds": round(outcome.seconds, 4),
        "settings": settings,
        **outcome.detail,
    }


def as_text(path: Path) -> str:
    """A path as JSON and terminals can hold it."""
    return str(path).encode(errors="replace").decode()  # undecodable file names


def _detail(detail: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in detail.items())
