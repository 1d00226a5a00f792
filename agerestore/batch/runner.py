"""Many image files through one operation: an error with one never stops the others.

Knows neither models nor pixels: jobs go through a `Processor`, an `OutputWriter` writes what comes out, and whatever
happens to a job becomes its `Outcome`. While one image is computed the next is read and the last one is written:
three are in memory at a time, however many there are.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.outcome import Outcome, Summary, describe
from agerestore.batch.outputs import Leftovers, OutputWriter, WorkItem
from agerestore.files import printable

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Encoded:
    """The result of a job, ready to be written.

    Attributes:
        files: What to write, the job's target last; None for a file that is not to be there.
        detail: What is worth reporting; "warning" is a line for people.
        optional: Files without which the others are written all the same, if they cannot be written.
    """

    files: Mapping[Path, bytes | None]
    detail: dict[str, object] = field(default_factory=dict)
    optional: frozenset[Path] = frozenset()


class Processor(Protocol[Item, Result]):
    """What is done to an image, in three steps that write nothing; any may raise."""

    def decode(self, job: Job, data: bytes) -> Item:
        """Decode the contents of the source to what `compute` takes; in the reading thread."""

    def compute(self, item: Item) -> Result:
        """Compute the result; in the thread that called `run`, one image after the other."""

    def encode(self, job: Job, result: Result) -> Encoded:
        """Encode what is to be written; in the writing thread."""


def run_files(
    jobs: Sequence[Job],
    processor: Processor[Item, Result],
    folder: Path | None = None,
    cache_key: str = "",
    *,
    overwrite: bool = False,
    fail_fast: bool = False,
    dry_run: bool = False,
    report: Callable[[Outcome], None] = lambda outcome: None,
    stop: Callable[[], bool] = lambda: False,
    make_writer: Callable[[Manifest, str, bool], OutputWriter] = OutputWriter,
) -> Summary:
    """Process files into a folder that remembers them: a second run only does what is missing or has changed.

    Args:
        jobs: What `plan` gave.
        processor: What is done to each.
        folder: The output folder, which keeps the manifest; None for a single file, which is not remembered.
        cache_key: What results depend on besides the files that are read, see `agerestore.batch.cache_key`.
        overwrite: Whether existing files that differ are replaced; else their jobs fail.
        fail_fast: Whether no image is begun after one that failed.
        dry_run: Only say what would be done: nothing is decoded and nothing written.
        report: Called with each outcome as soon as it is known, in order, in this thread.
        stop: Asked before each job; once it answers true none is begun any more.
        make_writer: Makes the writer out of manifest, cache key and `overwrite`.

    Raises:
        UsageError: Another run is at work in the folder.
        ImageFileError: The folder cannot be made or written to.
    """
    if dry_run:
        return preview(jobs, processor, make_writer(Manifest(folder), cache_key, overwrite), report=report)
    with Manifest.open(folder) as manifest:
        writer = make_writer(manifest, cache_key, overwrite)
        return run(jobs, processor, writer, report=report, stop=stop, fail_fast=fail_fast)


def run(
    jobs: Sequence[Job],
    processor: Processor[Item, Result],
    writer: OutputWriter,
    *,
    report: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
    fail_fast: bool = False,
) -> Summary:
    """Process every job that is not done yet; see `run_files`.

    Returns:
        The counts; jobs that were not begun have no outcome. `KeyboardInterrupt` passes through, once what was being
        written is written, and so does `BrokenPipeError`.
    """
    summary = Summary(len(jobs))

    def finish(task: Future[_Task[Item, Result]] | None) -> None:
        if task is not None:
            outcome = task.result().outcome
            assert outcome is not None
            summary.add(outcome)
            report(outcome)

    with ThreadPoolExecutor(1, "reading") as reader, ThreadPoolExecutor(1, "writing") as encoder:
        reads = (reader.submit(_Task(job, processor, writer).read) for job in jobs)  # each is begun as it is asked for
        writing: Future[_Task[Item, Result]] | None = None
        try:
            for reading in _one_ahead(reads):
                task = reading.result()
                if stop():
                    break
                task.compute()
                finish(writing)
                writing = encoder.submit(task.write)
                if fail_fast and (summary.failed or task.has_failed):
                    break
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            finish(writing)
    return summary


def _one_ahead(reads: Iterable[Item]) -> Iterable[Item]:
    """The same items, where the next one has been asked for before each is given."""
    iterator = iter(reads)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current
        current = following


def preview(
    jobs: Sequence[Job], processor: Processor[Item, Result], writer: OutputWriter, *, report: Callable[[Outcome], None]
) -> Summary:
    """Say of each job what `run` would begin with: that it is planned, was done before, or cannot be done."""
    summary = Summary(len(jobs))
    for job in jobs:
        outcome = _Task(job, processor, writer).prepare().outcome or Outcome(job, status="planned")
        summary.add(outcome)
        report(outcome)
    return summary


class _Task(Generic[Item, Result]):
    """A job on its way: read, computed and written in three threads, unless it has an outcome before."""

    def __init__(self, job: Job, processor: Processor[Item, Result], writer: OutputWriter):
        self.outcome: Outcome | None = None
        self._job = job
        self._processor = processor
        self._writer = writer
        self._seconds = 0.0
        self._work: WorkItem | None = None
        self._value: Any = None  # what the last step gave

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error."""
        return self.outcome is not None and self.outcome.error is not None

    def prepare(self) -> "_Task[Item, Result]":
        return self._step(self._prepare)

    def read(self) -> "_Task[Item, Result]":
        return self.prepare()._step(self._decode)

    def compute(self) -> "_Task[Item, Result]":
        return self._step(self._compute)

    def write(self) -> "_Task[Item, Result]":
        return self._step(self._write)

    def _step(self, step: Callable[[], Outcome | None]) -> "_Task[Item, Result]":
        """Take a step; whatever goes wrong becomes the outcome, so that the other jobs do not suffer."""
        if self.outcome is None:
            start = time.perf_counter()
            try:
                outcome = step()
            except BrokenPipeError:  # the reader of the output has closed it
                raise
            except Exception as error:
                message, code = describe(error, self._job.source)
                outcome = Outcome(self._job, status="failed", error=message, code=code)
            self._seconds += time.perf_counter() - start
            self.outcome = outcome and replace(outcome, seconds=self._seconds)
        return self

    def _prepare(self) -> Outcome | None:
        self._work = self._writer.prepare(self._job)
        return Outcome(self._job, status="skipped") if self._work is None else None

    def _decode(self) -> None:
        assert self._work is not None
        self._value = self._processor.decode(self._job, self._work.data)

    def _compute(self) -> None:
        item, self._value = self._value, None  # so that it goes before the next but one is read
        self._value = self._processor.compute(item)

    def _write(self) -> Outcome:
        assert self._work is not None
        encoded = self._processor.encode(self._job, self._value)
        self._value = None
        left = self._writer.commit(self._work, encoded.files, encoded.optional)
        return Outcome(self._job, detail=_with_leftovers(encoded.detail, left))


def _with_leftovers(detail: dict[str, object], left: Leftovers) -> dict[str, object]:
    """What the processor reported, what could not be written, and which files only look like a part of the result."""
    said = [str(detail["warning"])] if "warning" in detail else []
    said += [f"not written: {line}" for line in left.refused]
    if left.similar:
        said.append(f"left next to the result, but not of this run: {', '.join(map(printable, left.similar))}")
    return {**detail, "warning": "; ".join(said)} if said else detail
