"""All results as one ZIP, file by file, so that no more than one of them is read from the disk at a time."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

from .store import Output

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date of ZIP: the same results are the same bytes


class _Written(io.RawIOBase):
    """Takes what `zipfile` writes until it is asked for."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._parts.append(bytes(memoryview(data)))  # type: ignore[arg-type]
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def stream(outputs: Sequence[Output]) -> Iterator[bytes]:
    """The bytes of a ZIP of files, which are compressed already; those that are gone from the disk are left out."""
    written, used = _Written(), set[str]()
    with zipfile.ZipFile(written, "w") as archive:
        for output in outputs:
            with suppress(OSError):
                data = output.read()
                name = _unused(output.name, used)
                archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
                yield written.take()
    yield written.take()


def _unused(name: str, used: set[str]) -> str:
    path, number = PurePosixPath(name), 1
    while name in used:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    used.add(name)
    return name
