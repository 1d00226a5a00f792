"""A job on its way: read, computed, encoded and written; whatever goes wrong with it becomes its outcome."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Generic, Self

from agerestore.batch.jobs import Job
from agerestore.batch.outcome import Outcome, describe
from agerestore.batch.outputs import Leftovers, OutputWriter, WorkItem
from agerestore.batch.processing import Encoded, Executor, Item, Processed, Processor, Result
from agerestore.files import printable


class Task(Generic[Item, Result]):
    """A job on its way: each step does nothing once it has an outcome."""

    def __init__(self, job: Job, processor: Processor[Item, Result], writer: OutputWriter, said: set[str]):
        self.outcome: Outcome | None = None
        self._job = job
        self._processor = processor
        self._writer = writer
        self._said = said  # remarks that were made of an earlier image, and hold for all
        self._seconds = 0.0
        self._work: WorkItem | None = None
        self._value: Any = None  # what the last step gave
        self._processing: Future[Processed] | None = None  # in an executor

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with an error."""
        return self.outcome is not None and self.outcome.error is not None

    def prepare(self) -> Self:
        """Read the files, unless there is nothing to do."""
        return self._step(self._prepare)

    def read(self) -> Self:
        """Prepare and decode."""
        return self.prepare()._step(self._decode)

    def compute(self) -> Self:
        """Compute the result."""
        return self._step(self._compute)

    def write(self) -> Self:
        """Encode and commit."""
        return self._step(self._encode).commit()

    def commit(self) -> Self:
        """Write the files of the result."""
        return self._step(self._commit)

    def send(self, executor: Executor) -> Self:
        """Let an executor process it."""
        if self.outcome is None:
            assert self._work is not None
            self._processing = executor.submit(self._work)
            self._work = replace(self._work, data=b"", extra=())  # which the executor has now
        return self

    def cancel(self) -> bool:
        """Whether no executor had begun with it, and none will."""
        return self._processing is not None and self._processing.cancel()

    @property
    def is_received(self) -> bool:
        """Whether `receive` need not wait."""
        return self._processing is None or self._processing.done()

    def receive(self) -> Self:
        """Take what the executor made of it."""
        if self._processing is not None:
            made = self._processing.result()
            self._seconds += made.seconds
            self._processing, self._value = None, made.encoded
            if made.encoded is None:
                self.outcome = Outcome(self._job, self._seconds, "failed", made.error, made.code)
        return self

    def _step(self, step: Callable[[], Outcome | None]) -> Self:
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
        self._value = self._processor.decode(self._job, self._work.data, *self._work.extra)

    def _compute(self) -> None:
        item, self._value = self._value, None  # so that it goes before the next but one is read
        self._value = self._processor.compute(item)

    def _encode(self) -> None:
        self._value = self._processor.encode(self._job, self._value)

    def _commit(self) -> Outcome:
        assert self._work is not None
        encoded: Encoded = self._value
        self._value = None
        left = self._writer.commit(self._work, encoded.files, encoded.optional)
        once = [line for line in encoded.once if line not in self._said]
        self._said.update(once)
        return Outcome(self._job, detail=_with_remarks(encoded.detail, left, once))


def _with_remarks(detail: dict[str, object], left: Leftovers, once: Sequence[str]) -> dict[str, object]:
    """What the processor reported, what could not be written, and which files only look like a part of the result."""
    said = [str(detail["warning"])] if "warning" in detail else []
    said += [f"{line} (said once)" for line in once]
    said += [f"not written: {line}" for line in left.refused]
    if left.similar:
        said.append(f"left next to the result, but not of this run: {', '.join(map(printable, left.similar))}")
    return {**detail, "warning": "; ".join(said)} if said else detail
