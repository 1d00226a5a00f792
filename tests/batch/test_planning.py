"""Folders and single files through a piece of work; defects in anchors.md, A (batch rows) and C."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from agerestore_cli._files import exit_code as code_of
from copying import Copying, pictures
from pictures import noise, stored

from agerestore.batch import masks, planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.outcome import Outcome, Summary
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.runner import Encoded
from agerestore.config.options import FileOptions
from agerestore.errors import ImageFileError, NothingReadableError, OutOfDomainError, UsageError
from agerestore.images import io
from agerestore.images.photo import Photo


def run(jobs: list[Job], work: object = None, writer: OutputWriter | None = None, **options: object) -> list[Outcome]:
    """What is reported of each job, after a check that the summary agrees."""
    outcomes: list[Outcome] = []
    summary = runner.run(jobs, work or Copying(), writer or OutputWriter(), report=outcomes.append, **options)
    assert summary == summary_of(outcomes, len(jobs))
    return outcomes


def summary_of(outcomes: list[Outcome], total: int) -> Summary:
    summary = Summary(total)
    for outcome in outcomes:
        summary.add(outcome)
    return summary


def exit_code(outcomes: list[Outcome]) -> int:
    return code_of(summary_of(outcomes, len(outcomes)))


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# Planning


def test_a_folder_is_mirrored_and_names_never_collide(tmp_path: Path) -> None:
    names = ["a/x.jpg", "a/x.png", "b/c/x.jpg", "b/x.jpg", "top.TIF"]
    pictures(tmp_path / "in", *names)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / ".hidden").mkdir()
    pictures(tmp_path / "in", ".hidden/x.png", "._x.png")  # the second is what a Mac leaves beside x.png
    jobs = planning.plan(tmp_path / "in", tmp_path / "out")
    assert [str(job.source.relative_to(tmp_path / "in")) for job in jobs] == names
    assert [str(job.target.relative_to(tmp_path / "out")) for job in jobs] == names
    assert exit_code(run(jobs)) == 0
    assert tree(tmp_path / "out") == names


def test_in_another_format_names_never_collide_either(tmp_path: Path) -> None:
    expected = {
        "a/x.jpg": "a/x.jpg.png",  # x.jpg and x.png became one x.png
        "a/x.png": "a/x.png.png",
        "b/x.jpg": "b/x.png",
        "c/y.JPG": "c/y.JPG.png",
        "c/y.jpg": "c/y.jpg.png",
        "d/z.jpg": "d/z.jpg.png",
        "d/z.jpg.png": "d/z.jpg.png.png",  # what would have been z.jpg's
        "d/z.png": "d/z.png.png",
        "top.TIF": "top.png",
    }
    pictures(tmp_path / "in", *expected)
    for ext in (".png", "png"):
        jobs = planning.plan(tmp_path / "in", tmp_path / "out", FileOptions(ext=ext))
        found = {
            str(job.source.relative_to(tmp_path / "in")): str(job.target.relative_to(tmp_path / "out")) for job in jobs
        }
        assert found == expected
    assert exit_code(run(jobs)) == 0
    assert tree(tmp_path / "out") == sorted(expected.values())
    assert {io.read(path).metadata.format for path in (tmp_path / "out").rglob("*.png")} == {"PNG"}


def test_another_format_in_the_same_folder(tmp_path: Path) -> None:
    pictures(tmp_path, "x.jpg", "x.png", "y.jpg")
    for _ in range(2):  # the results are no pictures of the second run
        jobs = planning.plan(tmp_path, tmp_path, FileOptions(suffix=".restored", ext=".png"))
        assert [job.target.name for job in jobs] == ["x.jpg.restored.png", "x.png.restored.png", "y.restored.png"]
        for job in jobs:
            job.target.write_bytes(job.source.read_bytes())


def test_formats_that_cannot_be(tmp_path: Path) -> None:
    (source,) = pictures(tmp_path, "in/a.jpg")
    for ext in (".gif", "", "."):
        with pytest.raises(UsageError, match="format"):
            planning.plan(source.parent, tmp_path / "out", FileOptions(ext=ext))
    with pytest.raises(UsageError, match="leave out `suffix` and `ext`"):
        planning.plan(source, tmp_path / "b.png", FileOptions(ext=".png"))
    with pytest.raises(UsageError, match="neither `suffix` nor `ext`"):
        planning.plan(source, source, FileOptions(ext=".png", in_place=True, backup=True))
    assert planning.plan(source, tmp_path / "out", FileOptions(ext="tif"))[0].target == tmp_path / "out" / "a.tif"


def test_any_name_goes_through(tmp_path: Path) -> None:
    names = ["车 Ünïcode.jpg", "a 'b' \"c\".png", "-rf.png", "new\nline.png", "\udcff.png", "dir\n/-x y.png"]
    pictures(tmp_path / "in", *names)
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"))
    assert [outcome.error for outcome in outcomes] == [None] * len(names)
    assert tree(tmp_path / "out") == sorted(names)
    again = run(planning.plan(tmp_path / "in", tmp_path / "out"))
    assert all(outcome.error and outcome.error.isprintable() for outcome in again)


def test_masks_and_excluded_folders_are_no_pictures(tmp_path: Path) -> None:
    source = tmp_path / "in"
    pictures(source, "a.png", "a.mask.png", "b.jpg", "b.jpg.mask.png", "masks/a.png")
    jobs = planning.plan(source, tmp_path / "out", exclude=lambda path: path == source / "masks")
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg"]


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    source = tmp_path / "in"
    pictures(source, "a/x.png", "a/b/z.png")
    pictures(tmp_path / "elsewhere", "y.png")
    (source / "a" / "b" / "up").symlink_to(source / "a", target_is_directory=True)
    (source / "a" / "up").symlink_to(source, target_is_directory=True)
    (source / "self").symlink_to("self")
    (source / "other").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (source / "loop.png").symlink_to("loop.png")
    (source / "dangling.png").symlink_to("nowhere")
    jobs = planning.plan(source, tmp_path / "out")
    found = [str(job.source.relative_to(source)) for job in jobs]
    assert found == ["a/b/z.png", "a/x.png", "dangling.png", "loop.png", "other/y.png"]
    outcomes = run(jobs)
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "failed", "done"]


def test_a_folder_that_can_be_listed_and_not_entered_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path / "in", "a.png", "half/b.png")
    is_dir = Path.is_dir

    def denied(path: Path) -> bool:
        if path.parent.name == "half":
            raise PermissionError(13, "Permission denied", str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", denied)
    jobs = planning.plan(tmp_path / "in", tmp_path / "out")
    assert [job.source.name for job in jobs] == ["a.png", "b.png"]


def test_in_place_results_stay_in_the_folder_as_it_was_called(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    (job,) = planning.plan(tmp_path / "in", tmp_path / "link", FileOptions(in_place=True, backup=True))
    assert (job.target, job.backup) == (tmp_path / "link" / "a.png", tmp_path / "link" / "a.png.orig")


def test_an_output_inside_the_source_is_never_picked_up(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "out/a.png", "out/out/a.png")
    assert planning.plan(tmp_path, tmp_path / "out") == [Job(tmp_path / "a.png", tmp_path / "out" / "a.png")]


def test_a_result_never_replaces_a_source(tmp_path: Path) -> None:
    pictures(tmp_path, "in/a.png", "in/in/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    for out in (tmp_path / "in", tmp_path / "in" / ".." / "in", tmp_path / "link"):
        with pytest.raises(UsageError, match="source folder itself"):
            planning.plan(tmp_path / "in", out)
    with pytest.raises(UsageError, match="choose another output"):  # in/in/a.png would land on in/a.png
        planning.plan(tmp_path / "in", tmp_path)
    for out in (tmp_path / "in" / "a.png", tmp_path / "in", tmp_path / "link" / "a.png"):
        with pytest.raises(UsageError, match=r"a\.png: would be replaced"):
            planning.plan(tmp_path / "in" / "a.png", out)


def test_a_single_file(tmp_path: Path) -> None:
    (source,) = pictures(tmp_path, "a.png")
    (tmp_path / "folder.png").mkdir()
    cases = {
        "b.jpg": "b.jpg",
        "new/b.tif": "new/b.tif",
        "restored": "restored/a.png",
        "folder.png": "folder.png/a.png",
    }
    for out, target in cases.items():
        assert planning.plan(source, tmp_path / out) == [Job(source, tmp_path / target)]
    (tmp_path / "mask.mask.png").write_bytes(source.read_bytes())  # asked for by name, it is a picture
    assert len(planning.plan(tmp_path / "mask.mask.png", tmp_path / "out")) == 1


def test_several_inputs_go_to_one_folder(tmp_path: Path) -> None:
    a, b = pictures(tmp_path, "a.png", "elsewhere/b.jpg")
    pictures(tmp_path, "scans/c.png", "scans/d/e.png", "scans/out/f.png")
    out = tmp_path / "out"
    jobs = planning.plan([a, b, tmp_path / "scans", a], out)
    names = {str(job.name): str(job.target.relative_to(out)) for job in jobs}
    assert names == {"a.png": "a.png", "b.jpg": "b.jpg", "c.png": "scans/c.png", "d/e.png": "scans/d/e.png",
                     "out/f.png": "scans/out/f.png"}  # fmt: skip
    assert [job.name.name for job in planning.plan([tmp_path / "scans", a], tmp_path / "scans" / "out")] == [
        "c.png", "e.png", "a.png"]  # fmt: skip


def test_several_inputs_that_cannot_be(tmp_path: Path) -> None:
    a, b = pictures(tmp_path, "x/a.png", "y/a.png")
    with pytest.raises(UsageError, match=r"out/a\.png: would be the result of 2 inputs"):
        planning.plan([a, b], tmp_path / "out")
    with pytest.raises(UsageError, match="names one file"):
        planning.plan([a, b], tmp_path / "out.png")
    with pytest.raises(UsageError, match="single file or folder"):
        planning.plan([a, b], tmp_path / "x", FileOptions(in_place=True, backup=True))
    with pytest.raises(NothingReadableError, match=r"none\.png: no such file"):
        planning.plan([a, tmp_path / "none.png"], tmp_path / "out")


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    (source,) = pictures(tmp_path, "in/a.png")
    (tmp_path / "notes.txt").write_text("")
    nameless = tmp_path / "scan"
    nameless.write_bytes(source.read_bytes())
    for out in ("notes.txt", "b.gif"):  # there, or to be made
        with pytest.raises(
            UsageError, match=rf"{out}: is neither a folder nor an image file; choose .* \.jpg .*exists"
        ):
            planning.plan(source, tmp_path / out)
    with pytest.raises(UsageError, match=r"notes\.txt: is not a folder"):
        planning.plan(tmp_path / "in", tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="name the output"):
        planning.plan(nameless, tmp_path / "out")
    assert planning.plan(nameless, tmp_path / "b.png") == [Job(nameless, tmp_path / "b.png")]


def test_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("")
    with pytest.raises(NothingReadableError, match=r"/in: holds no image \(looked for \.avif .*\.webp\)"):
        planning.plan(tmp_path / "in", tmp_path / "out")
    with pytest.raises(NothingReadableError, match="none: no such file or folder"):
        planning.plan(tmp_path / "none", tmp_path / "out")
    forbid(monkeypatch, tmp_path / "in")
    with pytest.raises(NothingReadableError, match="/in: cannot be listed"):
        planning.plan(tmp_path / "in", tmp_path / "out")


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make a folder impossible to list, which permissions cannot do to root."""
    listed = Path.iterdir

    def iterdir(path: Path) -> object:
        if path == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)


def test_a_folder_that_cannot_be_listed_is_reported_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path / "in", "a.png", "locked/b.png", "z.png")
    forbid(monkeypatch, tmp_path / "in" / "locked")
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert "locked" in str(outcomes[1].error)
    assert exit_code(outcomes) == 1


# Masks


def test_masks_beside_the_picture(tmp_path: Path) -> None:
    a, b, c, d = pictures(tmp_path, "x/a.png", "x/b.jpg", "x/c.png", "x/d.png")
    stem, name, both, upper = pictures(tmp_path, "x/a.mask.png", "x/b.jpg.mask.png", "x/b.mask.png", "x/d.mask.PNG")
    assert masks.Masks().of(a) == stem
    assert masks.Masks().of(b) == name
    name.unlink()
    assert masks.Masks().of(b) == both
    assert masks.Masks().of(c) is None
    assert masks.Masks().of(d) == upper


def test_masks_in_a_file_or_folder_of_their_own(tmp_path: Path) -> None:
    root, folder = tmp_path / "in", tmp_path / "masks"
    a, b, c, d = pictures(root, "x/a.jpg", "x/b.jpg", "c.png", "d.png")
    pictures(root, "d.mask.png")
    same, ending, other = pictures(folder, "x/a.jpg", "x/b.mask.png", "c.tif")
    assert masks.Masks(folder, root).of(a) == same
    assert masks.Masks(folder, root).of(b) == ending
    assert masks.Masks(folder, root).of(c) == other
    assert masks.Masks(folder, root).of(d) is None  # not the one beside it: another place was named
    assert masks.Masks(same, root).of(d) == same
    with pytest.raises(UsageError, match="none: no such mask"):
        masks.Masks(tmp_path / "none", root)


def test_pictures_are_never_taken_for_masks(tmp_path: Path) -> None:
    a, b, _ = pictures(tmp_path, "a.png", "b.png", "b.jpg")
    (mask,) = pictures(tmp_path, "a.mask.png")
    assert masks.Masks(tmp_path, tmp_path).of(a) == mask
    assert masks.Masks(tmp_path, tmp_path).of(b) is None  # nor is the picture b.jpg


# Running


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "in", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg")
    paths[2].write_bytes(paths[2].read_bytes()[:300])
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"))
    assert tree(tmp_path / "out") == ["1.jpg", "2.jpg", "4.jpg", "5.jpg"]
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "done", "done"]
    assert str(outcomes[2].error).startswith(f"{paths[2]}: ")
    assert outcomes[0].detail == {"width": 16}
    assert all(outcome.seconds > 0 for outcome in outcomes)
    assert exit_code(outcomes) == 1


@pytest.mark.parametrize("step", ["decode", "compute", "encode"])
@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (OutOfDomainError("unlike any model's pictures;\nchoose a `model`"), "pictures; choose"),
        (RuntimeError("CUDA out of memory.\n Tried to allocate"), "not enough memory for it"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_goes_wrong_becomes_one_line_that_names_the_file(
    tmp_path: Path, failure: Exception, line: str, step: str
) -> None:
    work = Copying()
    proper, calls = getattr(work, step), []

    def failing_once(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise failure
        return proper(*arguments)

    setattr(work, step, failing_once)
    a, b = pictures(tmp_path, "a.png", "b.png")
    first, second = run([Job(a, tmp_path / "out" / "a.png"), Job(b, tmp_path / "out" / "b.png")], work)
    assert first.error is not None
    assert first.error.startswith(f"{a}: ")
    assert line in first.error
    assert "\n" not in first.error
    assert second.status == "done"
    assert exit_code([first, second]) == 1
    assert tree(tmp_path / "out") == ["b.png"]


def test_existing_results_are_left_alone_without_overwrite(tmp_path: Path) -> None:
    a, _ = pictures(tmp_path / "in", "a.png", "b.png")
    (older,) = pictures(tmp_path / "out", "a.png")
    io.write(older, Photo(noise(16, 16, 3, seed=7)), overwrite=True)
    before = older.read_bytes()
    (tmp_path / "out" / "b.png").symlink_to("nowhere")
    jobs, work = planning.plan(tmp_path / "in", tmp_path / "out"), Copying()
    outcomes = run(jobs, work)
    assert outcomes[0].error == f"{a}: {older}: exists; pass `overwrite=True` or choose another output"
    assert older.read_bytes() == before
    assert outcomes[1].error is not None  # a link to nowhere is somebody's, too
    assert work.computed == []  # nobody restores for minutes what cannot be written
    assert exit_code(outcomes) == 1
    assert exit_code(run(jobs, writer=OutputWriter(overwrite=True))) == 0
    np.testing.assert_array_equal(io.read(older).pixels, io.read(a).pixels)


def test_a_file_that_appears_while_a_picture_is_computed_is_left_alone(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    work = Copying()
    proper = work.compute

    def compute(item: tuple[str, Photo]) -> Photo:
        stored(tmp_path / "out" / "a.png", b"precious")
        return proper(item)

    work.compute = compute
    (tmp_path / "out").mkdir()
    (outcome,) = run(planning.plan(tmp_path / "in", tmp_path / "out"), work)
    assert "exists; pass `overwrite=True`" in str(outcome.error)
    assert (tmp_path / "out" / "a.png").read_bytes() == b"precious"


def test_an_interruption_passes_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path / "in", "1.png", "2.png", "3.png")
    reported: list[Outcome] = []
    sync, calls = os.fsync, []

    def interrupted(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise KeyboardInterrupt
        sync(descriptor)

    jobs = planning.plan(tmp_path / "in", tmp_path / "out")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run(jobs, Copying(), OutputWriter(), report=reported.append)
    assert [outcome.job.source.name for outcome in reported] == ["1.png"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.png"]


def test_what_is_being_written_when_the_computing_is_interrupted_is_finished(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "1.png", "2.png", "3.png")
    work = Copying()
    proper = work.compute

    def compute(item: tuple[str, Photo]) -> Photo:
        if item[0] == "2.png":
            raise KeyboardInterrupt
        return proper(item)

    work.compute = compute
    with pytest.raises(KeyboardInterrupt):
        run(planning.plan(tmp_path / "in", tmp_path / "out"), work)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.png"]


def test_asked_to_stop_the_pictures_in_flight_are_finished(tmp_path: Path) -> None:
    pictures(tmp_path / "in", *(f"{n}.png" for n in range(6)))
    work = Copying()
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"), work, stop=lambda: len(work.computed) == 2)
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert tree(tmp_path / "out") == ["0.png", "1.png"]


def test_with_fail_fast_none_is_begun_after_one_that_failed(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "in", *(f"{n}.png" for n in range(6)))
    paths[2].write_bytes(b"")
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"), fail_fast=True)
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed"]
    paths[0].write_bytes(b"")  # the only one that was begun, but not the only one there is
    jobs = planning.plan(tmp_path / "in", tmp_path / "out2")
    assert code_of(runner.run(jobs, Copying(), OutputWriter(), report=lambda outcome: None, fail_fast=True)) == 1


def test_reading_computing_and_writing_overlap_and_no_more_than_three_pictures_are_in_memory(tmp_path: Path) -> None:
    pictures(tmp_path / "in", *(f"{n:02}.png" for n in range(12)))
    work, alive, most, threads = Copying(), [0], [0], set()
    next_begun, overlapped = threading.Semaphore(0), []
    decode, compute, encode = work.decode, work.compute, work.encode

    def counted_decode(job: Job, data: bytes) -> object:
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        threads.add(("decode", threading.current_thread() is threading.main_thread()))
        return decode(job, data)

    def told_compute(item: tuple[str, Photo]) -> Photo:
        if ("compute", True) in threads:  # it is not the first
            next_begun.release()
        threads.add(("compute", threading.current_thread() is threading.main_thread()))
        return compute(item)

    def waiting_encode(job: Job, result: Photo) -> Encoded:
        threads.add(("encode", threading.current_thread() is threading.main_thread()))
        if len(overlapped) < 11:  # all but the last are encoded no sooner than the next is computed
            overlapped.append(next_begun.acquire(timeout=10))
        alive[0] -= 1
        return encode(job, result)

    work.decode, work.compute, work.encode = counted_decode, told_compute, waiting_encode
    run(planning.plan(tmp_path / "in", tmp_path / "out"), work)
    assert overlapped == [True] * 11
    assert most[0] <= 3
    assert threads == {("decode", False), ("compute", True), ("encode", False)}


def test_exit_codes() -> None:
    job = Job(Path("a.png"), Path("b.png"))
    done, failed = Outcome(job), Outcome(job, status="failed", error="a.png: exists", code="OutputExistsError")
    unreadable = Outcome(job, status="failed", error="a.png: no picture", code="UnreadableError")
    assert exit_code([done, done]) == 0
    assert exit_code([done, Outcome(job, status="skipped")]) == 0
    assert exit_code([done, failed]) == 1
    assert exit_code([done, unreadable]) == 1
    assert exit_code([unreadable, failed]) == 1
    assert exit_code([unreadable, unreadable]) == 3


def test_a_bad_mask_or_a_full_disk_does_not_make_a_picture_unreadable(tmp_path: Path) -> None:
    (source,) = pictures(tmp_path, "a.png")
    bad = stored(tmp_path / "mask.png", b"")

    class WithMask(Copying):
        def decode(self, job: Job, data: bytes) -> object:
            return masks.read_mask_file(bad, (16, 16))

    class Full(Copying):
        def encode(self, job: Job, result: Photo) -> Encoded:
            raise ImageFileError("b.png: cannot be written (No space left on device)")

    target = tmp_path / "b.png"
    assert exit_code(run([Job(source, target)], WithMask())) == 1
    assert exit_code(run([Job(source, target)], Full())) == 1
    assert exit_code(run([Job(source, target, extra_inputs=(tmp_path / "gone.png",))])) == 1
    assert exit_code(run([Job(bad, target)])) == 3


def test_a_full_disk_fails_one_picture_and_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path / "in", "1.png", "2.png", "3.png")
    sync, calls = os.fsync, []

    def full_once(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_once)
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert "2.png: cannot be written (No space left on device)" in str(outcomes[1].error)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.png", "3.png"]
