"""`WorkerProcesses`: an executor of processes on this machine, each with its own models and threads."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from multiprocessing.connection import Pipe
from queue import SimpleQueue
from typing import Any, Literal

from agerestore import machine
from agerestore.batch.outputs import WorkItem
from agerestore.batch.processing import Processed, Processor
from agerestore.batch.worker import Description
from agerestore.errors import AgeRestoreError, UsageError, WorkerError
from agerestore.files import printable

TRIES = 2  # of a file whose worker dies
WORKER_BYTES = 2**30  # of main memory, of one worker with small images; measured: 0.7 of it
THREADS = ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")  # variables that torch, NumPy and OpenCV read
COMMAND = "from agerestore.batch.worker import serve; serve({})"

Order = tuple[Future[Processed], WorkItem]
Workers = int | Literal["auto"]


def worker_count(workers: Workers) -> int:
    """How many workers ``auto`` stands for: one for each core that may be used, while there is memory for them.

    Raises:
        UsageError: Neither a number of 0 or more nor ``auto``.
    """
    if workers == "auto":
        return max(1, min(machine.usable_cores(), machine.free_memory() // WORKER_BYTES))
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
        raise UsageError(f"`workers` {workers!r} is neither auto nor a number of 0 or more")
    return workers


class WorkerProcesses:
    """Processes files in several processes; see `agerestore.batch.processing.Executor`.

    Processes are started when the first files are submitted. When one dies it is started again, and its file tried
    once more; then the file has failed, and the others go on.
    """

    def __init__(self, processor: Processor[Any, Any], count: int, threads: int = 1):
        """Describe the processor to the workers; none is started yet.

        Args:
            processor: What is done to each file.
            count: How many processes, 1 or more.
            threads: With how many threads each computes.

        Raises:
            UsageError: A model of the processor is in memory alone, so that no other process can load it.
        """
        self._description = Description.of(processor, count)
        self._count, self._threads = count, threads
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._employers: list[threading.Thread] = []
        self._alive: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def width(self) -> int:
        """How many processes there are."""
        return self._count

    def submit(self, item: WorkItem) -> Future[Processed]:
        """Let the next process that is free process a file."""
        future: Future[Processed] = Future()
        self._orders.put((future, item))
        if len(self._employers) < self._count:
            thread = threading.Thread(target=self._employ, name="worker", daemon=True)
            self._employers.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """End all processes, at once."""
        with self._lock:
            self._closed = True
            for worker in self._alive:
                worker.kill()
        for _ in self._employers:
            self._orders.put(None)
        for thread in self._employers:
            thread.join()

    def _employ(self) -> None:
        """Pass orders to one process after the other, in a thread of their own."""
        worker: _Worker | None = None
        while (order := self._orders.get()) is not None:
            future, item = order
            if self._closed or not future.set_running_or_notify_cancel():
                continue
            cause = ""
            for _ in range(TRIES):
                try:
                    worker = worker or self._start()
                    future.set_result(worker.process(item))
                    break
                except _DiedError as death:
                    self._bury(worker)
                    worker, cause = None, str(death)
                except BaseException as error:
                    future.set_exception(error)
                    break
            else:
                line = f"{printable(item.job.source)}: its worker process ended {TRIES} times: {cause}"
                future.set_result(Processed(None, 0.0, line, WorkerError.__name__))
        if worker is not None:
            self._bury(worker)

    def _start(self) -> "_Worker":
        worker = _Worker(self._threads)
        with self._lock:
            self._alive.add(worker)
            if self._closed:
                worker.kill()
        try:
            worker.build(self._description)
        except BaseException:
            self._bury(worker)
            raise
        return worker

    def _bury(self, worker: "_Worker | None") -> None:
        if worker is not None:
            with self._lock:
                self._alive.discard(worker)
            worker.kill()


class _DiedError(Exception):
    """A process has ended; its text says why."""


class _Worker:
    """A process that runs `agerestore.batch.worker.serve`."""

    def __init__(self, threads: int):
        self._connection, theirs = Pipe()
        paths = os.pathsep.join(path or str(os.getcwd()) for path in sys.path)  # noqa: PTH109 - as Python reads it
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND.format(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # which is for results and reports
            env={**os.environ, **dict.fromkeys(THREADS, str(threads)), "PYTHONPATH": paths},
            process_group=0,  # Ctrl-C is for this process alone, which lets workers finish
        )
        theirs.close()

    def build(self, description: Description) -> None:
        """Let it build the processor.

        Raises:
            AgeRestoreError: It cannot.
        """
        refusal: AgeRestoreError | None = self._ask(description)
        if refusal is not None:
            raise refusal

    def process(self, item: WorkItem) -> Processed:
        """Let it process a file."""
        made: Processed = self._ask(item)
        return made

    def _ask(self, message: object) -> Any:
        try:
            self._connection.send(message)
            return self._connection.recv()
        except (EOFError, OSError):
            raise _DiedError(_cause(self._process.wait())) from None

    def kill(self) -> None:
        """End it, if it has not ended; it has nothing to tidy up."""
        self._process.kill()
        self._process.wait()
        if not self._connection.closed:
            self._connection.close()


def _cause(code: int) -> str:
    """The likely cause of the end of a process."""
    if code == -signal.SIGKILL:
        return "killed, most often by the system for want of memory; take fewer `workers` or smaller images"
    if code < 0:
        return f"it crashed with {signal.Signals(-code).name}; the file may be damaged in an unusual way"
    return f"it exited with code {code}; try the file without `workers`"
