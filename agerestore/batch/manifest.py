"""What a folder of results remembers of itself: which file was made of what, and with which settings.

`OUT/.agerestore.jsonl` holds a line for each result, appended and on the disk *before* the result takes its name.
So a line is a promise, and the disk tells whether it was kept: a result is done when there is a line for it and
the file lies there with the contents that the line names. Whatever kills a run, a result of its own can be told
from somebody else's file, and neither half a line nor a lost one does harm: the picture is done again.
"""

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from agerestore.errors import UsageError
from agerestore.files import printable, writing

NAME = ".agerestore.jsonl"


@dataclass(frozen=True, slots=True)
class Record:
    """One line: what was made of a picture.

    Attributes:
        output: The result, relative to the folder.
        input: SHA-256 of everything that was read for it.
        settings: SHA-256 of the model and of every setting.
        files: SHA-256 of each file that was written for it, by name; None for one that is not to be there.
    """

    output: str
    input: str
    settings: str
    files: Mapping[str, str | None]


class Manifest:
    """The records of a folder of results; that of no folder is empty and keeps nothing."""

    def __init__(self, folder: Path | None = None):
        """Read the records of a folder, which need not exist."""
        self.folder = folder
        self._descriptor: int | None = None
        self._alone = False  # whether a lock keeps others out
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
            try:
                alone = _lock(descriptor)
            except BlockingIOError:
                what = "another run is writing to this folder; wait for it or choose another output"
                raise UsageError(f"{printable(folder)}: {what}") from None
            manifest = cls(folder)
            manifest._descriptor, manifest._alone = descriptor, alone
            yield manifest
        finally:
            os.close(descriptor)  # and with it the lock, as when the process dies

    @classmethod
    def of_inputs(cls, source: Path) -> "Manifest":
        """The records of a folder of pictures to work on; none where it is a file or cannot be looked into."""
        try:
            return cls(source)
        except OSError:
            return cls()

    def find(self, output: Path) -> Record | None:
        """The last record of a result that an earlier run made."""
        return self._records.get(self.name(output))

    def is_sidecar(self, path: Path) -> bool:
        """Whether an earlier run wrote a file of this name beside a result: such a one is no picture to work on."""
        return bool(self._sidecars) and self.name(path) in self._sidecars

    def wrote(self, record: Record, path: Path) -> bool:
        """Whether a file is, to the byte, what a record says."""
        name = self.name(path)
        return name in record.files and _digest_of_file(path) == record.files[name]

    def kept(self, record: Record) -> bool:
        """Whether every file of a record is what the record says.

        Files are read for this: their sizes and times would not prove it, as copying tools set times back.
        """
        return self.folder is not None and all(self.wrote(record, self.folder / name) for name in record.files)

    def append(self, record: Record) -> None:
        """Bring a record to the disk.

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
        """What a file in the folder is called in the records."""
        return str(path) if self.folder is None else path.relative_to(self.folder).as_posix()

    def tag(self, path: Path) -> str | None:
        """Under which name a file is to be staged, so that the next run finds what a killed one left of it."""
        if self.folder is None or not self._alone:
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
        return ""  # there is something, and it is nobody's


def digest_of_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of a byte string."""
    return hashlib.sha256(data).hexdigest()


def digest_of_settings(settings: Mapping[str, object]) -> str:
    """Hexadecimal SHA-256 of settings, whatever their order."""
    return digest_of_bytes(json.dumps(settings, sort_keys=True, default=str).encode())


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # beyond the records, which others may read
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError from None
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks: results still appear whole, and never replace another
            return False
        return True
