"""Reads hostile files in a process of its own, which may crash, hang or use too much memory.

`python -m fuzz.reader` is that process: it takes files from its standard input and answers on its standard output.
"""

import json
import math
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

TESTS = Path(__file__).parents[1]
LARGEST = 4_000_000  # pixels
MEMORY = 2 * 2**30  # bytes that reading a file may take, besides what the process has before
CPU_SECONDS = 10.0  # of processor time for a file
PATIENCE = 120.0  # seconds on the clock for a file; other processes may want the processors, too
READY = b"ready\n"


class Answer(NamedTuple):
    """What became of a file: `fault` is empty where it was read, or refused as it should be."""

    outcome: str
    fault: str
    message: str
    seconds: float
    unsaved: str = ""


class Reader:
    """The process, started again after each crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def read(self, suffix: str, data: bytes) -> Answer:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(struct.pack(">8sI", suffix.encode(), len(data)) + data)
            process.stdin.flush()
            if not select.select([process.stdout], [], [], PATIENCE)[0]:
                self._end()
                return Answer("", f"hangs: no answer in {PATIENCE:g} seconds", "", PATIENCE)
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if line:
            return Answer(**json.loads(line))
        code = process.wait()
        self._process = None
        return Answer("", f"crashes: {signal.Signals(-code).name if code < 0 else f'exit code {code}'}", "", 0.0)

    def _start(self) -> subprocess.Popen[bytes]:
        paths = [str(TESTS), *sys.path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "fuzz.reader"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == READY
        return process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


# -------------------------------------------------------------------------------------------- in the process


class Flaw(Exception):
    """Something that the library must not do."""


def examine(path: Path) -> tuple[str, str, str]:
    """Read a file in all ways: the outcome, the message of a refusal, and why a result could not be saved."""
    import numpy as np

    from agerestore.batch.masks import read_mask_file
    from agerestore.config.limits import MAX_PIXELS
    from agerestore.errors import UnreadableError
    from agerestore.images import io
    from agerestore.images.photo import Photo

    area = math.prod(io.read_size(path))
    data = path.read_bytes()
    try:
        photo = io.decode(data, path, LARGEST)
    except UnreadableError as refusal:
        message = checked(str(refusal), path)
        if not LARGEST < area <= MAX_PIXELS:
            refused_too(lambda: io.read(path), path)
        refused_too(lambda: read_mask_file(path, Photo(np.zeros((24, 20, 1), np.uint8)), max_pixels=LARGEST), path)
        return "refused", message, ""
    return "read", "", use(photo, path)


def use(photo: Any, path: Path) -> str:
    """Save, measure and take for a mask what was read; why it could not be saved."""
    from agerestore.analysis import report
    from agerestore.batch.masks import read_mask_file
    from agerestore.errors import ImageFileError
    from agerestore.images.masks import missing_in

    height, width, channels = photo.pixels.shape
    if channels not in (1, 3) or photo.pixels.dtype not in ("uint8", "uint16") or not 0 < height * width <= LARGEST:
        raise Flaw(f"is read as {photo.pixels.shape} of {photo.pixels.dtype}")
    if photo.alpha is not None and (photo.alpha.shape, photo.alpha.dtype) != ((height, width), photo.pixels.dtype):
        raise Flaw(f"is read with alpha of {photo.alpha.shape} {photo.alpha.dtype}")
    try:
        missing = missing_in(photo)
    except ImageFileError:
        refused_too(lambda: read_mask_file(path, photo, max_pixels=LARGEST), path)
    else:
        if (read_mask_file(path, photo, max_pixels=LARGEST).missing != missing).any():
            raise Flaw("is another mask when it is read again")
    unsaved = ""
    for suffix in (None, (".png", ".tif", ".jpg", ".webp")[height * width % 4]):
        unsaved = save(photo, suffix) or unsaved
    report.inspect(photo)
    return unsaved


def save(photo: Any, suffix: str | None) -> str:
    """Encode, and decode again; the message where the format cannot hold it."""
    from agerestore.errors import ImageFileError
    from agerestore.images import io

    try:
        data = io.encode(photo, suffix)
    except ImageFileError as refusal:
        return str(refusal)
    again = io.decode(data, Path("again"), LARGEST)
    if again.metadata.lossy:
        return ""
    channels = photo.pixels.shape[2]
    pixels = again.pixels if again.pixels.shape[2] == channels else again.pixels[..., :1]  # WebP stores gray as RGB
    if pixels.shape != photo.pixels.shape or (pixels != photo.pixels).any():
        raise Flaw(f"has other pixels once it is saved as {again.metadata.format}")
    if photo.alpha is not None and again.alpha is not None and (again.alpha != photo.alpha).any():
        raise Flaw(f"has another alpha once it is saved as {again.metadata.format}")
    return ""


def refused_too(reading: Any, path: Path) -> None:
    from agerestore.errors import ImageFileError

    try:
        reading()
    except ImageFileError as refusal:
        checked(str(refusal), path)
    else:
        raise Flaw("is refused in one way and read in another")


def checked(message: str, path: Path) -> str:
    """A message that is one line, names the file and says what to do next."""
    from agerestore.files import printable

    what = message.removeprefix(f"{printable(path)}: ")
    if what == message or not message.isprintable() or "; " not in what or len(what) > 400:
        raise Flaw(f"is refused with {message!r}")
    return what


def answer(path: Path, noise: Any) -> Answer:
    """Read a file, and see to it that nothing is printed and no time wasted."""
    start = time.process_time()
    outcome = message = unsaved = fault = ""
    try:
        outcome, message, unsaved = examine(path)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__}: {error}" + ("" if isinstance(error, Flaw) else f" ({where.name})")
    seconds = time.process_time() - start
    if not fault and seconds > CPU_SECONDS:
        fault = f"takes {seconds:.0f} seconds"
    sys.stderr.flush()
    if os.fstat(noise.fileno()).st_size:
        noise.seek(0)
        fault = fault or f"prints {noise.read(500).decode(errors='replace')!r}"
        noise.seek(0)
        noise.truncate()
    return Answer(outcome, fault, message, seconds, unsaved)


def limit_memory() -> None:
    """Allow so much more address space than the process has once everything is loaded."""
    import resource  # only here, since Windows has none

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def warm_up(folder: Path) -> None:
    import numpy as np
    from pictures import noise

    from agerestore.images import io
    from agerestore.images.photo import Photo

    for suffix, dtype in ((".png", "uint16"), (".tif", "uint8"), (".jpg", "uint8"), (".webp", "uint8")):
        path = folder / f"warm{suffix}"
        path.write_bytes(io.encode(Photo(noise(64, 64, 3, np.dtype(dtype).type)), suffix))
        examine(path)


def serve() -> None:
    warnings.simplefilter("always")  # and so printed, and seen
    answers = os.fdopen(os.dup(1), "wb")
    files = os.fdopen(os.dup(0), "rb")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as noise:
        warm_up(Path(folder))
        limit_memory()
        answers.write(READY)
        answers.flush()
        for descriptor in (1, 2):
            os.dup2(noise.fileno(), descriptor)
        while header := files.read(12):
            suffix, length = struct.unpack(">8sI", header)
            path = Path(folder) / f"file{suffix.rstrip(bytes(1)).decode()}"
            path.write_bytes(files.read(length))
            answers.write(json.dumps(answer(path, noise)._asdict()).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    serve()
