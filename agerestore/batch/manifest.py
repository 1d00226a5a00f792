"""The manifest of an output folder: which result was made of which input, and with which settings.

`OUT/.agerestore.jsonl` holds one JSON line per result, appended and flushed to disk *before* the result gets its
name. A result is done when there is a line for it and its files have the checksums of that line. So after a kill at
any moment a run tells its own results from other files, and a torn or lost line only costs one image again.

A run over a part of a folder keeps `OUT/.agerestore.part-3-of-8.jsonl`. Who reads a manifest reads those of all parts.
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from agerestore.batch.parts import Part
from agerestore.errors import UsageError
from agerestore.files import printable, writing

NAME = ".agerestore.jsonl"
LOCK = ".agerestore.lock"
OF_PART = r"\.agerestore\.part-\d+-of-(?P<count>\d+)"
BEGINNING = 5.0  # seconds in which another part that is just beginning has begun


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


def is_manifest_name(name: str) -> bool:
    """Whether a file is the manifest of a folder or of a part of it."""
    return name == NAME or re.fullmatch(OF_PART + r"\.jsonl", name) is not None


class Manifest:
    """The records of an output folder; without a folder it is empty and keeps nothing."""

    def __init__(self, folder: Path | None = None):
        """Read the records of a folder, which need not exist: those of all its parts."""
        self.folder = folder
        self._name = NAME
        self._descriptor: int | None = None
        self._locked = False
        self._torn = False  # whether the file ends within a line
        self._records: dict[str, Record] = {}
        self._rivals: dict[str, list[Record]] = {}  # of results that several manifests have, and not alike
        self._sidecars: set[str] = set()
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob(".agerestore*.jsonl")):  # no path for each of what may be a million files
                if is_manifest_name(path.name):
                    self._read(path)

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None, part: Part | None = None) -> Iterator["Manifest"]:
        """Read the records of a folder and keep other runs out of it, or out of a part, until the block ends.

        Raises:
            UsageError: Another run is at work in the folder.
            ImageFileError: The folder cannot be made or written to.
        """
        if folder is None:
            yield cls()
            return
        path = folder / _of_part(NAME, part)
        with writing(path):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            with _lock(folder, part) as locked:
                manifest = cls(folder)
                manifest._name, manifest._descriptor, manifest._locked = path.name, descriptor, locked
                manifest._torn = _is_torn(path)
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

    def find(self, output: Path, settings: str = "") -> Record | None:
        """The last record of a result that an earlier run made.

        Of those of several manifests it is that of the file that is there, and among these that of the settings.
        """
        name = self.name(output)
        found = [each for each in self._rivals.get(name, ()) if self.wrote(each, output)]
        return max(found, key=lambda each: each.settings == settings, default=self._records.get(name))

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
        with writing(self.folder / self._name):
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
        found: dict[str, Record] = {}
        with path.open("rb") as lines:
            for line in lines:
                try:
                    record = Record(**json.loads(line))
                    found[record.output] = record
                    self._sidecars.update(name for name in record.files if name != record.output)
                except (ValueError, TypeError):
                    continue  # torn by a kill or a full disk
        for output in found.keys() & self._records.keys():
            self._rivals.setdefault(output, [self._records[output]]).append(found[output])
        self._records |= found


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
        with _lock(folder, None):
            pass


def _of_part(name: str, part: Part | None) -> str:
    """The name of a file of the whole folder, or that of the part."""
    return name if part is None else name.replace("agerestore", f"agerestore.part-{part.number}-of-{part.count}")


def _is_torn(path: Path) -> bool:
    """Whether a file ends within a line."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


@contextmanager
def _lock(folder: Path, part: Part | None) -> Iterator[bool]:
    """Keep other runs out of a folder, or out of a part of it and of the whole; gives false where there are no locks.

    There results still appear whole, and never replace another. The lock ends with the process, however that ends. Runs
    over parts of the same division go on next to each other; each holds the lock of the whole while it begins.

    Raises:
        UsageError: Another run is at work in the folder.
    """
    with ExitStack() as until_the_end:
        with ExitStack() as while_beginning:
            locked = while_beginning.enter_context(_held(folder / LOCK, 0 if part is None else BEGINNING))
            for path in folder.glob(".agerestore*.lock"):
                other = re.fullmatch(OF_PART + r"\.lock", path.name)
                if other and (part is None or int(other["count"]) != part.count):
                    while_beginning.enter_context(_held(path))
            if part is None:
                until_the_end.push(while_beginning.pop_all())
            else:
                locked &= until_the_end.enter_context(_held(folder / _of_part(LOCK, part)))
        yield locked


@contextmanager
def _held(path: Path, seconds: float = 0) -> Iterator[bool]:
    """Hold a lock, for which to wait some seconds; gives false on file systems without locks.

    Raises:
        UsageError: Another run holds it.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout:
        what = "another run is writing to this folder; wait for it or choose another output"
        raise UsageError(f"{printable(path.parent)}: {what}") from None
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
