"""Which executor the options of a batch ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agerestore.batch.processing import Executor, Processor
from agerestore.batch.worker_processes import WorkerProcesses, Workers, worker_count


@contextmanager
def open_executor(
    processor: Processor[Any, Any], workers: Workers = 0, *, files: int = 1, threads: int = 0
) -> Iterator[Executor | None]:
    """The executor of a batch until the block ends; None for this process itself.

    Args:
        processor: What is done to each file.
        workers: How many processes; ``auto`` for one for each core; 0 for none.
        files: How many files there are, at most; there are no more processes.
        threads: With how many threads each process computes; 0 for one.

    Raises:
        UsageError: Options that are not understood, or a model that only this process has.
    """
    count = min(worker_count(workers), max(files, 1))
    if not count:
        yield None
        return
    executor = WorkerProcesses(processor, count, threads or 1)
    try:
        yield executor
    finally:
        executor.close()
