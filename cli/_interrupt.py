"""Ctrl-C: the first one ends the work when what is in flight is done, the second one at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer


@contextmanager
def interrupted(meanwhile: str) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event; the second one interrupts as usual.

    Args:
        meanwhile: What to say is going on until the work ends.
    """
    event = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def first(*_: Any) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)
        typer.echo(f"agerestore: {meanwhile}; Ctrl-C again stops at once", err=True)

    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield event
        return
    signal.signal(signal.SIGINT, first)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
