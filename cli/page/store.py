"""What the server holds: uploaded files, files of the folder, their masks and results; in memory, and bounded."""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agerestore.batch.jobs import FOUND_MASK, Job
from agerestore.images.io import read_bytes

from .worker import Task

DROPPED = 10_000  # ids that are remembered as dropped


class Output(NamedTuple):
    """A file that was made: in memory, or on the disk of the server where it works on a folder."""

    name: str
    data: bytes | None
    path: Path

    def read(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes() if self.data is None else self.data

    def as_json(self, what: str) -> dict[str, Any]:
        """The file as clients see it."""
        size = len(self.data) if self.data is not None else self.path.stat().st_size if self.path.exists() else 0
        return {"what": what, "name": self.name, "bytes": size}


class HeldMask(NamedTuple):
    """A mask of the size of the upright image."""

    kind: str  # given, found or edited
    png: bytes  # white where pixels are missing
    path: Path | None = None  # the file that it was read from; None of one that was sent, found or edited


@dataclass(eq=False)
class Held:
    """A file that is held, with all that is known and was made of it."""

    name: str  # printable; of a file of the folder with the folders above it
    job: Job | None = None  # of a file of the folder: where it and its results lie
    data: bytes | None = None  # of an upload
    facts: dict[str, Any] = field(default_factory=dict)  # what its header and metadata say, once it was opened
    found: dict[str, Any] = field(default_factory=dict)  # what inspecting it has found
    mask: HeldMask | None = None
    results: dict[str, Output] = field(default_factory=dict)  # by what they are: after, sample-1, uncertainty, ...
    version: int = 0  # counts the results, so that older ones are not shown
    task: Task | None = None  # the last one that was asked for
    inspecting: Task | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def read(self) -> bytes:
        """The bytes of the file."""
        return read_bytes(self.path) if self.data is None else self.data

    @property
    def path(self) -> Path:
        """The file as messages and commands name it."""
        return Path(self.name) if self.job is None else self.job.source

    @property
    def mask_path(self) -> Path:
        """The file of the mask, as commands name it: that which it was read from, or one next to the result."""
        if self.mask is not None and self.mask.path is not None:
            return self.mask.path
        return Path(f"{self.path.stem}.{FOUND_MASK}") if self.job is None else self.job.sidecar(FOUND_MASK)

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        held = [self.data, self.mask and self.mask.png, *(output.data for output in self.results.values())]
        return sum(map(len, filter(None, held)))

    def summary(self) -> dict[str, Any]:
        """The file in a list of them."""
        state = "done" if "after" in self.results else "new"
        if self.task is not None and self.task.state in ("queued", "running", "failed"):
            state = self.task.state
        sizes = {name: self.facts.get(name) for name in ("width", "height")}
        return {"id": self.id, "name": self.name, **sizes, "state": state, "in_folder": self.job is not None}


class Store:
    """Files by id; the uploads used longest ago are dropped once there are too many or too large ones."""

    def __init__(self, most: int, most_bytes: int, on_drop: Callable[[Held], None]) -> None:
        """Hold so many uploads, and so many bytes; `on_drop` is called with each that is dropped."""
        self._most, self._most_bytes, self._on_drop = most, most_bytes, on_drop
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.dropped: deque[str] = deque(maxlen=DROPPED)
        self._lock = threading.Lock()

    def add(self, held: Held) -> Held:
        """Hold a file."""
        with self._lock:
            self._held[held.id] = held
        self.trim()
        return held

    def get(self, id: str) -> Held | None:
        """The file of an id; None if there is none."""
        with self._lock:
            if id in self._held:
                self._held.move_to_end(id)
            return self._held.get(id)

    def all(self) -> list[Held]:
        """All files, the one that was used last at the end."""
        with self._lock:
            return list(self._held.values())

    def drop(self, held: Held) -> None:
        """Hold an upload no longer."""
        with self._lock:
            if self._held.pop(held.id, None) is None:
                return
            self.dropped.append(held.id)
        self._on_drop(held)

    def trim(self) -> None:
        """Drop uploads until what is held is within the limits."""
        uploads = [held for held in self.all() if held.job is None]
        total = sum(held.size for held in self.all())
        while len(uploads) > 1 and (len(uploads) > self._most or total > self._most_bytes):
            total -= uploads[0].size
            self.drop(uploads.pop(0))
