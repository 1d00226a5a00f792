"""Jobs through a processor: errors, interruptions, overlap, memory, exit codes."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from agerestore_cli._files import exit_code as code_of
from copying import Copying, exit_code, pictures, run, tree
from pictures import noise, stored

from agerestore.batch import masks, planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Encoded
from agerestore.errors import ImageFileError, OutOfDomainError
from agerestore.images import io
from agerestore.images.photo import Photo


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
    assert work.computed == []  # no minutes of work on what cannot be written
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
        def decode(self, job: Job, data: bytes, *extra: bytes) -> object:
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
