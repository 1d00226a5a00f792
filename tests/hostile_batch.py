"""Lets the command restore and inspect a folder of damaged and hostile files, and checks what it says and leaves.

    python tests/hostile_batch.py [FILES] [SEED]

1,000 files without the number: sound images of every mode and format that were cut off, zeroed, given another header
or ending, or swapped for text; files of hostile structure (tests/fuzz); and masks. Each must be done, or named with
what is wrong with it; originals stay as they are; nothing is left half written; no line is a traceback or a decoder's
own.
"""

import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from batches import contents
from fuzz.structures import hostile_file
from pictures import noise
from PIL import Image

from agerestore.batch import manifest
from agerestore.images import io as images

LARGEST = 10_000  # pixels; images of more are refused, so that the run takes minutes
MEMORY = 2 * 2**30  # bytes
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "LAB")
ENDINGS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".webp",
    ".bmp",
    ".avif",
    ".PNG",
    ".Jpg",
    ".heic",
    ".gif",
    ".txt",
    "",
)
TEXTS = (
    b"",
    b"\0" * 4000,
    b"<html><body>404</body></html>\n",
    b"version https://git-lfs.github.com/spec/v1\n",
    b"\x1b[31m",
)


class Run(NamedTuple):
    """What the command printed, and with which exit code."""

    code: int
    lines: list[dict[str, Any]]
    errors: str


def sound(draw: random.Random) -> bytes:
    """An image of any mode that a format takes."""
    pixels = noise(draw.randint(1, 40), draw.randint(1, 40), 3, seed=draw.getrandbits(30))
    while True:
        file, format = io.BytesIO(), draw.choice(("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM"))
        try:
            mode = draw.choice(MODES)
            image = Image.fromarray(pixels)
            image = image.convert("L").convert(mode) if mode in ("I;16", "I", "F") else image.convert(mode)
            image.save(file, format, **({"compression": draw.choice(["raw", "tiff_lzw"])} if format == "TIFF" else {}))
        except (OSError, ValueError, KeyError):
            continue
        return file.getvalue()


def damaged(draw: random.Random, data: bytes) -> bytes:
    """Cut off, zeroed, changed in a few bytes, with the head of another, or as it is."""
    at, changed = draw.randrange(len(data)), bytearray(data)
    for _ in range(draw.choice((1, 1, 4, 30))):
        changed[draw.randrange(len(data))] = draw.randrange(256)
    head = draw.choice((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"RIFF", b"BM"))
    return draw.choice((data, data[:at], data[:at] + bytes(len(data) - at), bytes(changed), head + data[len(head) :]))


def files(count: int, draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """Names and bytes."""
    for number in range(count):
        kind = draw.random()
        if kind < 0.5:
            suffix, data = hostile_file(draw)
        elif kind < 0.95:
            suffix, data = draw.choice(ENDINGS), damaged(draw, sound(draw))
        else:
            suffix, data = draw.choice(ENDINGS), draw.choice(TEXTS)
        mask = ".mask" if draw.random() < 0.02 else ""
        yield f"{number % 7}/{number:05}{mask}{suffix}", data


def run(*arguments: str | Path) -> Run:
    """The command in a process of its own, which may not take more memory."""
    command = [sys.executable, "-m", "agerestore_cli", *map(str, arguments), "--json"]
    begun = time.monotonic()
    made = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    seconds = time.monotonic() - begun
    lines = [json.loads(line) for line in made.stdout.splitlines()]
    counts = Counter(line.get("status") for line in lines)
    sys.stdout.write(f"{arguments[0]}: exit code {made.returncode}, {dict(counts)}, {seconds:.0f} s\n")
    return Run(made.returncode, lines, made.stderr)


def check(found: Run, folder: Path, originals: dict[str, bytes]) -> None:
    """Every file is done or named, in one line of our own each, and stays as it was."""
    assert found.code in (0, 1), found.errors[-3000:]
    assert "Traceback" not in found.errors, found.errors[-3000:]
    own = re.compile(r"agerestore: .*|\d+ of \d+ files written.*")
    foreign = [line for line in found.errors.splitlines() if not own.fullmatch(line)]
    assert not foreign, foreign[:5]
    assert contents(folder) == originals, "an original was changed"
    for line in found.lines:
        if line.get("status") == "failed":
            message = str(line["error"])
            assert message.isprintable(), message
            assert ": " in message, message
            assert "; " in message, message
    taken = {str(Path(line["input"]).relative_to(folder)) for line in found.lines if line.get("input")}
    missed = [name for name in originals if Path(name).suffix.lower() in images.SUFFIXES and name not in taken]
    missed = [name for name in missed if ".mask." not in name]
    assert not missed, f"neither done nor named: {missed[:5]}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.getrandbits(32)
    sys.stdout.write(f"{count} files, seed {seed}\n")
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "in", Path(name) / "out"
        for path, data in files(count, random.Random(seed)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        originals = contents(folder)
        restored = run("restore", folder, out, "-m", "photo", "--max-pixels", str(LARGEST), "--device", "cpu")
        check(restored, folder, originals)
        done = [line for line in restored.lines if line["status"] == "done"]
        left = {path for path in contents(out) if Path(path).name not in (manifest.NAME, manifest.LOCK)}
        assert len(left) == len(done) > count // 10, f"{len(left)} results of {len(done)} that are done"
        for path in left:
            images.read(out / path)
        check(run("inspect", folder), folder, originals)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    sys.stdout.write(f"peak memory {peak / 2**20:.0f} MiB\n")
    assert peak < MEMORY


if __name__ == "__main__":
    main()
