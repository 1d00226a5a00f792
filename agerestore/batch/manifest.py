"""The manifest of an output folder: which result was made of which input, and with which settings.

`OUT/.agerestore.jsonl` holds one JSON line per result, appended and flushed to disk *before* the result gets its
name. A result is done when there is a line for it and its files have the checksums of that line. So after a kill at
any moment a run tells its own results from other files, and a torn or lost line only costs one image again.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from agerestore.errors import UsageError
from agerestore.files import printable, writing

NAME = ".agerestore.jsonl"
LOCK = ".agerestore.lock"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the manifest; the names of the fields are those on disk.

    Attributes:
        output: The result, relative to the folder.
        input: SHA-256 of everything that was read for it.
        settings: The cache key: SHA-256 of the model and of every option that results depend on.
        files: SHA-256 of each file that was written for it, by name; None for one that is not to be there.
    """

    output: str
    input: str
    settings: str
    files: Mapping[str, str | None]


class Manifest:
    """The records of an output folder; without a folder it is empty and keeps nothing."""

    def __init__(self, folder: Path | None = None):
        """Read the records of a folder, which need not exist."""
        self.folder = folder
        self._descriptor: int | None = None
        self._locked = False
        self._torn = False  # whether the file ends within a line
        self._records: dict[str, Record] = {}
        self._sidecars: set[str] = set()
        if folder is not None and (folder / NAME).is_file():
            self._read(folder / NAME)

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None) -> Iterator["Manifest"]:
        """Read the records of a folder and keep other runs out of it until the block ends.

        Raises:
            UsageError: Another run is at work in the folder.
            ImageFileError: The folder cannot be made or written to.
        """
        if folder is None:
            yield cls()
            return
        with writing(folder / NAME):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            with _lock(folder) as locked:
                manifest = cls(folder)
                manifest._descriptor, manifest._locked = descriptor, locked
                yield manifest
        finally:
            os.close(descriptor)

    @classmethod
    def of_inputs(cls, source: Path) -> "Manifest":
        """The records of an input folder; none if it is a file or cannot be read."""
        try:
            return cls(source)
        except OSError:
            return cls()

    def find(self, output: Path) -> Record | None:
        """The last record of a result that an earlier run made."""
        return self._records.get(self.name(output))

    def is_sidecar(self, path: Path) -> bool:
        """Whether an earlier run wrote this file as a sidecar of a result; it is then not an image to work on."""
        return bool(self._sidecars) and self.name(path) in self._sidecars

    def wrote(self, record: Record, path: Path) -> bool:
        """Whether a file is, to the byte, what a record says."""
        name = self.name(path)
        return name in record.files and _digest_of_file(path) == record.files[name]

    def unchanged(self, record: Record) -> set[str]:
        """The names of those files of a record that are, to the byte, what the record says.

        Files are read for this: their sizes and times would not prove it, as copying tools set times back.
        """
        if self.folder is None:
            return set()
        return {name for name in record.files if self.wrote(record, self.folder / name)}

    def append(self, record: Record) -> None:
        """Append a record and flush it to disk.

        Raises:
            ImageFileError: The disk is full or broken.
        """
        if self._descriptor is None or self.folder is None:
            return
        begin = b"\n" if self._torn else b""
        line = begin + json.dumps(asdict(record)).encode() + b"\n"
        with writing(self.folder / NAME):
            self._torn = True  # until all of it is written
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            self._torn = False
            os.fsync(self._descriptor)

    def name(self, path: Path) -> str:
        """The name of a file in the records: relative to the folder."""
        return str(path) if self.folder is None else path.relative_to(self.folder).as_posix()

    def tag(self, path: Path) -> str | None:
        """A tag for the temporary name of a file, by which the next run finds what a killed one left."""
        if self.folder is None or not self._locked:
            return None
        return digest([os.fsencode(os.path.realpath(self.folder)), os.fsencode(self.name(path))])[:16]

    def _read(self, path: Path) -> None:
        with path.open("rb") as lines:
            for line in lines:
                self._torn = not line.endswith(b"\n")
                try:
                    record = Record(**json.loads(line))
                    self._records[record.output] = record
                    self._sidecars.update(name for name in record.files if name != record.output)
                except (ValueError, TypeError):
                    continue  # torn by a kill or a full disk


def digest(parts: Iterable[bytes]) -> str:
    """Hexadecimal SHA-256 of byte strings, in order and each apart."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _digest_of_file(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""  # there is something, and it cannot be read


def refuse_locked(folder: Path) -> None:
    """Refuse a folder that another run is at work in; nothing is written if there is no lock.

    Raises:
        UsageError: Another run is at work in it.
    """
    if (folder / LOCK).exists():
        with _lock(folder):
            pass


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Keep other runs out of a folder; gives false on file systems without locks.

    There results still appear whole, and never replace another. The lock ends with the process, however that ends.

    Raises:
        UsageError: Another run is at work in the folder.
    """
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        what = "another run is writing to this folder; wait for it or choose another output"
        raise UsageError(f"{printable(folder)}: {what}") from None
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
