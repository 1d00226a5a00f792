"""`RayCluster`: an executor of actors on a cluster of Ray, on this machine or on many.

Ray moves bytes and starts actors again; sources, manifest and results stay with the process that runs the batch.
"""

import logging
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from agerestore import machine
from agerestore.batch.outcome import describe
from agerestore.batch.outputs import WorkItem, read_again
from agerestore.batch.processing import Processed, Processor, process
from agerestore.batch.worker import Description, build
from agerestore.batch.worker_processes import TRIES
from agerestore.errors import AgeRestoreError, UsageError, WorkerError
from agerestore.files import printable

VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what will be its default; it warns until then
    "RAY_raylet_start_wait_time_s": "180",  # of a busy machine; 30 are too few
}
TOKEN = Path(".ray") / "auth_token"  # in the home folder, where Ray writes and reads it
RESTARTS = 10  # of one worker that dies before it is ready


def connect(address: str) -> tuple[Any, bool]:
    """Join a cluster, or start one on this machine where ``auto`` finds none.

    Returns:
        The module ``ray``, and whether it was this that has joined.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    if has_token():  # Ray shows it of itself to clusters that it finds, but not to those whose address it is given
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        raise UsageError("`cluster` needs Ray; pip install 'agerestore[ray]'") from None
    if ray.is_initialized():  # by the program that calls this library, which then goes on with it
        return ray, False
    with _same_signals():
        try:
            _join(ray, address)
        except Exception as error:  # of any class; some are plain exceptions
            ray.shutdown()
            what = (
                "cannot be joined; is it running, this machine a part of it, and ~/.ray/auth_token that of its first?"
            )
            raise UsageError(f"`cluster` {address}: {what} ({' '.join(str(error).split())})") from None
    return ray, True


def has_token() -> bool:
    """Whether this user has a token for clusters of Ray: its version 2.59 and later ask for one."""
    return (
        any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")) or (Path.home() / TOKEN).is_file()
    )


def _join(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address, **quiet)
    except ConnectionError:
        if address != "auto":
            raise
        ray.init("local", num_cpus=machine.usable_cores(), include_dashboard=False, **quiet)


@contextmanager
def _same_signals() -> Any:
    """Keep what is done at SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Actor:
    """What runs in a worker of Ray."""

    def __init__(self, description: Description):
        self._refusal: AgeRestoreError | None = None
        try:
            self._processor = build(description)
        except AgeRestoreError as error:
            self._refusal = error
        except Exception as error:
            self._refusal = AgeRestoreError(f"a worker cannot begin: {type(error).__name__}: {error}")

    def ready(self) -> AgeRestoreError | None:
        """Whether it can work: None, or why not."""
        return self._refusal

    def process(self, item: WorkItem, shared_disk: bool) -> Processed:
        """Process a file; on a disk that all machines share it is read here."""
        try:
            item = read_again(item) if shared_disk else item
        except (AgeRestoreError, OSError) as error:
            return Processed(None, 0.0, *describe(error, item.job.source))
        return process(self._processor, item)


class RayCluster:
    """Processes files by actors of Ray; see `agerestore.batch.processing.Executor`.

    The cluster is joined, and actors are started, when the first file is submitted. An actor is given a file when it
    has said that it is ready, and then one at a time. When it dies Ray starts it again, and its file goes to the next
    that is free.
    """

    def __init__(
        self, processor: Processor[Any, Any], address: str, *, most: int, threads: int = 1, gpu: bool = False,
        shared_disk: bool = False,
    ):  # fmt: skip
        """Describe the processor to the workers; nothing is started yet.

        Args:
            processor: What is done to each file.
            address: HOST:PORT of a cluster that this machine is part of; ``auto`` for the one that runs here, or else
                for a new one.
            most: How many workers there are at most.
            threads: With how many threads each computes.
            gpu: Whether each has a GPU of its own.
            shared_disk: Whether workers read sources themselves, by the same paths.

        Raises:
            UsageError: A model of the processor is in memory alone, so that no other process can load it.
        """
        self._description = Description.of(processor, sharing=0)
        self._address, self._most, self._threads, self._gpu = address, most, threads, gpu
        self._shared_disk = shared_disk
        self._ray: Any = None
        self._actors: list[Any] = []
        self._width = most
        self._free: deque[Any] = deque()
        self._waiting: deque[tuple[Future[Processed], WorkItem, int]] = deque()
        self._lock = threading.RLock()
        self._failure: AgeRestoreError | None = None
        self._closed = self._joined = False

    @property
    def width(self) -> int:
        """How many workers there are; before the first file, how many at most."""
        return self._width

    def submit(self, item: WorkItem) -> Future[Processed]:
        """Let the next worker that is free process a file."""
        if self._ray is None:
            self._start()
        future: Future[Processed] = Future()
        with self._lock:
            self._waiting.append((future, replace(item, data=b"", extra=()) if self._shared_disk else item, 1))
        self._assign()
        return future

    def close(self) -> None:
        """End all workers, at once, and leave the cluster; one that was started here ends."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        if self._ray is not None:
            for actor in self._actors:
                with suppress(Exception):
                    self._ray.kill(actor)
            if self._joined:
                self._ray.shutdown()

    def _start(self) -> None:
        self._ray, self._joined = connect(self._address)
        resources = self._ray.cluster_resources()
        each = {"CPU": self._threads, **({"GPU": 1} if self._gpu else {})}
        width = min(int(resources.get(kind, 0)) // count for kind, count in each.items())
        if not width:
            wanted = " and ".join(f"{count} {kind}" for kind, count in each.items())
            raise UsageError(f"`cluster` {self._address}: no machine of it has {wanted}, as each worker needs")
        self._width = min(width, self._most)
        environment = {name: str(self._threads) for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")}
        kind = self._ray.remote(
            num_cpus=self._threads, num_gpus=int(self._gpu), max_restarts=-1, runtime_env={"env_vars": environment}
        )(_Actor)
        self._actors = [kind.remote(self._description) for _ in range(self._width)]
        for actor in self._actors:
            self._await(actor, RESTARTS)

    def _await(self, actor: Any, tries: int) -> None:
        """Give a worker files once it is ready."""

        def answered(answer: Future[AgeRestoreError | None]) -> None:
            if self._closed:
                return
            error = answer.exception()
            refusal = error if error is not None else answer.result()
            if refusal is None:
                self._free.append(actor)
                self._assign()
            elif error is not None and tries:
                self._await(actor, tries - 1)
            elif isinstance(refusal, AgeRestoreError):
                self._fail(refusal)
            else:
                self._fail(WorkerError(f"a worker cannot begin: {' '.join(str(refusal).split())}"))

        actor.ready.remote().future().add_done_callback(answered)

    def _assign(self) -> None:
        """Give the files that wait to the workers that are free."""
        with self._lock:
            if self._failure is not None:
                self._fail(self._failure)
            while self._free and self._waiting:
                future, item, tried = self._waiting.popleft()
                if tried > 1 or future.set_running_or_notify_cancel():
                    self._send(self._free.popleft(), future, item, tried)

    def _send(self, actor: Any, future: Future[Processed], item: WorkItem, tried: int) -> None:
        def answered(answer: Future[Processed]) -> None:
            if self._closed:
                return
            error = answer.exception()
            if error is None:
                self._free.append(actor)
                future.set_result(answer.result())
            elif not isinstance(error, self._ray.exceptions.RayActorError):
                self._free.append(actor)
                cause = getattr(error, "cause", None) or error  # Ray wraps what a worker raises
                future.set_result(Processed(None, 0.0, *describe(cause, item.job.source)))
            else:
                self._await(actor, RESTARTS)
                if tried < TRIES:
                    with self._lock:
                        self._waiting.appendleft((future, item, tried + 1))
                else:
                    what = "most often for want of memory, or as its machine was lost"
                    line = f"{printable(item.job.source)}: its worker ended {TRIES} times, {what}"
                    future.set_result(Processed(None, 0.0, line, WorkerError.__name__))
            self._assign()

        actor.process.remote(item, self._shared_disk).future().add_done_callback(answered)

    def _fail(self, error: AgeRestoreError) -> None:
        """Let everything that waits fail, and all that comes: no worker can do it."""
        with self._lock:
            self._failure = error
            for future, _, tried in self._waiting:
                if tried > 1 or future.set_running_or_notify_cancel():
                    future.set_exception(error)
            self._waiting.clear()
