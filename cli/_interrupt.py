"""Ctrl-C and SIGTERM: the first one ends the work when what is in flight is done; a second Ctrl-C ends it at once.

SIGTERM is what schedulers and containers send some time before they kill. It may come more than once (torchrun passes
on to its processes what a scheduler has sent to all of them), so a second one changes nothing.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ._wording import say


@contextmanager
def interrupted(meanwhile: str) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C, or SIGTERM, into an event; a second Ctrl-C interrupts as usual.

    Args:
        meanwhile: What to say is going on until the work ends.
    """
    event = threading.Event()

    def first(*_: Any) -> None:
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        if not event.is_set():
            event.set()
            with suppress(RuntimeError):  # raised where the signal came in the middle of another line
                say(f"{meanwhile}; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield event
        return
    before = {number: signal.signal(number, first) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
