"""What the server holds: uploaded files, files of the folder, their masks and results; in memory, and bounded."""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from agerestore.files import printable

LONGEST_NAME = 120  # characters
DROPPED = 10_000  # ids that are remembered as dropped


@dataclass(frozen=True)
class Output:
    """A file that was made: in memory, or on the disk of the server where it works on a folder.

    Attributes:
        name: Of the file, for people.
        data: Its bytes; None where it is on the disk.
        path: Where it is on the disk.
    """

    name: str
    data: bytes | None = None
    path: Path | None = None

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: It is no longer on the disk.
        """
        if self.data is not None:
            return self.data
        assert self.path is not None
        return self.path.read_bytes()

    @property
    def size(self) -> int:
        """Its bytes, counted."""
        return len(self.data) if self.data is not None else self.path.stat().st_size if self.path else 0


@dataclass(frozen=True)
class HeldMask:
    """A mask: a PNG of 8 bits, white where pixels are missing, of the size of the upright image.

    Attributes:
        kind: "given", "found" or "edited".
        png: The file.
        path: The file that it was read from, on the disk of the server; None once it was edited.
    """

    kind: str
    png: bytes = field(repr=False)
    path: Path | None = None


@dataclass
class Held:
    """A file that is held, with all that is known and was made of it.

    Attributes:
        id: That clients call it by.
        name: Of the file, printable; of a file of the folder with the folders above it.
        source: Where it lies on the disk; None of an upload.
        data: Its bytes; None of a file of the folder.
        facts: What its header and metadata say; empty until it is opened.
        found: What inspecting it found; empty until then.
        mask: Of its missing pixels.
        results: By what they are: after, sample-1, uncertainty, ...
        task: The last task that works on it.
        inspecting: The task that inspects it.
        version: Counts its results, so that older ones are not shown.
    """

    id: str
    name: str
    source: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    facts: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    mask: HeldMask | None = None
    results: dict[str, Output] = field(default_factory=dict)
    task: Any = None
    inspecting: Any = None
    version: int = 0

    def read(self) -> bytes:
        """The bytes of the file.

        Raises:
            UnreadableError: A file of the folder is gone.
        """
        if self.data is not None:
            return self.data
        from agerestore.images.io import read_bytes

        assert self.source is not None
        return read_bytes(self.source)

    @property
    def path(self) -> Path:
        """The name as messages and commands give it."""
        return self.source or Path(self.name)

    @property
    def bytes_held(self) -> int:
        """How much memory it takes."""
        made = [output.data for output in self.results.values()]
        return sum(len(each) for each in (*made, self.mask.png if self.mask else None, self.data) if each)


class Store:
    """Files by id; of uploads the least recently used are dropped once there are too many or too large ones."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """Make an empty one.

        Args:
            most: Uploads that are held.
            most_bytes: All that is held, in bytes.
        """
        self.most, self.most_bytes = most, most_bytes
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._dropped: deque[str] = deque(maxlen=DROPPED)
        self._lock = threading.Lock()

    def add(self, name: str, data: bytes | None = None, source: Path | None = None, **facts: Any) -> Held:
        """Hold a file."""
        held = Held(secrets.token_urlsafe(12), name, source, data, facts)
        with self._lock:
            self._held[held.id] = held
        self.trim()
        return held

    def get(self, id: str) -> Held | None:
        """The file of an id; None if there is none."""
        with self._lock:
            if (held := self._held.get(id)) is not None:
                self._held.move_to_end(id)
            return held

    def was_dropped(self, id: str) -> bool:
        """Whether a file of this id was held before."""
        return id in self._dropped

    def remove(self, id: str) -> None:
        """Drop a file."""
        with self._lock:
            if self._held.pop(id, None) is not None:
                self._dropped.append(id)

    def all(self) -> list[Held]:
        """All files, the one that was used last at the end."""
        with self._lock:
            return list(self._held.values())

    @property
    def bytes_held(self) -> int:
        """How much memory all files take."""
        return sum(held.bytes_held for held in self.all())

    def trim(self) -> None:
        """Drop the uploads that were used longest ago, until what is held is within the limits."""
        with self._lock:
            uploads = [held for held in self._held.values() if held.source is None]
            total = sum(held.bytes_held for held in self._held.values())
            while len(uploads) > 1 and (len(uploads) > self.most or total > self.most_bytes):
                oldest = uploads.pop(0)
                total -= oldest.bytes_held
                del self._held[oldest.id]
                self._dropped.append(oldest.id)


class Cache:
    """Values that can be made again, up to so many bytes; one is made at a time, so that memory is bounded."""

    def __init__(self, most_bytes: int) -> None:
        """Make an empty one."""
        self.most_bytes = most_bytes
        self._values: OrderedDict[object, tuple[Any, int]] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: object, make: Callable[[], tuple[Any, int]]) -> Any:
        """The value of a key; `make` gives it and its bytes where it is not there."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            value, _ = self._values[key]
            while self._values and sum(size for _, size in self._values.values()) > self.most_bytes:
                self._values.popitem(last=False)
            return value


def safe_name(name: str) -> str:
    """The last part of a file name that a client sent, in one printable line."""
    last = printable(PurePosixPath(name.replace("\\", "/")).name).strip().lstrip(".")
    stem, dot, ending = last.rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending[:10]}" if dot else last[:LONGEST_NAME]
