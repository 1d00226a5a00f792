"""One thread that computes, one task after the other, and a bounded queue before it."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENDED = ("done", "failed", "canceled")
REMEMBERED = 200  # tasks that have ended


class Canceled(BaseException):
    """The task was canceled; no `Exception`, so that nothing on its way takes it for the error of a file."""


class QueueFullError(Exception):
    """There are as many tasks waiting as may wait."""


class Task:
    """Something to compute.

    Attributes:
        id: That clients call it by.
        verb: What is done.
        file_id: What it is done to; None for the whole folder.
        command: The command that does the same.
        state: "queued", "running", "done", "failed" or "canceled".
        done, total: Parts that are done, and in all: tiles, samples or files.
        remarks: What people should know of the result.
        error: Why it failed.
        results: What it has made, as clients see it.
        seconds: How long it took.
    """

    def __init__(
        self, verb: str, work: Callable[["Task"], None], file_id: str | None = None, command: str = "",
        estimate: float | None = None,
    ) -> None:  # fmt: skip
        """Describe it; `work` is called with the task, and `estimate` is how many seconds it may take."""
        self.id = secrets.token_urlsafe(12)
        self.verb, self.file_id, self.command = verb, file_id, command
        self.state, self.done, self.total = "queued", 0, 0
        self.remarks: list[str] = []
        self.error: str | None = None
        self.results: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._work, self._estimate = work, estimate
        self._began = self._tiles_began = 0.0
        self._canceled = threading.Event()
        self._watching: list[Callable[[], None]] = []

    def run(self) -> None:
        """Compute it, in the worker's thread."""
        self._began = self._tiles_began = time.perf_counter()
        self.update(state="running")
        try:
            self.check()
            self._work(self)
            end: dict[str, Any] = {"state": "done"}
        except Canceled:
            end = {"state": "canceled"}
        except Exception as error:
            from .errors import sentence

            end = {"state": "failed", "error": sentence(error)[1]}
        self.seconds = time.perf_counter() - self._began
        self.update(**end)

    def progress(self, done: int, total: int) -> None:
        """Take note of the tiles that are done, and cancel the work if that was asked for."""
        self.check()
        if done == 0:
            self._tiles_began = time.perf_counter()
        self.update(done=done, total=total)

    def check(self) -> None:
        """Raise `Canceled` if that was asked for."""
        if self._canceled.is_set():
            raise Canceled

    def cancel(self) -> None:
        """End it: at once if it waits, else before its next tile."""
        self._canceled.set()

    def is_canceled(self) -> bool:
        """Whether it is to end."""
        return self._canceled.is_set()

    def update(self, **changes: Any) -> None:
        """Change attributes, and wake who watches."""
        for name, value in changes.items():
            setattr(self, name, value)
        for wake in list(self._watching):
            wake()

    @contextmanager
    def watched(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have `wake` called after each change, in the thread that made it."""
        self._watching.append(wake)
        try:
            yield
        finally:
            self._watching.remove(wake)

    @property
    def seconds_left(self) -> float | None:
        """By the tiles that are done, or by the estimate; None where nothing can be said."""
        if self.state != "running":
            return None
        now = time.perf_counter()
        if self.done and self.total:
            return (now - self._tiles_began) * (self.total - self.done) / self.done
        return None if self._estimate is None else max(self._estimate - (now - self._began), 0.0)


class Worker:
    """Computes tasks in the order they were asked for; those that nobody has clicked for come after all others."""

    def __init__(self, most: int) -> None:
        """Start the thread; at most so many tasks wait."""
        self.most = most
        self._tasks: dict[str, Task] = {}
        self._waiting: list[Task] = []
        self._later: list[Task] = []
        self._changed = threading.Condition()
        self._running: Task | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="computing", daemon=True)
        self._thread.start()

    def submit(self, task: Task, later: bool = False) -> Task:
        """Put a task into the queue.

        Args:
            task: The task.
            later: Whether it waits for all others, and is not counted.

        Raises:
            QueueFullError: There are too many.
        """
        with self._changed:
            if not later and len(self._waiting) >= self.most:
                raise QueueFullError
            self._tasks[task.id] = task
            for id in [id for id, each in self._tasks.items() if each.state in ENDED][:-REMEMBERED]:
                del self._tasks[id]
            (self._later if later else self._waiting).append(task)
            self._changed.notify()
        return task

    def get(self, id: str) -> Task | None:
        """The task of an id."""
        return self._tasks.get(id)

    def place(self, task: Task) -> int:
        """How many tasks come before it."""
        with self._changed:
            order = [*([self._running] if self._running else []), *self._waiting, *self._later]
            return order.index(task) if task in order else 0

    def cancel(self, task: Task) -> None:
        """End a task: at once if it waits, else before its next tile."""
        task.cancel()
        with self._changed:
            waited = task in (queue := self._waiting) or task in (queue := self._later)
            if waited:
                queue.remove(task)
        if waited:
            task.update(state="canceled")

    def close(self) -> None:
        """Cancel everything and end the thread."""
        for task in list(self._tasks.values()):
            self.cancel(task)
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._later or self._closed):
                    self._changed.wait()
                if self._closed:
                    return
                self._running = (self._waiting or self._later).pop(0)
            self._running.run()
            self._running = None
