"""How a verb runs over files: the plan, progress, a line for each failure, a summary, the exit code."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agerestore.errors import UsageError
from agerestore.files import printable

from ._interrupt import interrupted
from ._options import Files, Hardware, Messages
from ._progress import progress_bar
from ._terminal import echo
from ._wording import as_text, in_options, said_unless, say

if TYPE_CHECKING:
    from agerestore.batch.jobs import Job
    from agerestore.batch.outcome import Outcome, Summary
    from agerestore.batch.processing import Processor


def plan_files(
    inputs: Sequence[Path],
    out: Path,
    files: Files,
    messages: Messages,
    *,
    exclude: Path | None = None,
    sidecars: Mapping[str, Any] | None = None,
) -> "list[Job]":
    """Plan a batch; options that do not go together are refused.

    Args:
        inputs: IN.
        out: OUT.
        files: Options.
        messages: Options.
        exclude: A file or folder that is not to be worked on.
        sidecars: Options that write further files next to each result, and their values.
    """
    from agerestore.batch import planning

    from . import _streams

    _check_report(files.report)
    _ = files.part_of_folder  # one that is none is named before any work
    if _streams.STDIO in (out, *inputs):
        wanted = [name for name, value in (sidecars or {}).items() if value]
        if out == _streams.STDIO and (messages.as_json or files.dry_run):
            raise UsageError("standard output takes the image or lines of text, not both; name an output file")
        if out == _streams.STDIO and wanted:
            raise UsageError(f"standard output takes one image, without {' and '.join(wanted)}; name an output file")
        return _streams.plan(list(inputs), out, files.options)
    notify = said_unless(messages.quiet)
    return planning.plan(inputs, out, files.options, exclude=exclude, notify=notify)


def _check_report(report: Path | None) -> None:
    from agerestore.batch.manifest import is_manifest_name

    if report and (report.suffix != ".jsonl" or is_manifest_name(report.name)):
        raise UsageError(f"--report {report}: is overwritten, so its name must end in .jsonl")


def output_folder(inputs: Sequence[Path], out: Path) -> Path | None:
    """The folder that remembers the results; None for a single file."""
    return out if len(inputs) > 1 or inputs[0].is_dir() else None


def run_files(
    jobs: "list[Job]",
    processor: "Processor[Any, Any]",
    files: Files,
    messages: Messages,
    folder: Path | None,
    cache_key: str,
    hardware: Hardware,
) -> None:
    """Process the files, and leave with the batch's exit code.

    Messages go to stderr; with ``--json`` one line for each file goes to stdout.

    Args:
        jobs: What `plan_files` gave.
        processor: What is done to each.
        files: Options.
        messages: Options.
        folder: The output folder, which remembers what was made; None where a single file was asked for.
        cache_key: What results depend on besides what is read.
        hardware: Options; threads of workers are one where they are left to torch.
    """
    from agerestore import device, machine
    from agerestore.batch import runner
    from agerestore.batch.executors import open_executor

    from ._streams import StreamWriter

    part = files.part_of_folder
    jobs = part.select(jobs) if part else jobs
    gpu = hardware.device != "cpu" and device.choose(hardware.device).type == "cuda"
    options = files.executor_options(hardware.threads, gpu)
    if files.dry_run:
        summary = runner.run_files(
            jobs, processor, folder, cache_key, overwrite=files.overwrite, dry_run=True, part=part,
            make_writer=StreamWriter, report=lambda outcome: _print_planned(outcome, cache_key, files, messages),
        )  # fmt: skip
        raise typer.Exit(exit_code(summary))
    with (
        _report_lines(files.report) as write_row,
        progress_bar(messages.quiet, transient=True) as bar,
        interrupted("finishing the files in flight") as stop,
        open_executor(processor, options, len(jobs)) as executor,
    ):
        task = bar.add_task("", total=len(jobs))

        def report(outcome: "Outcome") -> None:
            bar.advance(task)
            write_row(_row(outcome, cache_key))
            _print(outcome, cache_key, files, messages)

        machine.keep_memory()
        summary = runner.run_files(
            jobs, processor, folder, cache_key, overwrite=files.overwrite, fail_fast=files.fail_fast,
            report=report, stop=stop.is_set, make_writer=StreamWriter, executor=executor, part=part,
        )  # fmt: skip
    if not messages.quiet and not (summary.total == summary.failed == 1):  # that of a single file is said
        echo(_counts(summary), err=True)
    if stop.is_set() and summary.left:
        raise KeyboardInterrupt
    raise typer.Exit(exit_code(summary))


def exit_code(summary: "Summary") -> int:
    """0 when none failed, 3 when no source at all was a readable image, 1 for any other failure."""
    if summary.failed == 0:
        return 0
    unreadable = sum(outcome.code == "UnreadableError" for outcome in summary.failures)
    return 3 if unreadable == summary.total else 1


@contextmanager
def _report_lines(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes a row to the report, if one is wanted."""
    if path is None:
        yield lambda row: None
        return
    with _naming_report(path):
        file = path.open("w", encoding="utf-8", buffering=1)  # a line is there as soon as its file is done
    with file:

        def write(row: dict[str, Any]) -> None:
            with _naming_report(path):
                print(json.dumps(row), file=file)

        yield write


@contextmanager
def _naming_report(path: Path) -> Iterator[None]:
    """Let what goes wrong inside name the report."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"--report {path}: cannot be written ({error.strerror}); choose another file") from None


def _print(outcome: "Outcome", cache_key: str, files: Files, messages: Messages) -> None:
    """Print what became of a file."""
    if messages.as_json:
        echo(json.dumps(_row(outcome, cache_key)))
    if outcome.error:
        say(outcome.error)
    elif "warning" in outcome.detail and not messages.quiet:
        say(str(outcome.detail["warning"]), outcome.job.source)
    elif files.verbose:
        echo(_sentence(outcome), err=True)


def _print_planned(outcome: "Outcome", cache_key: str, files: Files, messages: Messages) -> None:
    """Print what would be done with a file."""
    if messages.as_json or outcome.error:
        _print(outcome, cache_key, replace(files, verbose=False), messages)
    else:
        done = "  (skipped: done before)" if outcome.status == "skipped" else ""
        echo(f"{printable(outcome.job.source)} -> {printable(outcome.job.target)}{done}")


def _sentence(outcome: "Outcome") -> str:
    """What became of a file, for people."""
    source, target = printable(outcome.job.source), printable(outcome.job.target)
    if outcome.status == "skipped":
        return f"{source}: skipped, {target} is done already"
    by = f" by '{outcome.detail['model']}'" if "model" in outcome.detail else ""
    mask = f" with the mask {outcome.detail['mask']}" if outcome.detail.get("mask") else ""
    return f"{source}: written to {target}{by}{mask} in {outcome.seconds:.1f} s"


def _counts(summary: "Summary") -> str:
    others = {"skipped (done before)": summary.skipped, "failed": summary.failed, "not begun": summary.left}
    parts = [f"{summary.done} of {summary.total} files written"]
    return ", ".join([*parts, *(f"{count} {what}" for what, count in others.items() if count)])


def _row(outcome: "Outcome", cache_key: str) -> dict[str, Any]:
    return {
        "input": as_text(outcome.job.source),
        "output": None if outcome.error else as_text(outcome.job.target),
        "status": outcome.status,
        "error": outcome.error and in_options(outcome.error),
        "code": outcome.code,
        "seconds": round(outcome.seconds, 4),
        "settings": cache_key,
        **outcome.detail,
    }
