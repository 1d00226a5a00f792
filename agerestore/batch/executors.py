"""Which executor the options of a batch ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agerestore.batch.processing import Executor, Processor
from agerestore.batch.worker_processes import WorkerProcesses, Workers, worker_count
from agerestore.errors import UsageError


@dataclass(frozen=True)
class ExecutorOptions:
    """Where the files of a batch are processed.

    Attributes:
        workers: In how many processes; ``auto`` for one for each core; 0 for this process itself, and of a cluster for
            as many as it has room for.
        cluster: HOST:PORT of a cluster of Ray, or ``auto``; None for this machine alone.
        shared_disk: Whether the machines of the cluster read sources themselves, by the same paths.
        threads: With how many threads each worker computes; 0 for one.
        gpu: Whether each worker of a cluster has a GPU of its own.

    Raises:
        UsageError: Options that are not understood, or do not go together.
    """

    workers: Workers = 0
    cluster: str | None = None
    shared_disk: bool = False
    threads: int = 0
    gpu: bool = False

    def __post_init__(self) -> None:
        worker_count(self.workers)
        if self.shared_disk and self.cluster is None:
            raise UsageError("`shared_disk` is for a `cluster`; leave it out")


@contextmanager
def open_executor(
    processor: Processor[Any, Any], options: ExecutorOptions, files: int = 1
) -> Iterator[Executor | None]:
    """The executor of a batch until the block ends; None for this process itself.

    Args:
        processor: What is done to each file.
        options: Where.
        files: How many files there are, at most; there are no more workers.

    Raises:
        UsageError: A model that only this process has.
    """
    most, threads = max(files, 1), options.threads or 1
    executor: Executor
    if options.cluster is not None:
        from agerestore.batch.ray_cluster import RayCluster  # needs torch, and starting processes does not

        most = min(most, options.workers) if isinstance(options.workers, int) and options.workers else most
        executor = RayCluster(
            processor, options.cluster, most=most, threads=threads, gpu=options.gpu, shared_disk=options.shared_disk
        )
    elif count := min(worker_count(options.workers), most):
        executor = WorkerProcesses(processor, count, threads)
    else:
        yield None
        return
    try:
        yield executor
    finally:
        executor.close()
