"""One thread that computes, one task after the other, and a bounded queue before it."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ENDED = ("done", "failed", "canceled")
REMEMBERED = 200  # tasks that have ended


class Canceled(BaseException):
    """The task was canceled; no `Exception`, so that nothing on its way takes it for the error of a file."""


class QueueFullError(Exception):
    """As many tasks wait as may."""


@dataclass(eq=False)
class Task:
    """Something to compute, and how far it is."""

    verb: str
    work: Callable[["Task"], None]
    file_id: str | None = None  # None for the whole folder
    command: str = ""  # that does the same
    estimate: float | None = None  # seconds that it may take
    state: str = "queued"  # running, and at last done, failed or canceled
    done: int = 0  # of tiles, samples or files
    total: int = 0
    remarks: list[str] = field(default_factory=list)
    error: str | None = None
    results: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # that it took
    later: bool = False  # whether no click has asked for it: it waits for all others, and gives way to them
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    gives_way: bool = False  # whether it is to wait once more
    _canceled: threading.Event = field(default_factory=threading.Event)
    _began: float = 0.0
    _tiles_began: float = 0.0

    def run(self, explain: Callable[[Exception], str]) -> None:
        """Compute it; `explain` says what an error means."""
        self._began = self._tiles_began = time.perf_counter()
        self.state = "running"
        try:
            self.check()
            self.work(self)
            end: tuple[str, str | None] = ("done", None)
        except Canceled:
            if self.gives_way and not self.is_canceled():
                self.gives_way, self.state, self.done = False, "queued", 0
                return
            end = ("canceled", None)
        except Exception as error:
            end = ("failed", explain(error))
        self.seconds = time.perf_counter() - self._began
        self.end(*end)

    def progress(self, done: int, total: int) -> None:
        """Take note of what is done, and end the work if that was asked for."""
        self.check()
        if done == 0:
            self._tiles_began = time.perf_counter()
        self.done, self.total = done, total

    def check(self) -> None:
        """End the work if that was asked for."""
        if self.is_canceled() or self.gives_way:
            raise Canceled

    def cancel(self) -> None:
        """Ask for its end, which comes before the next tile."""
        self._canceled.set()

    def is_canceled(self) -> bool:
        """Whether its end was asked for."""
        return self._canceled.is_set()

    def end(self, state: str, error: str | None = None) -> None:
        """Take note of how it ended, and let go of all that it worked on."""
        self.work = _nothing
        self.error, self.state = error, state

    def as_json(self, place: int) -> dict[str, Any]:
        """The task as clients see it; `place` is how many come before it."""
        names = ("id", "verb", "state", "done", "total", "remarks", "error", "command", "results")
        own = {name: getattr(self, name) for name in names}
        times = {"seconds": round(self.seconds, 2), "seconds_left": self._seconds_left()}
        return {**own, **times, "picture": self.file_id, "place": place}

    def _seconds_left(self) -> float | None:
        """By the tiles that are done, or by the estimate; None where nothing can be said."""
        now = time.perf_counter()
        if self.state != "running" or not (self.done or self.estimate):
            return None
        if self.done:
            return round((now - self._tiles_began) * (self.total - self.done) / self.done)
        return round(max((self.estimate or 0.0) - (now - self._began), 0.0))


def _nothing(task: Task) -> None:
    """What is left to do of a task that has ended."""


class Worker:
    """Computes tasks in their order; those that no click has asked for come after all others."""

    def __init__(self, most: int, explain: Callable[[Exception], str]) -> None:
        """Let so many tasks wait; `explain` says what an error means."""
        self._most, self._explain = most, explain
        self._tasks: dict[str, Task] = {}
        self._running: Task | None = None
        self._clicked: list[Task] = []
        self._later: list[Task] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="computing", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, task: Task) -> Task:
        """Let a task wait for its turn; one for later is not counted, and gives way if it is running.

        Raises:
            QueueFullError: Too many wait.
        """
        with self._changed:
            if not task.later and len(self._clicked) >= self._most:
                raise QueueFullError
            if not task.later and self._running is not None and self._running.later:
                self._running.gives_way = True
            ended = [id for id, each in self._tasks.items() if each.state in ENDED]
            for id in ended[:-REMEMBERED]:
                del self._tasks[id]
            self._tasks[task.id] = task
            (self._later if task.later else self._clicked).append(task)
            self._changed.notify()
        return task

    def get(self, id: str) -> Task | None:
        """The task of an id."""
        return self._tasks.get(id)

    def place(self, task: Task) -> int:
        """How many tasks come before it."""
        with self._changed:
            waiting = [*filter(None, [self._running]), *self._clicked, *self._later]
        return waiting.index(task) if task in waiting else 0

    def cancel(self, task: Task) -> None:
        """End a task: at once if it waits, else before its next tile."""
        task.cancel()
        with self._changed:
            queue = next((each for each in (self._clicked, self._later) if task in each), None)
            if queue is None:
                return
            queue.remove(task)
        task.end("canceled")

    def close(self) -> None:
        """End all tasks, and the thread."""
        self._closed = True
        for task in list(self._tasks.values()):
            self.cancel(task)
        with self._changed:
            self._changed.notify()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._clicked or self._later or self._closed)
                if self._closed:
                    return
                self._running = (self._clicked or self._later).pop(0)
            self._running.run(self._explain)
            with self._changed:
                if self._running.state == "queued":
                    self._later.insert(0, self._running)
                self._running = None
