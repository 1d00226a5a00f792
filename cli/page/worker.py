"""One thread that computes, one task after the other, and a bounded queue before it."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agerestore.errors import AgeRestoreError

ENDED = ("done", "failed", "canceled")
REMEMBERED = 200  # tasks that have ended
SHOWN = ("id", "verb", "state", "done", "total", "remarks", "error", "command", "results")  # to clients


class Canceled(BaseException):
    """The task was canceled; no `Exception`, so that nothing on its way takes it for the error of a file."""


class QueueFullError(AgeRestoreError):
    """As many tasks wait as may."""


@dataclass(eq=False)
class Task:
    """Something to compute, and how far it is."""

    verb: str
    work: Callable[["Task"], None]
    command: str = ""  # that does the same
    estimate: float | None = None  # seconds that it may take
    state: str = "queued"  # running, and at last done, failed or canceled
    done: int = 0  # of tiles, samples or files
    total: int = 0
    remarks: list[str] = field(default_factory=list)
    error: str | None = None
    results: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # that it took
    later: bool = False  # whether no click has asked for it: it waits for all others, and a click cancels it
    canceled: bool = False  # whether its end was asked for, which comes before the next tile
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    _began: float = 0.0
    _tiles_began: float = 0.0

    def run(self, explain: Callable[[Exception], str]) -> None:
        """Compute it; `explain` says what an error means."""
        self._began = self._tiles_began = time.perf_counter()
        self.state = "running"
        end, error = "done", None
        try:
            self.check()
            self.work(self)
        except Canceled:
            end = "canceled"
        except Exception as failure:
            end, error = "failed", explain(failure)
        self.seconds = time.perf_counter() - self._began
        self.end(end, error)

    def progress(self, done: int, total: int) -> None:
        """Take note of what is done, and end the work if that was asked for."""
        self.check()
        if done == 0:
            self._tiles_began = time.perf_counter()
        self.done, self.total = done, total

    def check(self) -> None:
        """End the work if that was asked for."""
        if self.canceled:
            raise Canceled

    def end(self, state: str, error: str | None = None) -> None:
        """Take note of how it ended, and let go of all that it worked on."""
        self.work = lambda task: None
        self.error, self.state = error, state

    def as_json(self, place: int) -> dict[str, Any]:
        """The task as clients see it; `place` is how many come before it."""
        own = {name: getattr(self, name) for name in SHOWN}
        return {**own, "place": place, "seconds": round(self.seconds, 2), "seconds_left": self._seconds_left()}

    def _seconds_left(self) -> float | None:
        """By the tiles that are done, or by the estimate; None where nothing can be said."""
        now = time.perf_counter()
        if self.state == "running" and self.done:
            return round((now - self._tiles_began) * (self.total - self.done) / self.done)
        if self.state == "running" and self.estimate:
            return round(max(self.estimate - (now - self._began), 0.0))
        return None


class Worker:
    """Computes tasks in their order; those that no click has asked for come after all others."""

    def __init__(self, most: int, explain: Callable[[Exception], str]) -> None:
        """Let so many tasks wait; `explain` says what an error means."""
        self._most, self._explain = most, explain
        self.tasks: dict[str, Task] = {}  # by id
        self._running: Task | None = None
        self._waiting: list[Task] = []
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="computing", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> Task:
        """Let a task wait for its turn; one for later is not counted, and is canceled if it is running.

        Raises:
            QueueFullError: Too many wait.
        """
        with self._changed:
            if not task.later:
                if sum(not each.later for each in self._waiting) >= self._most:
                    raise QueueFullError("too many jobs wait; try again when one is done")
                if self._running is not None and self._running.later:
                    self._running.canceled = True
            ended = [id for id, each in self.tasks.items() if each.state in ENDED]
            for id in ended[:-REMEMBERED]:
                del self.tasks[id]
            self.tasks[task.id] = task
            self._waiting = sorted([*self._waiting, task], key=lambda each: each.later)
            self._changed.notify()
        return task

    def place(self, task: Task) -> int:
        """How many tasks come before it."""
        with self._changed:
            before = [*filter(None, [self._running]), *self._waiting]
        return before.index(task) if task in before else 0

    def cancel(self, task: Task) -> None:
        """End a task: at once if it waits, else before its next tile."""
        task.canceled = True
        with self._changed:
            if task in self._waiting:
                self._waiting.remove(task)
                task.end("canceled")

    def close(self) -> None:
        """End all tasks, and the thread."""
        self._closed = True
        for task in list(self.tasks.values()):
            self.cancel(task)
        with self._changed:
            self._changed.notify()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._running = None
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                task = self._running = self._waiting.pop(0)
            task.run(self._explain)
