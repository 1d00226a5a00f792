"""Damaged files, folders without permissions, thousands of files."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from batches import Inverting, contents, run
from copying import pictures
from pictures import noise, saved
from PIL import Image

from agerestore.batch import planning, runner
from agerestore.batch.manifest import Manifest
from agerestore.batch.outputs import OutputWriter
from agerestore.images import io


def mutated(data: bytes, draw: np.random.Generator) -> bytes:
    """Bytes flipped, cut off, doubled or replaced by others of the file."""
    damaged = bytearray(data)
    start, length = int(draw.integers(len(data))), int(draw.integers(1, 60))
    kind = draw.integers(4)
    if kind == 0:
        for position in draw.integers(len(data), size=draw.integers(1, 20)):
            damaged[position] ^= int(draw.integers(1, 256))
    elif kind == 1:
        del damaged[start:]
    elif kind == 2:
        damaged[start:start] = data[start : start + length]
    else:
        other = int(draw.integers(len(data)))
        damaged[start : start + length] = data[other : other + length]
    return bytes(damaged)


def hostile_folder(folder: Path, count: int) -> None:
    folder.mkdir()
    image = Image.fromarray(noise(24, 20, 3))
    kinds: list[tuple[str, Callable[[Path], Path]]] = [
        ("png", lambda path: saved(path, image, dpi=(300, 300))),
        ("jpg", lambda path: saved(path, image, quality=80, exif=image.getexif())),
        ("tif", lambda path: saved(path, image, compression="tiff_lzw")),
        ("webp", lambda path: saved(path, image)),
        ("bmp", lambda path: saved(path, image.convert("P"))),
        ("png", lambda path: saved(path, Image.fromarray(noise(24, 20, 1, np.uint16)[..., 0]))),
    ]
    draw = np.random.default_rng(0)
    for number in range(count):
        ending, make = kinds[number % len(kinds)]
        path = make(folder / f"{number:04}.{ending}")
        path.write_bytes(mutated(path.read_bytes(), draw))


def survive(tmp_path: Path, count: int) -> None:
    hostile_folder(tmp_path / "in", count)
    letters = run(tmp_path / "in", tmp_path / "out")
    assert len(letters) == count
    assert set(letters) == {"d", "f"}
    names = sorted(path.name for path in (tmp_path / "in").iterdir())
    failed = [name for name, letter in zip(names, letters, strict=True) if letter == "f"]
    assert all(name in error for name, error in zip(failed, run.errors, strict=True))
    assert sorted(contents(tmp_path / "out")) == sorted(set(names) - set(failed))
    for path in (tmp_path / "out").glob("*.*"):
        if not path.name.startswith("."):
            io.read(path)


def test_damaged_files_are_named_and_never_half_written(tmp_path: Path) -> None:
    survive(tmp_path, 60)


@pytest.mark.slow
def test_two_thousand_damaged_files(tmp_path: Path) -> None:
    survive(tmp_path, 2000)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may do anything")
def test_folders_without_permissions(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "locked/b.png", "z.png")
    (tmp_path / "in" / "locked").chmod(0)
    try:
        assert run(tmp_path / "in", tmp_path / "out") == "dfd"
        pictures(tmp_path / "in", "new.png")
        (tmp_path / "in" / "z.png").chmod(0)
        (tmp_path / "out").chmod(0o500)
        assert run(tmp_path / "in", tmp_path / "out") == "sfff"
        assert "cannot be written (Permission denied)" in run.errors[1]
        assert "cannot be read (Permission denied)" in run.errors[2]
    finally:
        (tmp_path / "in" / "locked").chmod(0o700)
        (tmp_path / "out").chmod(0o700)


def test_a_folder_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match=r"\.agerestore\.jsonl: cannot be written \(Not a directory\)"):
        run(tmp_path / "in", tmp_path / "file" / "out")


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    """Of pictures; of a job a path is kept: less than 2 kB."""
    pictures(tmp_path / "few", *(f"{n}.png" for n in range(20)))
    pictures(tmp_path / "many", *(f"{n}.png" for n in range(320)))

    def peak(name: str) -> int:
        tracemalloc.start()
        jobs = planning.plan(tmp_path / name, tmp_path / f"{name}-out")
        with Manifest.open(tmp_path / f"{name}-out") as book:
            runner.run(jobs, Inverting(), OutputWriter(book), report=lambda outcome: None)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak("few")
    (tmp_path / "few-out").rename(tmp_path / "first")
    few = peak("few")
    assert peak("many") < few + 300 * 2000
