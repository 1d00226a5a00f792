"""Options that several verbs take, written once; the panels of `--help`; what several verbs print."""

import functools
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from agerestore.errors import UsageError

from . import _completion
from ._terminal import echo

if TYPE_CHECKING:
    from agerestore.batch.executors import ExecutorOptions
    from agerestore.batch.parts import Part
    from agerestore.batch.worker_processes import Workers
    from agerestore.config.options import FileOptions

# The panels of `--help`, in their order: what a beginner needs comes first.
SERVER, IMAGE, DATA, MODEL, OUTPUT, SPEED, MESSAGES = PANELS = (
    "Server",
    "Image and mask",
    "Data",
    "Model",
    "Output files",
    "Speed",
    "Messages",
)


def option(panel: str, *names: str, **settings: Any) -> Any:
    """A `typer.Option` in a panel."""
    return typer.Option(*names, rich_help_panel=panel, **settings)


def flag(panel: str, *names: str, help: str) -> Any:
    """A `typer.Option` without a value, in a panel."""
    return option(panel, *names, metavar="", help=help)


@dataclass(frozen=True)
class Messages:
    """What is printed."""

    quiet: Annotated[bool, flag(MESSAGES, "-q", "--quiet", help="Print errors only.")] = False
    as_json: Annotated[bool, flag(MESSAGES, "--json", help="Print results as JSON lines on stdout.")] = False


Threads = Annotated[int, option(SPEED, min=0, metavar="N", help="CPU threads; 0 leaves the number to PyTorch.")]


@dataclass(frozen=True)
class Hardware:
    """What computes."""

    device: Annotated[
        str,
        option(
            SPEED,
            metavar="[auto|cpu|cuda|cuda:N|mps]",
            autocompletion=_completion.devices,
            help="Where to compute; auto takes a GPU if there is one.",
        ),
    ] = "auto"
    threads: Threads = 0


@dataclass(frozen=True)
class Compute(Hardware):
    """What computes, and how exactly."""

    precision: Annotated[
        str,
        option(
            SPEED,
            metavar="[auto|fp32|bf16]",
            autocompletion=_completion.precisions,
            help="Number format of the networks; auto takes the faster one on the device.",
        ),
    ] = "auto"


WorkerCount = Annotated[
    str,
    option(
        SPEED,
        metavar="auto|N",
        help="Process files in N processes of one thread each; auto: one for each core; 0: one file after the other, "
        "with all threads.",
    ),
]


def worker_count(text: str) -> "Workers":
    """The value of --workers.

    Raises:
        UsageError: Neither ``auto`` nor a number.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise UsageError(f"--workers {text} is neither auto nor a number of processes")
    return int(text)


@dataclass(frozen=True)
class Distribution:
    """Where the files of a folder are processed."""

    workers: WorkerCount = "0"
    cluster: Annotated[
        str | None,
        option(
            SPEED,
            metavar="auto|HOST:PORT",
            help="Process files on a cluster of Ray that this machine is part of; auto: the one that runs here, or "
            "else a new one.",
        ),
    ] = None
    shared_disk: Annotated[
        bool,
        flag(SPEED, "--shared-disk", help="The machines of the cluster read IN themselves, under the same paths."),
    ] = False
    part: Annotated[
        str | None,
        option(
            SPEED,
            metavar="K/N",
            help="Process the K-th of N parts of a folder; run each part in a process of its own, on any machine.",
        ),
    ] = None

    def executor_options(self, threads: int, gpu: bool) -> "ExecutorOptions":
        """Where files are processed, as the library knows it.

        Args:
            threads: Of each worker; 0 for one.
            gpu: Whether each worker of a cluster has a GPU of its own.
        """
        from agerestore.batch.executors import ExecutorOptions

        return ExecutorOptions(worker_count(self.workers), self.cluster, self.shared_disk, threads, gpu)

    @property
    def part_of_folder(self) -> "Part | None":
        """The part, as the library knows it."""
        from agerestore.batch.parts import Part

        return None if self.part is None else Part.of(self.part)


@dataclass(frozen=True)
class Files(Distribution):
    """Options of every verb that makes image files of image files."""

    overwrite: Annotated[bool, flag(OUTPUT, "--overwrite", help="Replace existing outputs that differ.")] = False
    suffix: Annotated[
        str,
        option(
            OUTPUT,
            metavar="TEXT",
            help="Put this between name and ending of each output, as in .restored; OUT may then be IN.",
        ),
    ] = ""
    ext: Annotated[
        str | None,
        option(OUTPUT, metavar=".EXT", help="Format of the outputs, as in .png; otherwise that of each input."),
    ] = None
    quality: Annotated[
        int | None,
        option(
            OUTPUT,
            min=1,
            max=100,
            metavar="N",
            help="Quality of JPEG, WebP, AVIF and HEIC; without it a JPEG keeps its source's.",
        ),
    ] = None
    in_place: Annotated[
        bool, flag(OUTPUT, "--in-place", help="Replace the inputs themselves; needs IN as OUT, and --backup.")
    ] = False
    backup: Annotated[bool, flag(OUTPUT, "--backup", help="Keep each original as NAME.EXT.orig.")] = False
    fail_fast: Annotated[bool, flag(OUTPUT, "--fail-fast", help="Stop at the first file that fails.")] = False
    dry_run: Annotated[bool, flag(OUTPUT, "--dry-run", help="Print what would be done; write nothing.")] = False
    verbose: Annotated[bool, flag(MESSAGES, "-v", "--verbose", help="Print a line for each file.")] = False
    report: Annotated[
        Path | None, option(MESSAGES, metavar="FILE.jsonl", help="Write a JSON line for each file to this file.")
    ] = None

    @property
    def options(self) -> "FileOptions":
        """Those that the library knows."""
        from agerestore.config.options import FileOptions

        return FileOptions(**{each.name: getattr(self, each.name) for each in fields(FileOptions)})


GROUPS = (Messages, Hardware, Compute, Distribution, Files)
ModelName = Annotated[
    str,
    option(
        MODEL,
        "-m",
        "--model",
        metavar="NAME|FILE",
        autocompletion=_completion.models,
        help="A shipped model's name, or a .safetensors file.",
    ),
]
Seed = Annotated[
    int,
    option(
        MODEL,
        min=0,
        max=2**32 - 1,
        metavar="N",
        help="Seed of everything that is drawn at random; the same repeats it.",
    ),
]
Overwrite = Annotated[bool, flag(OUTPUT, "--overwrite", help="Replace OUT if it exists.")]
AsJson = Annotated[bool, flag(MESSAGES, "--json", help="Print results as JSON lines on stdout.")]


def print_output(out: Path, messages: Messages) -> None:
    """Print which file was written."""
    if messages.as_json:
        echo(json.dumps({"output": str(out)}))
    elif not messages.quiet:
        echo(str(out))


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Refuse, before any work, to replace a file unasked."""
    if out.exists() and not overwrite:
        raise UsageError(f"{out}: exists; pass --overwrite to replace it")


def refuse_unsupported(who: str, *options: str) -> None:
    """Refuse options that would have no effect; those that are empty were not given."""
    given = [option for option in options if option]
    if given:
        raise UsageError(f"{who} does not support {' and '.join(given)}; leave that out")


def with_groups(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of its parameters that are groups, such as `Messages`, sorted by panel."""
    signature = inspect.signature(verb)
    groups = {name: each.annotation for name, each in signature.parameters.items() if each.annotation in GROUPS}
    own = [parameter for name, parameter in signature.parameters.items() if name not in groups]
    options = {name: _parameters(group) for name, group in groups.items()}

    @functools.wraps(verb)
    def called(**arguments: Any) -> None:
        for name, group in groups.items():
            arguments[name] = group(**{each.name: arguments.pop(each.name) for each in options[name]})
        verb(**arguments)

    flat = [*own, *(option for group in options.values() for option in group)]
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in sorted(flat, key=_panel)]
    called.__doc__ = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(verb.__doc__ or ""))  # a line for each paragraph
    called.__signature__ = signature.replace(parameters=keywords)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
    return called


def _panel(parameter: inspect.Parameter) -> int:
    """Where the panel of a parameter stands; arguments come first."""
    option = next((each for each in get_args(parameter.annotation) if isinstance(each, OptionInfo)), None)
    return -1 if option is None else PANELS.index(option.rich_help_panel or MESSAGES)


@functools.cache
def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(group)
    ]
