"""Which files of a folder are images to work on: one rule for every verb, and nothing left out in silence."""

from pathlib import Path

import pytest
from copying import exit_code, pictures, run

from agerestore.batch import folders, planning
from agerestore.batch.manifest import Manifest
from agerestore.batch.outputs import OutputWriter
from agerestore.config.options import FileOptions
from agerestore.data import sources
from agerestore.errors import NothingReadableError


def taken(folder: Path) -> list[str]:
    """The names of the images of a folder, which planning and training agree on."""
    found = [str(path.relative_to(folder)) for path in folders.search(folder).images]
    planned = [str(job.name) for job in planning.plan(folder, folder.parent / "elsewhere")]
    assert found == planned
    assert len(sources.load_photographs(folder)) == len(found)
    return found


def left_out(folder: Path) -> str:
    return "\n".join(folders.search(folder).left_out())


def made(folder: Path, out: Path, options: FileOptions | None = None) -> None:
    """What a run makes of a folder, and remembers."""
    with Manifest.open(out) as manifest:
        jobs = planning.plan(folder, out, options or FileOptions())
        assert exit_code(run(jobs, writer=OutputWriter(manifest))) == 0


def test_what_systems_and_drives_leave_is_no_image(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    names = ["@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/b.png", "@Recycle/c.png", "$RECYCLE.BIN/S-1/d.png"]
    names += [".thumbnails/e.png", ".@__thumb/f.png", "__MACOSX/g.png", "lost+found/h.png", ".stversions/i.png"]
    pictures(source, "a.png", "trip/@EADIR/b.png", "trip/b.png", *names)
    for name in ("Thumbs.db", "trip/desktop.ini", ".DS_Store", "._a.png"):
        (source / name).write_bytes(b"\0")
    assert taken(source) == ["a.png", "trip/b.png"]
    assert left_out(source) == ""


def test_links_are_followed_for_training_too(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    pictures(source, "a/x.png")
    pictures(tmp_path / "disk", "y.png", "more/z.png")
    (source / "linked").symlink_to(tmp_path / "disk", target_is_directory=True)
    (tmp_path / "disk" / "back").symlink_to(source, target_is_directory=True)
    (source / "a" / "up").symlink_to(source, target_is_directory=True)
    assert taken(source) == ["a/x.png", "linked/more/z.png", "linked/y.png"]


def test_results_below_are_left_out_and_said_and_those_of_the_folder_itself_are_taken(tmp_path: Path) -> None:
    source, below = tmp_path / "photos", tmp_path / "photos" / "clean"
    pictures(source, "a.png", "b/c.png")
    made(source, below)
    assert taken(source) == ["a.png", "b/c.png"]
    names = "clean/a.png, clean/b/c.png"
    assert left_out(source) == (
        f"{source}: left out: 2 results of earlier runs ({names}); give them or their folder itself to have them"
    )
    pictures(below, "new.png")  # of no run
    assert taken(below) == ["a.png", "b/c.png", "new.png"]
    assert taken(source) == ["a.png", "b/c.png", "clean/new.png"]


def test_results_next_to_their_sources_are_left_out_and_the_rest_of_that_folder_is_taken(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    pictures(source, "a.png", "b.c.jpg", "sub/d.png")
    made(source, source, FileOptions(suffix=".restored"))
    pictures(source, "e.restored.png")  # of no run
    assert taken(source) == ["a.png", "b.c.jpg", "e.restored.png", "sub/d.png"]
    assert "left out: 3 results of earlier runs (a.restored.png, b.c.restored.jpg, sub/d.restored.png)" in left_out(
        source
    )
    pictures(tmp_path / "dots", "x.png", "x.y.png")
    made(tmp_path / "dots", tmp_path / "mid")
    assert taken(tmp_path / "mid") == ["x.png", "x.y.png"]  # neither is made of the other


def test_images_that_were_replaced_by_their_results_stay_images(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "sub/a.png")
    made(tmp_path / "in" / "sub", tmp_path / "in" / "sub", FileOptions(in_place=True, backup=True))
    (tmp_path / "in" / "sub" / "a.png.orig").write_bytes(b"")
    assert taken(tmp_path / "in") == ["sub/a.png"]
    assert left_out(tmp_path / "in") == ""


def test_companions_of_results_are_no_images_wherever_they_lie(tmp_path: Path) -> None:
    companions = ["a.uncertainty.png", "a.compare.png", "a.sample-1.jpg", "a.sample-12.jpg", "b.tif.compare.png"]
    pictures(tmp_path / "in", "a.jpg", "b.tif", "a.mask.png", "b.tif.mask.png", *companions)
    (tmp_path / "in" / "a.damage.json").write_text("[]")
    (tmp_path / "in" / "a.jpg.orig").write_text("")
    assert taken(tmp_path / "in") == ["a.jpg", "b.tif"]
    assert left_out(tmp_path / "in") == ""


def test_what_is_only_called_like_a_companion_is_an_image(tmp_path: Path) -> None:
    names = ["beach.compare.png", "cat.sample-2.png", "fog.uncertainty.png"]
    pictures(tmp_path / "in", "a.png", *names)
    assert taken(tmp_path / "in") == ["a.png", *names]


def test_a_mask_without_its_image_and_an_image_called_like_a_mask_are_named(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "scan_1.png", "scan1.mask.png", "carnival.mask.jpg", "scan_1.mask.tif")
    assert taken(tmp_path / "in") == ["scan_1.png"]
    why = "which are called like masks, and no image of that name is next to them; rename the mask, or what is none"
    assert left_out(tmp_path / "in") == f"{tmp_path / 'in'}: left out: carnival.mask.jpg, scan1.mask.png, {why}"


def test_all_else_is_counted_whatever_its_ending_and_a_few_are_named(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png")
    (tmp_path / "in" / "sub").mkdir()
    for name in ("b.nrw", "c.NRW", "sub/d.dib", "notes", "e.xmp", "f.gif", "Photos.photoslibrary"):
        (tmp_path / "in" / name).write_bytes(b"")
    counts = "1 .dib, 1 .gif, 2 .nrw, 1 .photoslibrary, 1 .xmp, 1 without ending"
    names = "Photos.photoslibrary, b.nrw, c.NRW, e.xmp, f.gif and 2 more"
    assert taken(tmp_path / "in") == ["a.png"]
    assert left_out(tmp_path / "in") == (
        f"{tmp_path / 'in'}: left out: {counts} ({names}); save images among them as PNG to have them, too"
    )


def test_a_folder_with_nothing_but_results_says_so(tmp_path: Path) -> None:
    pictures(tmp_path / "first", "a.png")
    made(tmp_path / "first", tmp_path / "in" / "mid")
    with pytest.raises(NothingReadableError, match=r"in: holds no image .*left out: 1 result of an earlier run"):
        folders.search(tmp_path / "in").require_images()


def test_what_a_training_run_draws_is_no_image_and_its_folder_itself_may_be_given(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "run/sheets/0.png")
    for name in folders.RUN:
        (tmp_path / "in" / "run" / name).write_text("{}")
    assert taken(tmp_path / "in") == ["a.png"]
    assert taken(tmp_path / "in" / "run") == ["sheets/0.png"]


def test_packages_of_previews_are_not_searched(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "Library.photoslibrary/resources/b.png", "Smart Previews.lrdata/c.png")
    assert taken(tmp_path / "in") == ["a.png"]
    assert "1 .lrdata, 1 .photoslibrary" in left_out(tmp_path / "in")
