"""Many pictures through one piece of work: what goes wrong with one never stops the others.

Knows neither models nor pixels: `run` takes jobs in, hands each to a `Processor`, delivers what comes out, and turns
whatever happens into an outcome. While one picture is computed the next is read and the last one is written: three
are in memory at a time, however many there are.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from agerestore.batch.outputs import OutputWriter
from agerestore.batch.planning import Job
from agerestore.errors import AgeRestoreError, UnreadableError
from agerestore.files import printable

__all__ = ["Counts", "Encoded", "Outcome", "Processor", "describe", "preview", "run"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Encoded:
    """What came of a picture.

    Attributes:
        files: What to write, the job's target last; None for a file that is not to be there.
        detail: What is worth reporting.
    """

    files: Mapping[Path, bytes | None]
    detail: dict[str, object] = field(default_factory=dict)


class Processor(Protocol[Item, Result]):
    """What is done to a picture, in three steps that write nothing; any may raise."""

    def decode(self, job: Job, data: bytes) -> Item:
        """Make of the contents of the source what `compute` takes; runs beside it, in the thread that reads."""

    def compute(self, item: Item) -> Result:
        """Do the work proper; runs in the thread that called `run`, on one picture after the other."""

    def encode(self, job: Job, result: Result) -> Encoded:
        """Say what is to be written; runs beside `compute`, in the thread that writes."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: The job.
        seconds: How long it took, without waiting for others.
        status: `"done"`, `"skipped"` (an earlier run did it), `"failed"`, or in a preview `"planned"`.
        error: One line that names the file; None unless failed.
        detail: What the work reported.
        unreadable: Whether it failed because the source is no readable picture.
    """

    job: Job
    seconds: float = 0.0
    status: str = "done"
    error: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
    unreadable: bool = False


@dataclass
class Counts:
    """How many of `total` jobs came to which end; `done` counts the planned ones of a preview, too."""

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    unreadable: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.done += outcome.status in ("done", "planned")
        self.skipped += outcome.status == "skipped"
        self.failed += outcome.status == "failed"
        self.unreadable += outcome.unreadable

    @property
    def left(self) -> int:
        """How many were not begun."""
        return self.total - self.done - self.skipped - self.failed

    @property
    def exit_code(self) -> int:
        """0 when none failed, 3 when no source at all was a readable picture, 1 for any other failure."""
        if self.failed == 0:
            return 0
        return 3 if self.unreadable == self.total else 1


def run(
    jobs: Sequence[Job],
    work: Processor[Item, Result],
    writer: OutputWriter,
    *,
    report: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
    fail_fast: bool = False,
) -> Counts:
    """Do the work on every job that is not done yet; what goes wrong with one becomes its outcome.

    Args:
        jobs: What to do.
        work: What is done to each.
        writer: When a job counts as done, and what may be replaced.
        report: Called with each outcome as soon as it is known, in order, in the thread that called `run`.
        stop: Asked before each job; once it answers true none is begun any more.
        fail_fast: Whether none is begun any more after one that failed.

    Returns:
        The count of outcomes; jobs that were not begun have none. `KeyboardInterrupt` passes through, once what
        was being written is written, and so does `BrokenPipeError`.
    """
    counts = Counts(len(jobs))
    behind: deque[Future[_Passage]] = deque()  # at most one

    def settle() -> None:
        while behind:
            outcome = behind.popleft().result().outcome
            assert outcome is not None
            counts.add(outcome)
            report(outcome)

    passages = (_Passage(job, _steps(job, work, writer)) for job in jobs)
    with ThreadPoolExecutor(1, "reading") as reading, ThreadPoolExecutor(1, "writing") as writing:
        try:
            for passage in _read_ahead(reading, passages):
                if stop():
                    break
                passage.advance()
                settle()
                behind.append(writing.submit(passage.advance))
                if fail_fast and (counts.failed or (passage.outcome and passage.outcome.error)):
                    break
        finally:
            reading.shutdown(wait=False, cancel_futures=True)
            settle()
    return counts


def preview(jobs: Sequence[Job], writer: OutputWriter, *, report: Callable[[Outcome], None]) -> Counts:
    """Say of each job what `run` would begin with: that it is planned, was done before, or cannot be done.

    Nothing is written, and nothing decoded.
    """
    counts = Counts(len(jobs))
    for job in jobs:
        outcome = _Passage(job, _first_step(job, writer)).advance().outcome
        assert outcome is not None
        counts.add(outcome)
        report(outcome)
    return counts


Steps = Generator[None, None, Outcome]


def _steps(job: Job, work: Processor[Item, Result], writer: OutputWriter) -> Steps:
    """The way of a job, in three steps: in the thread that reads, in the caller's, in the one that writes."""
    accepted = writer.accept(job)
    if accepted is None:
        return Outcome(job, status="skipped")
    item = work.decode(job, accepted.data)
    yield
    result = work.compute(item)
    del item  # before the next but one is read
    yield
    made = work.encode(job, result)
    left = writer.deliver(accepted, made.files)
    return Outcome(job, detail=_with_left(made.detail, left))


def _with_left(detail: dict[str, object], left: Sequence[Path]) -> dict[str, object]:
    """What the work reported, and what lies beside its result that nobody should take for a part of it."""
    if not left:
        return detail
    said = f"left beside the result, but not of this run: {', '.join(printable(path) for path in left)}"
    return {**detail, "warning": f"{detail['warning']}; {said}" if "warning" in detail else said}


def _first_step(job: Job, writer: OutputWriter) -> Steps:
    yield from ()
    return Outcome(job, status="planned" if writer.accept(job) else "skipped")


class _Passage:
    """A job that advances step by step, each in the thread that calls, until it has an outcome."""

    def __init__(self, job: Job, steps: Steps):
        self.outcome: Outcome | None = None
        self._job = job
        self._steps = steps
        self._seconds = 0.0

    def advance(self) -> "_Passage":
        """Take the next step, unless the end is reached."""
        if self.outcome is None:
            start = time.perf_counter()
            outcome = self._step()
            self._seconds += time.perf_counter() - start
            self.outcome = outcome and replace(outcome, seconds=self._seconds)
        return self

    def _step(self) -> Outcome | None:
        try:
            next(self._steps)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        except BrokenPipeError:  # nobody reads standard output any more
            raise
        except Exception as error:  # whatever it is, the other pictures are not to suffer
            line = describe(error, self._job.source)
            return Outcome(self._job, status="failed", error=line, unreadable=isinstance(error, UnreadableError))
        return None


def _read_ahead(reading: ThreadPoolExecutor, passages: Iterable[_Passage]) -> Iterator[_Passage]:
    """Yield passages whose first step is taken; while one is out, the next is being read."""
    ahead: deque[Future[_Passage]] = deque()
    for passage in passages:
        ahead.append(reading.submit(passage.advance))
        if len(ahead) > 1:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def describe(error: BaseException, source: Path) -> str:
    """What went wrong with a file, for people: one line that names it."""
    from agerestore.device import is_out_of_memory  # which needs torch, and this module is read without

    if is_out_of_memory(error):
        reason = "not enough memory for it; close other programs or make the picture smaller"
    elif isinstance(error, AgeRestoreError | OSError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    line, name = " ".join(reason.splitlines()), printable(source)
    return line if name in line else f"{name}: {line}"
