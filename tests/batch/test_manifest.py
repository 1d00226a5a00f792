"""Batches that are run again: after changes, kills, full disks, in place, two at once; anchors.md, C 9 to 11."""

import errno
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copying import Copying, pictures
from pictures import noise, saved
from PIL import Image

from agerestore import files
from agerestore.batch import manifest, planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.runner import Encoded, Processor
from agerestore.config.options import FileOptions
from agerestore.errors import UsageError
from agerestore.images import io
from agerestore.images.photo import Photo

NAMES = ("a.png", "sub/b.png", "sub/c.jpg")
IN_PLACE = {"in_place": True, "backup": True}
HOSTILE = ["车 Ünïcode.jpg", "a 'b' \"c\".png", "-rf.png", "new\nline.png", "\udcff.png", "dir\n/-x y.png"]


class Inverting(Copying):
    """Work that shows when it is done twice."""

    def compute(self, item: tuple[str, Photo]) -> Photo:
        photo = super().compute(item)
        return replace(photo, pixels=np.invert(photo.pixels))


def run(
    source: Path,
    out: Path,
    work: Processor[object, object] | None = None,
    *,
    settings: str = "s",
    overwrite: bool = False,
    also: tuple[Path, ...] = (),
    **naming: object,
) -> str:
    """The statuses of a batch, a letter for each picture: d(one), s(kipped), f(ailed)."""
    outcomes: list[Outcome] = []
    jobs = [replace(job, extra_inputs=also) for job in planning.plan(source, out, FileOptions(**naming))]
    with Manifest.open(out) as book:
        writer = OutputWriter(book, settings, overwrite)
        runner.run(jobs, work or Inverting(), writer, report=outcomes.append)
    run.errors = [outcome.error for outcome in outcomes if outcome.error]
    run.warnings = [outcome.detail["warning"] for outcome in outcomes if "warning" in outcome.detail]
    return "".join(outcome.status[0] for outcome in outcomes)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the manifest, hidden ones too."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in (manifest.NAME, manifest.LOCK))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# What is done again


def test_the_second_run_does_nothing_and_reads_every_name(tmp_path: Path) -> None:
    pictures(tmp_path / "in", *HOSTILE)
    assert run(tmp_path / "in", tmp_path / "out") == "dddddd"
    before, work = contents(tmp_path / "out"), Inverting()
    assert run(tmp_path / "in", tmp_path / "out", work) == "ssssss"
    (tmp_path / "out").rename(tmp_path / "elsewhere")  # records name files relative to their folder
    assert run(tmp_path / "in", tmp_path / "elsewhere", work, overwrite=True) == "ssssss"
    assert work.computed == []
    assert contents(tmp_path / "elsewhere") == before


def test_a_picture_is_done_again_exactly_when_something_it_depends_on_changed(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    a, _, _ = pictures(source, *NAMES)
    (mask,) = pictures(tmp_path, "mask.png")

    def again(letters: str, **options: object) -> None:
        assert run(source, out, also=(mask,), **options) == letters

    again("ddd")
    again("sss")
    stat = a.stat()
    io.write(a, Photo(noise(16, 16, 3, seed=9)), overwrite=True)
    os.utime(a, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # size and time as before: contents decide
    assert a.stat().st_size == stat.st_size
    again("fss")
    assert "was made of other contents or with other settings; pass `overwrite=True`" in run.errors[0]
    again("dss", overwrite=True)
    mask.write_bytes(b"another")
    again("fff")
    again("ddd", overwrite=True)
    again("ddd", overwrite=True, settings="t")
    again("sss", settings="t")
    again("fff")


def test_a_result_that_is_gone_or_changed_is_not_done(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    assert run(source, out) == "ddd"
    before = contents(out)
    (out / "a.png").unlink()
    (out / "sub" / "b.png").write_bytes(b"edited by somebody")
    assert run(source, out) == "dfs"  # what somebody made of a result is not replaced unasked
    assert "exists; pass `overwrite=True`" in run.errors[0]
    assert run(source, out, overwrite=True) == "sds"
    assert contents(out) == before


class Describing(Copying):
    """Work that writes a second file, and removes a third."""

    def encode(self, job: Job, result: Photo) -> Encoded:
        made = super().encode(job, result)
        beside = {job.target.with_suffix(".json"): b"{}", job.target.with_suffix(".mask.png"): None}
        return Encoded(beside | dict(made.files))


def test_files_beside_a_result_belong_to_it(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, "a.png", "b.png")
    (out / "b.json").parent.mkdir()
    (out / "b.json").write_bytes(b"precious")
    assert run(source, out, Describing()) == "df"
    assert sorted(contents(out)) == ["a.json", "a.png", "b.json"]
    assert (out / "b.json").read_bytes() == b"precious"
    (out / "a.json").unlink()
    assert run(source, out, Describing()) == "df"
    stray = pictures(out, "a.mask.png")[0]
    assert run(source, out, Describing()) == "ff"
    assert stray.exists()
    assert run(source, out, Describing(), overwrite=True) == "dd"
    assert sorted(contents(out)) == ["a.json", "a.png", "b.json", "b.png"]


class Sampling(Copying):
    """Work that writes so many files beside each result."""

    samples = 0

    def encode(self, job: Job, result: Photo) -> Encoded:
        made = super().encode(job, result)
        beside = {job.sidecar(f"sample-{n + 1}.png"): made.files[job.target] for n in range(self.samples)}
        return Encoded(beside | dict(made.files))


def test_what_lay_beside_a_result_goes_with_it_unless_somebody_changed_it(tmp_path: Path) -> None:
    source, out, work = tmp_path / "in", tmp_path / "out", Sampling()
    pictures(source, "a.png", "b.png")
    work.samples = 3
    assert run(source, out, work) == "dd"
    (out / "a.sample-2.png").write_bytes(b"retouched")
    (out / "b.sample-4.png").write_bytes(b"somebody's own")
    work.samples = 1
    assert run(source, out, work, settings="t", overwrite=True) == "dd"
    assert run.warnings == [f"left next to the result, but not of this run: {out / 'a.sample-2.png'}"]
    names = ["a.png", "a.sample-1.png", "a.sample-2.png", "b.png", "b.sample-1.png", "b.sample-4.png"]
    assert sorted(contents(out)) == names
    assert run(source, out, work, settings="t") == "ss"


def test_what_lies_beside_a_result_that_nobody_remembers_is_left_and_said(tmp_path: Path) -> None:
    source, out, work = tmp_path / "in", tmp_path / "out", Sampling()
    pictures(source, "a.png")
    pictures(out, "a.png", "a.sample-1.png", "a.sample-2.png", "a.compare.png", "a.sample-4.png")
    assert run(source, out, work, overwrite=True) == "d"
    assert [each in run.warnings[0] for each in ("sample-1", "sample-2", "compare", "sample-4")] == [True] * 3 + [False]
    assert len(contents(out)) == 5


def test_the_result_of_another_picture_is_no_companion(tmp_path: Path) -> None:
    source, out, work = tmp_path / "in", tmp_path / "out", Sampling()
    pictures(source, "a.png")
    work.samples = 1
    assert run(source, out, work) == "d"
    pictures(source, "a.sample-1.png")
    work.samples = 0
    assert run(source, out, work, settings="t", overwrite=True) == "dd"
    assert run(source, out, work, settings="u", overwrite=True) == "dd"
    assert sorted(contents(out)) == ["a.png", "a.sample-1.png"]


def test_what_one_picture_became_is_never_replaced_by_another(tmp_path: Path) -> None:
    class Comparing(Copying):
        def encode(self, job: Job, result: Photo) -> Encoded:
            made = super().encode(job, result)
            return Encoded({job.sidecar("compare.png"): made.files[job.target], **made.files})

    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, "a.compare.png", "a.jpg", "a.png", "b.compare.png", "b.png")
    assert run(source, out, Comparing(), overwrite=True) == "dddd" + "f"
    assert "b.compare.png: was written for another image" in run.errors[0]
    assert "a.jpg.compare.png" in contents(out)


def test_a_preview_says_what_a_run_would_do_and_writes_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    assert run(source, out) == "ddd"
    (out / "a.png").unlink()
    (out / "sub" / "b.png").write_bytes(b"")
    before, outcomes = contents(tmp_path), []
    summary = runner.preview(planning.plan(source, out), OutputWriter(Manifest(out), "s"), report=outcomes.append)
    assert [outcome.status for outcome in outcomes] == ["planned", "failed", "skipped"]
    assert (summary.done, summary.failed) == (1, 1)
    assert contents(tmp_path) == before
    runner.preview(
        planning.plan(source, tmp_path / "new"), OutputWriter(Manifest(tmp_path / "new")), report=outcomes.append
    )
    assert not (tmp_path / "new").exists()


# Records


@pytest.mark.parametrize("cut", [1, 30, 100, 10**6])
def test_half_a_line_costs_one_picture_and_no_other(tmp_path: Path, cut: int) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    assert run(source, out) == "ddd"
    before, book = contents(out), out / manifest.NAME
    lines = book.read_bytes()
    book.write_bytes(lines[:-cut])
    (out / "sub" / "c.jpg").unlink()
    assert run(source, out, overwrite=cut == 10**6) == ("ddd" if cut == 10**6 else "ssd")
    assert run(source, out) == "sss"
    assert contents(out) == before


def test_lines_of_nobody_are_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    (tmp_path / "out").mkdir()
    junk = b'\n[]\n{"output": []}\n{"output": [], "input": "", "settings": "", "files": {}}\n\xff\xfe\nnull'
    (tmp_path / "out" / manifest.NAME).write_bytes(junk)
    assert run(tmp_path / "in", tmp_path / "out") == "d"
    assert run(tmp_path / "in", tmp_path / "out") == "s"


def test_a_record_that_the_disk_has_no_room_for_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    write, calls = os.write, []

    def full_once(descriptor: int, data: bytes) -> int:
        calls.append(data)
        return write(descriptor, data[:40] if len(calls) == 2 else data)

    monkeypatch.setattr(os, "write", full_once)
    assert run(source, out) == "dfd"
    assert "No space left" in run.errors[0]
    assert sorted(contents(out)) == ["a.png", "sub/c.jpg"]
    assert run(source, out) == "sds"


def test_two_runs_at_once_on_one_folder(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)

    class Meeting(Inverting):
        def compute(self, item: tuple[str, Photo]) -> Photo:
            with pytest.raises(UsageError, match="another run is writing to this folder"):
                run(source, out)
            return super().compute(item)

    assert run(source, out, Meeting()) == "ddd"
    assert run(source, out) == "sss"


def test_two_runs_at_once_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network shares: each result is still written whole, once, and by one of them."""
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *(f"{n}.png" for n in range(20)))
    monkeypatch.setattr(manifest, "_lock", lambda folder: nullcontext(False))
    letters: list[str] = []
    threads = [threading.Thread(target=lambda: letters.append(run(source, out))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("d" in pair or pair == ("s", "s") for pair in zip(*letters, strict=True))
    assert run(source, out) == "s" * 20
    pixels = io.read(out / "7.png").pixels
    assert np.array_equal(pixels, np.invert(io.read(source / "7.png").pixels))
    assert len(contents(out)) == 20


@pytest.mark.parametrize(("when", "then"), [("staging", "ddd"), ("recording", "ddd"), ("publishing", "ddd"),
                                            ("linking", "sdd")])  # fmt: skip
def test_a_run_that_ended_anywhere_is_resumed_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, then: str
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    place = {"staging": (os, "fsync"), "recording": (Manifest, "append"), "publishing": (files, "publish"),
             "linking": (Path, "hardlink_to")}[when]  # fmt: skip

    def end(*arguments: Any, **options: object) -> None:
        if when == "linking":
            os.link(arguments[1], arguments[0])
        raise KeyboardInterrupt  # and, as when killed, nothing is cleared away

    with monkeypatch.context() as patch:
        patch.setattr(*place, end)
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        with pytest.raises(KeyboardInterrupt):
            run(source, out)
    assert any(name.endswith(".tmp") for name in contents(out))
    assert run(source, out) == then
    assert sorted(contents(out)) == sorted(NAMES)


# In place, and beside the original


def originals(folder: Path) -> dict[str, bytes]:
    return {name.removesuffix(".orig"): data for name, data in contents(folder).items() if name.endswith(".orig")}


def test_in_place_every_original_is_kept_and_nothing_is_done_twice(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    pictures(folder, *NAMES)
    before = contents(folder)
    (folder / "a.png").chmod(0o640)
    assert run(folder, folder, **IN_PLACE) == "ddd"
    after = contents(folder)
    assert originals(folder) == before
    assert (folder / "a.png").stat().st_mode & 0o777 == 0o640
    assert run(folder, folder, **IN_PLACE) == "sss"
    assert run(folder, folder, **IN_PLACE, settings="t") == "fff"
    assert "pass `overwrite=True` to begin again from" in run.errors[0]
    assert run(folder, folder, **IN_PLACE, settings="t", overwrite=True) == "ddd"
    assert contents(folder) == after  # begun from the originals, not from the results
    (folder / "a.png.orig").unlink()
    assert run(folder, folder, **IN_PLACE, settings="t") == "sss"  # a result is never taken for an original


def test_in_place_a_new_picture_under_an_old_name_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (path,) = pictures(folder, "a.png")
    assert run(folder, folder, **IN_PLACE) == "d"
    path.write_bytes(b"new")
    assert run(folder, folder, **IN_PLACE, overwrite=True) == "f"
    assert "was not made from" in run.errors[0]
    assert path.read_bytes() == b"new"


def test_in_place_links_are_left_alone(tmp_path: Path) -> None:
    pictures(tmp_path, "elsewhere.png", "in/a.png")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "elsewhere.png")
    assert run(tmp_path / "in", tmp_path / "in", **IN_PLACE) == "df"
    assert (tmp_path / "in" / "link.png").is_symlink()


def test_in_place_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    pictures(tmp_path / "in", *NAMES)
    before = contents(tmp_path / "in")
    assert run(tmp_path / "in", tmp_path / "in", **IN_PLACE) == "ddd"
    assert originals(tmp_path / "in") == before
    assert run(tmp_path / "in", tmp_path / "out") == "ddd"


def test_in_place_an_end_between_backup_and_result_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    pictures(folder, "a.png")
    before = contents(folder)

    def end(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "publish", end)
        with pytest.raises(KeyboardInterrupt):
            run(folder, folder, **IN_PLACE)
    assert contents(folder) == before | {"a.png.orig": before["a.png"]}
    assert run(folder, folder, **IN_PLACE) == "d"
    assert originals(folder) == before
    assert run(folder, folder, **IN_PLACE) == "s"


def test_with_a_suffix_results_lie_beside_their_sources_and_are_no_sources(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    pictures(folder, *NAMES)
    before = contents(folder)
    assert run(folder, folder, suffix=".new") == "ddd"
    assert run(folder, folder, suffix=".new") == "sss"
    assert sorted(set(contents(folder)) - set(before)) == ["a.new.png", "sub/b.new.png", "sub/c.new.jpg"]
    assert run(folder, tmp_path / "out", suffix="-2") == "dddddd"
    for suffix in ("/x", ".mask", "a/../b"):
        with pytest.raises(UsageError, match="choose one such as"):
            planning.plan(folder, folder, FileOptions(suffix=suffix))
    for options in ({**IN_PLACE, "suffix": "x"}, {**IN_PLACE}):
        with pytest.raises(UsageError, match="`in_place` needs the input"):
            planning.plan(folder, folder if "suffix" in options else tmp_path / "out", FileOptions(**options))


# Killed


def kill_and_resume(tmp_path: Path, count: int, kills: int, in_place: bool) -> None:
    source = tmp_path / "in"
    pictures(source, *(f"{n % 7}/{n}.png" for n in range(count)))
    before = contents(source)
    assert set(run(source, tmp_path / "undisturbed")) == {"d"}
    out = source if in_place else tmp_path / "out"
    script = Path(__file__).parents[1] / "killed_batch.py"
    command = [sys.executable, str(script), str(source), str(out), str(kills), "0.004", "1"]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(row["code"] != 0 and row["done"] != [] for row in rows) >= kills // 2  # else nothing was put to the test
    done: set[str] = set()
    for row in rows:
        assert done.isdisjoint(row["computed"])
        assert done <= set(row["done"])
        done = set(row["done"])
    assert len(done) == count
    after = contents(out)
    if in_place:
        assert originals(out) == before
        after = {name: data for name, data in after.items() if not name.endswith(".orig")}
    assert after == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("in_place", [False, True])
def test_killed_at_random_moments_and_resumed_nothing_is_lost_or_done_twice(tmp_path: Path, in_place: bool) -> None:
    kill_and_resume(tmp_path, count=40, kills=6, in_place=in_place)


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True])
def test_killed_fifty_times(tmp_path: Path, in_place: bool) -> None:
    kill_and_resume(tmp_path, count=200, kills=50, in_place=in_place)


# Hostile files and folders


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
