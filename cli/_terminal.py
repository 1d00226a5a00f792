"""Standard output and error as the command writes to them: of any encoding, and closed, full or no longer read.

A character that the encoding lacks is written as an escape. What cannot be written to standard output is an error that
names it; a line for people on a full device is dropped, and the work goes on.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import IO

from agerestore.errors import ImageFileError


class _Stream(io.TextIOWrapper):
    """Text over the bytes of a standard stream."""

    def write(self, text: str, /) -> int:
        """Write, and say whose error it is."""
        try:
            return super().write(text)
        except OSError as error:
            self.failed(error)
            return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except OSError as error:
            self.failed(error)

    def failed(self, error: OSError) -> None:
        """Raise the error with the name of the stream; what is still buffered goes nowhere."""
        discard(self)
        what = f"cannot be written ({error.strerror}); send it to another place"
        raise OSError(error.errno, what, "standard output") from None


class _Messages(_Stream):
    """Standard error: there is no place to print an error of its own."""

    def failed(self, error: OSError) -> None:
        """End the command where the reader has gone; else leave out what is said from here on."""
        discard(self)
        if isinstance(error, BrokenPipeError):
            raise error


def prepare() -> None:
    """Replace the standard streams; to be called before anything is printed or opened."""
    for descriptor in range(3):
        _open_if_closed(descriptor)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as the command runs
    sys.stdout = _replaced(sys.stdout, _Stream)
    sys.stderr = _replaced(sys.stderr, _Messages)


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text on standard output, or on standard error, and a line break.

    Not by `typer.echo`, which takes a stream of ASCII for one of UTF-8.
    """
    print(text, file=sys.stderr if err else sys.stdout, end="\n" if nl else "", flush=True)


def write_bytes(data: bytes) -> None:
    """Write a file to standard output.

    Raises:
        ImageFileError: It is closed or full.
    """
    try:
        if sys.stdout.name == os.devnull:
            raise OSError(errno.EBADF, "it is closed")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise ImageFileError(f"standard output cannot be written ({error.strerror}); name an output file") from None


def discard(stream: IO[str]) -> None:
    """Send what is still to be written to a stream nowhere, or Python itself complains of it when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _open_if_closed(descriptor: int) -> None:
    """Keep the number of a closed standard stream from the next file that is opened, or messages end up in that."""
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _replaced(stream: IO[str] | None, kind: type[_Stream]) -> _Stream:
    """A stream in the place of one of Python's, which is None where it was closed."""
    if not isinstance(stream, io.TextIOWrapper):
        closed = open(os.devnull, "wb")  # noqa: SIM115, PTH123 - for as long as the command runs
        return kind(closed, encoding="utf-8", errors="backslashreplace")
    encoding, buffering = stream.encoding, stream.line_buffering
    return kind(stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=buffering)
