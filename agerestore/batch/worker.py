"""A worker of a batch: builds the processor once, from its description, then processes what it is sent.

It writes no file and reads none but weights: sources come to it as bytes, results go back as bytes. As a process on
this machine it speaks with the one that started it through a connection, and ends with it (`serve`).
"""

import os
import pickle
import signal
import socket
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NamedTuple

from agerestore import machine
from agerestore._version import __version__
from agerestore.batch.outputs import WorkItem
from agerestore.batch.processing import Processor, process
from agerestore.errors import AgeRestoreError, WeightsError


class Description(NamedTuple):
    """What a worker is built from.

    Attributes:
        version: That of agerestore where the batch was begun.
        processor: The processor, pickled; models are in it by name and fingerprint.
        sharing: How many workers divide the memory of the machine; 0 for as many as it has cores.
    """

    version: str
    processor: bytes
    sharing: int = 1

    @classmethod
    def of(cls, processor: Processor[Any, Any], sharing: int = 1) -> "Description":
        """Describe a processor.

        Raises:
            UsageError: One of its models is in memory alone.
        """
        return cls(__version__, pickle.dumps(processor), sharing)


def build(description: Description) -> Processor[Any, Any]:
    """Build the processor of a description in this process, which then keeps to its share of the memory.

    Raises:
        WeightsError: This is another version of agerestore, or weights are missing or others.
    """
    if description.version != __version__:
        where = f"the worker on {socket.gethostname()} is agerestore {__version__}"
        raise WeightsError(f"{where}, the batch was begun by {description.version}; install the same version on both")
    machine.share_memory(description.sharing or machine.usable_cores())
    machine.keep_memory()
    processor: Processor[Any, Any] = pickle.loads(description.processor)
    return processor


def serve(descriptor: int) -> None:
    """Process what comes through a connection until its other end is closed, then end this process.

    The first message is a `Description`, answered by None or the error that it meets; then each `WorkItem` is answered
    by what `process` gives.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # those are for the process that started this one
        signal.signal(number, signal.SIG_IGN)
    connection = Connection(descriptor)
    messages: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, messages), daemon=True).start()
    try:
        processor = build(messages.get())
    except AgeRestoreError as error:
        connection.send(error)
        return
    except Exception as error:
        connection.send(AgeRestoreError(f"a worker cannot begin: {type(error).__name__}: {error}"))
        return
    connection.send(None)
    while True:
        item: WorkItem = messages.get()
        connection.send(process(processor, item))


def _receive(connection: Connection, messages: "SimpleQueue[Any]") -> None:
    """Pass on what is received; once the other end is gone the process ends, whatever it is computing."""
    while True:
        try:
            messages.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)
