"""What is done to the images of a batch, in this process or elsewhere: `Processor` and `Executor`.

A processor is pickled for an executor in other processes: it pickles to a small description of itself.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agerestore.batch.jobs import Job
from agerestore.batch.outcome import describe
from agerestore.batch.outputs import WorkItem

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Encoded:
    """The result of a job, ready to be written.

    Attributes:
        files: What to write, the job's target last; None for a file that is not to be there.
        detail: What is worth reporting; "warning" is a line for people.
        optional: Files without which the others are written all the same, if they cannot be written.
        once: Lines for people that hold for every image of the batch, and are said of the first alone.
    """

    files: Mapping[Path, bytes | None]
    detail: dict[str, object] = field(default_factory=dict)
    optional: frozenset[Path] = frozenset()
    once: tuple[str, ...] = ()


class Processor(Protocol[Item, Result]):
    """What is done to an image, in three steps that write nothing; any may raise."""

    def decode(self, job: Job, data: bytes, *extra: bytes) -> Item:
        """Decode the contents of source and extra inputs to what `compute` takes; in the reading thread."""

    def compute(self, item: Item) -> Result:
        """Compute the result; in the thread that called `run`, one image after the other."""

    def encode(self, job: Job, result: Result) -> Encoded:
        """Encode what is to be written; in the writing thread."""


@dataclass(frozen=True)
class Processed:
    """What an executor made of a file.

    Attributes:
        encoded: The result; None where it failed.
        seconds: How long that took, without waiting.
        error: One line that names the file; None unless failed.
        code: The class of the error; see `Outcome`.
    """

    encoded: Encoded | None
    seconds: float = 0.0
    error: str | None = None
    code: str | None = None


class Executor(Protocol):
    """Processes files elsewhere: in other processes, or on other machines. It reads no source and writes no result."""

    @property
    def width(self) -> int:
        """How many files it works on at a time."""

    def submit(self, item: WorkItem) -> Future[Processed]:
        """Process a file as `process` does, once those that were submitted before are begun.

        The future raises what makes all further work impossible, such as a worker with other weights. It can be
        cancelled until its file is begun.
        """

    def close(self) -> None:
        """End all work, at once, and whatever was started for it."""


def process(processor: Processor[Any, Any], item: WorkItem) -> Processed:
    """Decode, compute and encode a file; whatever goes wrong with it is said in what comes back."""
    start = time.perf_counter()
    try:
        value = processor.compute(processor.decode(item.job, item.data, *item.extra))
        encoded = processor.encode(item.job, value)
    except Exception as error:
        return Processed(None, time.perf_counter() - start, *describe(error, item.job.source))
    return Processed(encoded, time.perf_counter() - start)


def processed_in_order(executor: Executor, items: Iterable[WorkItem]) -> Iterator[Processed]:
    """What an executor makes of items, in their order; at most twice its width are in flight.

    Raises:
        AgeRestoreError: What makes all further work impossible.
    """
    flight: deque[Future[Processed]] = deque()
    for item in items:
        if len(flight) == 2 * executor.width:
            yield flight.popleft().result()
        flight.append(executor.submit(item))
    while flight:
        yield flight.popleft().result()
