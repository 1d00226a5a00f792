"""The errors a user can cause, each with the exit code the command line answers with.

Every message is one line that names the file or setting at fault and says what to do next.
"""

from pathlib import Path


def printable(path: Path) -> str:
    """Return the path as text for one line: line breaks and undecodable bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))


class AgeRestoreError(Exception):
    """Base of all errors this package raises on purpose; one file or one setting is at fault."""

    exit_code = 1


class UsageError(AgeRestoreError):
    """A setting, preset, model name or combination of options that cannot work."""

    exit_code = 2


class NothingReadableError(AgeRestoreError):
    """No readable picture where at least one was expected."""

    exit_code = 3


class WeightsError(AgeRestoreError):
    """Weights that are missing, damaged, tampered with or of a newer format."""

    exit_code = 4


class ImageFileError(AgeRestoreError):
    """A picture file that cannot be read or written."""


class OutOfDomainError(AgeRestoreError):
    """A picture unlike anything the model was trained on."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short: Python's, or torch's own on any device."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def one_line(error: BaseException, source: Path) -> str:
    """What went wrong with a file, for people: one line that names it."""
    if is_out_of_memory(error):
        reason = "not enough memory for it; close other programs or make the picture smaller"
    elif isinstance(error, AgeRestoreError | OSError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    line, name = " ".join(reason.splitlines()), printable(source)
    return line if name in line else f"{name}: {line}"


class OutOfDomainWarning(UserWarning):
    """A picture was restored by a model outside whose domain it lies."""
