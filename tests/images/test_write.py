"""Writing files: names, existing files, full disks, interruptions."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from pictures import assert_same, noise, stored

from agerestore.errors import ImageFileError
from agerestore.images import io
from agerestore.images.photo import Photo


@pytest.mark.parametrize(
    "name",
    [
        "车 Ünïcode.png",
        "a 'b' \"c\".png",
        "-rf.png",
        "new\nline.png",
        "\udcff.png",
        "x" * 251 + ".png",
        "A.PNG",
    ],
)
def test_any_name_goes(tmp_path: Path, name: str) -> None:
    for pixels in (noise(4, 4, 3), noise(4, 4, 3, np.uint16)):
        io.write(tmp_path / name, Photo(pixels), overwrite=True)
        assert_same(io.read(tmp_path / name), Photo(pixels))
    with pytest.raises(ImageFileError) as caught:
        io.write(tmp_path / name, Photo(pixels))
    assert "exists; pass `overwrite=True` or choose another output" in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_existing_file_is_only_replaced_on_request(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.png"
    first, second = Photo(noise(4, 4, 3)), Photo(noise(4, 4, 3, seed=1))
    io.write(path, first)
    with pytest.raises(ImageFileError, match="exists"):
        io.write(path, second)
    assert_same(io.read(path), first)
    io.write(path, second, overwrite=True)
    assert_same(io.read(path), second)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    monkeypatch.setattr(os, "fsync", lambda descriptor: path.write_bytes(b"another program's"))
    with pytest.raises(ImageFileError, match="exists"):
        io.write(path, Photo(noise(4, 4, 3)))
    assert path.read_bytes() == b"another program's"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_files_are_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    io.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert io.read(tmp_path / "a.png").pixels.shape == (4, 4, 3)


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    io.write(tmp_path / "a.png", Photo(noise(4, 4, 3)))
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("failure", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ImageFileError),
        (OSError(errno.EROFS, "Read-only file system"), ImageFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, failure: BaseException, seen: type
) -> None:
    path = tmp_path / "a.png"
    if overwrite:
        path.write_bytes(b"the older file")

    def fail(descriptor: int) -> None:
        assert any(file.stat().st_size > 100 for file in tmp_path.iterdir())  # in the middle of it
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(seen) as caught:
        io.write(path, Photo(noise(40, 40, 3)), overwrite=overwrite)
    if seen is ImageFileError:
        assert f"{path}: cannot be written ({failure.strerror})" in str(caught.value)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([b"the older file"] if overwrite else [])


def test_a_disk_that_is_really_full_leaves_nothing_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    photo = Photo(noise(100, 100, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # a file may grow to 4 kB: the write stops half way
    try:
        with pytest.raises(ImageFileError, match=r"cannot be written \(File too large\)"):
            io.write(tmp_path / "a.png", photo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    stored(tmp_path / "file", b"")
    with pytest.raises(ImageFileError, match="cannot be written"):
        io.write(tmp_path / "file" / "a.png", Photo(noise(4, 4, 3)))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageFileError, match="cannot be written"):
        io.write(tmp_path / "folder.png", Photo(noise(4, 4, 3)), overwrite=True)
