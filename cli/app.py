"""The ``agerestore`` command: assembles the verbs and turns errors into one line and an exit code."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agerestore._version import __version__
from agerestore.errors import AgeRestoreError, NothingReadableError, UnreadableError, UsageError, WeightsError

from . import colorize, degrade, evaluate, experiment, export, generation, inspect, models, restore, train

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
    """The group of verbs; what a user can cause ends in one line on stderr and a documented exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except AgeRestoreError as error:
            raise _exit(str(error), exit_code(error)) from None
        except KeyboardInterrupt:
            raise _exit("interrupted; what is finished is kept", INTERRUPTED) from None
        except (MemoryError, RuntimeError) as error:
            from agerestore.device import is_out_of_memory

            if not is_out_of_memory(error):
                raise
            raise _exit("not enough memory; close other programs, or work on smaller pictures or batches", 1) from None
        except BrokenPipeError:  # who reads has read enough, as `head` has: no error, and nothing is left to say
            _silence()
            raise typer.Exit(PIPE_CLOSED) from None
        except OSError as error:
            if error.filename is None and error.errno is None:
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise _exit(f"{where}{error.strerror}", 1) from None


def exit_code(error: AgeRestoreError) -> int:
    """What the command ends with after an error."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def _exit(message: str, code: int) -> typer.Exit:
    typer.echo(f"agerestore: {message}", err=True)
    return typer.Exit(code)


def _silence() -> None:
    """Send what is still to be written nowhere, or Python itself complains of the pipe when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Restore and color pictures with Adversarial Generator-Encoder networks.",
    epilog="Exit codes: 0 done, 1 some files failed, 2 usage, 3 nothing readable, 4 weights missing or wrong, "
    "130 interrupted.",
)
app.command("restore")(restore.restore)
app.command("colorize")(colorize.colorize)
app.command("degrade")(degrade.degrade)
app.command("inspect")(inspect.inspect)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("experiment")(experiment.experiment)
app.command("sample")(generation.sample)
app.command("interpolate")(generation.interpolate)
app.add_typer(models.app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agerestore {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Restore and color pictures with Adversarial Generator-Encoder networks."""


def main() -> None:
    """Entry point of the console script."""
    sys.exit(app())
