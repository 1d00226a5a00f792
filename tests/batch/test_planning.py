"""Which files are worked on and where results go: trees, links, endings, several inputs, outputs that cannot be."""

import errno
from pathlib import Path

import pytest
from copying import exit_code, pictures, run, tree

from agerestore.batch import planning
from agerestore.batch.jobs import Job
from agerestore.config.options import FileOptions
from agerestore.errors import NothingReadableError, UsageError
from agerestore.images import io


def test_a_folder_is_mirrored_and_names_never_collide(tmp_path: Path) -> None:
    names = ["a/x.jpg", "a/x.png", "b/c/x.jpg", "b/x.jpg", "top.TIF"]
    pictures(tmp_path / "in", *names)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / ".hidden").mkdir()
    pictures(tmp_path / "in", ".hidden/x.png", "._x.png")  # the second is what a Mac leaves next to x.png
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
    jobs = planning.plan(source, tmp_path / "out", exclude=source / "masks")
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
