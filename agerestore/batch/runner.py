"""Many image files through one operation: an error with one never stops the others.

Knows neither models nor pixels: jobs go through a `Processor`, an `OutputWriter` writes what comes out, and whatever
happens to a job becomes its `Outcome`. While one image is computed the next is read and the last one is written:
three are in memory at a time, however many there are. With an `Executor` twice its width are; this process alone reads
sources, keeps the manifest and writes results.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.outcome import Outcome, Summary
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.parts import OF_A_FILE, Part
from agerestore.batch.processing import Executor, Item, Processor, Result
from agerestore.batch.task import Task
from agerestore.errors import UsageError

T = TypeVar("T")
Finish = Callable[[Future[Task[Item, Result]] | None], None]  # waits until a job is written, and reports it


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
    executor: Executor | None = None,
    part: Part | None = None,
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
        part: The part of the folder that `jobs` are; it has a manifest of its own.
        executor: Processes the files in the place of this process; files and reports are the same. Who made it
            closes it.

    Raises:
        UsageError: Another run is at work in the folder, or there is a part and no folder.
        ImageFileError: The folder cannot be made or written to.
    """
    if part is not None and folder is None:
        raise UsageError(OF_A_FILE)
    if dry_run:
        return preview(jobs, processor, make_writer(Manifest(folder), cache_key, overwrite), report=report)
    with Manifest.open(folder, part) as manifest:
        writer = make_writer(manifest, cache_key, overwrite)
        return run(jobs, processor, writer, report=report, stop=stop, fail_fast=fail_fast, executor=executor)


def run(
    jobs: Sequence[Job],
    processor: Processor[Item, Result],
    writer: OutputWriter,
    *,
    report: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
    fail_fast: bool = False,
    executor: Executor | None = None,
) -> Summary:
    """Process every job that is not done yet; see `run_files`.

    Returns:
        The counts; jobs that were not begun have no outcome. `KeyboardInterrupt` passes through, once what was being
        written is written, and so do `BrokenPipeError` and what an executor raises.
    """
    summary, said = Summary(len(jobs)), set[str]()
    tasks = (Task(job, processor, writer, said) for job in jobs)

    def finish(writing: Future[Task[Item, Result]] | None) -> None:
        if writing is not None:
            outcome = writing.result().outcome
            assert outcome is not None
            summary.add(outcome)
            report(outcome)

    def ends() -> bool:
        return stop() or (fail_fast and summary.failed > 0)

    if executor is None:
        _run_here(tasks, finish, ends, fail_fast)
    else:
        _run_in(executor, tasks, finish, ends)
    return summary


def _run_here(
    tasks: Iterable[Task[Item, Result]], finish: Finish[Item, Result], stop: Callable[[], bool], fail_fast: bool
) -> None:
    """Compute in this thread; while one image is computed the next is read and the last one written in two others."""
    with ThreadPoolExecutor(1, "reading") as reader, ThreadPoolExecutor(1, "writing") as encoder:
        reads = (reader.submit(task.read) for task in tasks)  # each is begun as it is asked for
        writing: Future[Task[Item, Result]] | None = None
        try:
            for reading in _one_ahead(reads):
                task = reading.result()
                if stop():
                    break
                task.compute()
                finish(writing)
                writing = encoder.submit(task.write)
                if fail_fast and task.has_failed:
                    break
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            finish(writing)


def _one_ahead(reads: Iterable[T]) -> Iterable[T]:
    """The same items, where the next one has been asked for before each is given."""
    iterator = iter(reads)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current
        current = following


def _run_in(
    executor: Executor, tasks: Iterable[Task[Item, Result]], finish: Finish[Item, Result], stop: Callable[[], bool]
) -> None:
    """Read in this thread, compute in an executor, write in another thread, in the order of the jobs.

    Twice as many images as the executor works on are in flight: each worker has its next one when it is done.
    """
    flight: deque[Task[Item, Result]] = deque()
    writing: Future[Task[Item, Result]] | None = None
    with ThreadPoolExecutor(1, "writing") as encoder:

        def write_oldest() -> None:
            nonlocal writing
            task = flight.popleft().receive()
            finish(writing)
            writing = encoder.submit(task.commit)

        try:
            for task in tasks:
                if flight and (len(flight) == 2 * executor.width or flight[0].is_received):
                    write_oldest()  # one, while the next is read: so that workers never wait for many to be written
                if stop():
                    flight = deque(each for each in flight if not each.cancel())
                    break
                flight.append(task.prepare().send(executor))
            while flight:
                write_oldest()
        finally:
            finish(writing)


def preview(
    jobs: Sequence[Job], processor: Processor[Item, Result], writer: OutputWriter, *, report: Callable[[Outcome], None]
) -> Summary:
    """Say of each job what `run` would begin with: that it is planned, was done before, or cannot be done."""
    summary = Summary(len(jobs))
    for job in jobs:
        outcome = Task(job, processor, writer, set()).prepare().outcome or Outcome(job, status="planned")
        summary.add(outcome)
        report(outcome)
    return summary
