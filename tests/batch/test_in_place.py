"""Results in the place of their sources, and next to them."""

import errno
from pathlib import Path

import pytest
from batches import IN_PLACE, NAMES, contents, originals, run
from copying import pictures

from agerestore import files
from agerestore.batch import planning
from agerestore.config.options import FileOptions
from agerestore.errors import UsageError


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
    assert run(folder, tmp_path / "out", suffix="-2") == "ddd"
    for suffix in ("/x", ".mask", "a/../b"):
        with pytest.raises(UsageError, match="choose one such as"):
            planning.plan(folder, folder, FileOptions(suffix=suffix))
    for options in ({**IN_PLACE, "suffix": "x"}, {**IN_PLACE}):
        with pytest.raises(UsageError, match="`in_place` needs the input"):
            planning.plan(folder, folder if "suffix" in options else tmp_path / "out", FileOptions(**options))
