"""The ``agerestore`` command: assembles the verbs and turns errors into one line and an exit code."""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agerestore._version import __version__
from agerestore.errors import AgeRestoreError, NothingReadableError, UnreadableError, UsageError, WeightsError

from . import (
    _terminal,
    colorize,
    degrade,
    evaluate,
    experiment,
    export,
    generation,
    inspect,
    lists,
    models,
    restore,
    serve,
    train,
)
from ._terminal import echo
from ._wording import in_options

# An error's exit code is that of the first class here that it is of.
EXIT_CODES: dict[type[AgeRestoreError], int] = {
    UsageError: 2,
    NothingReadableError: 3,
    UnreadableError: 3,  # where it is the file that was asked for
    WeightsError: 4,
    AgeRestoreError: 1,
}
INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell says of a command that SIGPIPE has ended


class Verbs(TyperGroup):
    """The group of verbs; an error that a user can cause ends in one line on stderr and a documented exit code."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the options of the command itself, of which --help and --version print."""
        return _ending_in_one_line(lambda: super(Verbs, self).make_context(info_name, args, parent, **extra), args)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        return _ending_in_one_line(lambda: super(Verbs, self).invoke(ctx), ctx.args)


def _ending_in_one_line(work: Callable[[], Any], args: list[str]) -> Any:
    """Do work, and turn an error that a user can cause into its line and exit code."""
    as_json = "--json" in args
    try:
        return work()
    except (typer.Exit, typer.Abort):  # which are RuntimeErrors, and none of those below
        raise
    except KeyboardInterrupt:
        raise _exit("interrupted; what is finished is kept", "KeyboardInterrupt", INTERRUPTED, as_json) from None
    except BrokenPipeError:
        raise _nothing_left_to_say() from None
    except SystemExit as error:  # Rich, which prints --help, ends in this way
        raise _nothing_left_to_say() if isinstance(error.__context__, BrokenPipeError) else error from None
    except AgeRestoreError as error:
        raise _exit(in_options(str(error)), type(error).__name__, exit_code(error), as_json) from None
    except (MemoryError, OSError, RuntimeError) as error:
        if (message := _foreseen(error)) is None:
            raise
        raise _exit(message, type(error).__name__, 1, as_json) from None


def _nothing_left_to_say() -> typer.Exit:
    """End where who reads has read enough, as `head` has, which is no error."""
    for stream in (sys.stdout, sys.stderr):
        _terminal.discard(stream)
    return typer.Exit(PIPE_CLOSED)


def exit_code(error: AgeRestoreError) -> int:
    """What the command ends with after an error."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def _foreseen(error: MemoryError | OSError | RuntimeError) -> str | None:
    """What to say of an error of Python or PyTorch that a user can cause; None for a defect."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return None if error.filename is None and error.errno is None else f"{where}{error.strerror}"
    from agerestore.device import is_out_of_memory

    if is_out_of_memory(error):
        return "not enough memory; close other programs, or work on smaller images or batches"
    return None


def _exit(message: str, error: str, code: int, as_json: bool) -> typer.Exit:
    if as_json:
        echo(json.dumps({"status": "failed", "error": message, "code": error}))
    echo(f"agerestore: {message}", err=True)
    return typer.Exit(code)


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Restore and color images with Adversarial Generator-Encoder networks.",
    epilog="Exit codes: 0 done, 1 some files failed, 2 usage, 3 nothing readable, 4 weights missing or wrong, "
    "130 interrupted, by Ctrl-C or SIGTERM.",
)
RESTORING, TRAINING, EXPLORING, LISTS = "Restore and color", "Train and measure", "Explore", "Lists"
app.command("restore", rich_help_panel=RESTORING)(restore.restore)
app.command("colorize", rich_help_panel=RESTORING)(colorize.colorize)
app.command("inspect", rich_help_panel=RESTORING)(inspect.inspect)
app.command("serve", rich_help_panel=RESTORING)(serve.serve)
app.command("train", rich_help_panel=TRAINING)(train.train)
app.command("evaluate", rich_help_panel=TRAINING)(evaluate.evaluate)
app.command("export", rich_help_panel=TRAINING)(export.export)
app.command("experiment", rich_help_panel=TRAINING)(experiment.experiment)
app.command("degrade", rich_help_panel=EXPLORING)(degrade.degrade)
app.command("sample", rich_help_panel=EXPLORING)(generation.sample)
app.command("interpolate", rich_help_panel=EXPLORING)(generation.interpolate)
app.add_typer(models.app, name="models", rich_help_panel=LISTS)
app.command("presets", rich_help_panel=LISTS)(lists.presets)
app.command("degradations", rich_help_panel=LISTS)(lists.degradations)


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"agerestore {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Restore and color images with Adversarial Generator-Encoder networks."""


def main() -> None:
    """Entry point of the console script."""
    _terminal.prepare()
    sys.exit(app())
