"""What is done again, and what not: changes, sidecar files, previews."""

import os
from pathlib import Path

from batches import HOSTILE, NAMES, Inverting, contents, run
from copying import Copying, pictures
from pictures import noise

from agerestore.batch import planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Encoded
from agerestore.images import io
from agerestore.images.photo import Photo


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
        sidecars = {job.target.with_suffix(".json"): b"{}", job.target.with_suffix(".mask.png"): None}
        return Encoded(sidecars | dict(made.files))


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
    """Work that writes so many files next to each result."""

    samples = 0

    def encode(self, job: Job, result: Photo) -> Encoded:
        made = super().encode(job, result)
        sidecars = {job.sidecar(f"sample-{n + 1}.png"): made.files[job.target] for n in range(self.samples)}
        return Encoded(sidecars | dict(made.files))


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
    assert run([source / "a.png"], out, work) == "d"
    pictures(source, "a.sample-1.png")
    given = [source / "a.png", source / "a.sample-1.png"]  # in the folder it would be left out
    work.samples = 0
    assert run(given, out, work, settings="t", overwrite=True) == "dd"
    assert run(given, out, work, settings="u", overwrite=True) == "dd"
    assert sorted(contents(out)) == ["a.png", "a.sample-1.png"]


def test_what_one_picture_became_is_never_replaced_by_another(tmp_path: Path) -> None:
    class Comparing(Copying):
        def encode(self, job: Job, result: Photo) -> Encoded:
            made = super().encode(job, result)
            return Encoded({job.sidecar("compare.png"): made.files[job.target], **made.files})

    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, "a.compare.png", "a.jpg", "a.png", "b.compare.png", "b.png")
    given = [source / name for name in ("a.compare.png", "a.jpg", "a.png", "b.compare.png", "b.png")]
    assert run(given, out, Comparing(), overwrite=True) == "dddd" + "f"
    assert "b.compare.png: was written for another image" in run.errors[0]
    assert "a.jpg.compare.png" in contents(out)


def test_an_image_called_like_a_companion_of_another_is_left_out(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, "a.sample-1.png", "a.png", "b.compare.png", "c.png")
    assert run(source, out) == "ddd"
    assert sorted(contents(out)) == ["a.png", "b.compare.png", "c.png"]


def test_a_preview_says_what_a_run_would_do_and_writes_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures(source, *NAMES)
    assert run(source, out) == "ddd"
    (out / "a.png").unlink()
    (out / "sub" / "b.png").write_bytes(b"")
    before, outcomes = contents(tmp_path), []
    jobs, writer = planning.plan(source, out), OutputWriter(Manifest(out), "s")
    summary = runner.preview(jobs, Copying(), writer, report=outcomes.append)
    assert [outcome.status for outcome in outcomes] == ["planned", "failed", "skipped"]
    assert (summary.done, summary.failed) == (1, 1)
    assert contents(tmp_path) == before
    jobs, writer = planning.plan(source, tmp_path / "new"), OutputWriter(Manifest(tmp_path / "new"))
    runner.preview(jobs, Copying(), writer, report=outcomes.append)
    assert not (tmp_path / "new").exists()
