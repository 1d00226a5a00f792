"""How training sets are read: one image at a time, what they need said before."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import noise, png
from PIL import Image

from agerestore import machine
from agerestore.data import sources
from agerestore.errors import AgeRestoreError, NothingReadableError
from agerestore.images import io


def photographs(folder: Path, *sizes: tuple[int, int]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (width, height) in enumerate(sizes):
        Image.fromarray(noise(height, width, 3, seed=number)).save(folder / f"{number}.png")
    return folder


def test_one_image_at_a_time_is_in_memory_at_full_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = photographs(tmp_path, *[(90, 70)] * 6)
    alive: list[int] = []
    read = io.read_pixels

    class Counted(np.ndarray):
        def __del__(self) -> None:
            if self.base is None or not isinstance(self.base, Counted):
                alive[0] -= 1

    alive.append(0)
    most = [0]

    def counting(path: Path) -> np.ndarray:
        pixels = read(path).view(Counted)
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return pixels

    monkeypatch.setattr(io, "read_pixels", counting)
    assert sources.load_images(folder, 32, 3).images.shape == (6, 3, 32, 32)
    assert most[0] <= 2  # the next is read before the last one goes


@pytest.mark.parametrize(("free", "fits"), [(2 * 4 * 3 * 32**2, True), (2 * 4 * 3 * 32**2 - 1, False)])
def test_small_images_need_what_they_take_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, fits: bool
) -> None:
    folder = photographs(tmp_path, *[(90, 70)] * 4)
    monkeypatch.setattr(machine, "free_memory", lambda: free)
    if fits:
        assert len(sources.load_images(folder, 32, 3)) == 4
    else:
        monkeypatch.setattr(io, "read_pixels", lambda path: pytest.fail("read before it was refused"))
        with pytest.raises(AgeRestoreError, match=r"its images take 0\.0 GB of memory, and 0\.0 GB are free"):
            sources.load_images(folder, 32, 3)


def test_photographs_that_do_not_fit_are_refused_by_their_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photographs(tmp_path, (100, 50), (80, 60), (10, 10))  # the last is smaller than 32 pixels
    (folder / "bomb.png").write_bytes(png(b"\0", (30000, 20000), 8, 0))
    os.mkfifo(folder / "pipe.png")
    needed = 3 * (100 * 50 + 80 * 60)
    monkeypatch.setattr(machine, "free_memory", lambda: needed)
    found = sources.load_photographs(folder, 32)
    assert len(found) == 2
    assert [name in line for name, line in zip(("bomb.png", "pipe.png", "1 of 3"), found.skipped, strict=True)] == [
        True
    ] * 3
    monkeypatch.setattr(machine, "free_memory", lambda: needed - 1)
    monkeypatch.setattr(io, "read_pixels", lambda path: pytest.fail("read before it was refused"))
    with pytest.raises(AgeRestoreError, match="give a part of it, or a machine with more memory"):
        sources.load_photographs(folder, 32)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_sizes_are_read_from_headers(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(noise(50, 70, 3)).save(tmp_path / f"a{suffix}")
    whole = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"none{suffix}").write_bytes(b"no image")
    sizes = [io.read_size(tmp_path / f"{name}{suffix}") for name in ("a", "cut", "none", "missing")]
    assert sizes[0] == (70, 50)
    assert sizes[1] in ((70, 50), (0, 0))  # a TIFF's header is at its end
    assert sizes[2:] == [(0, 0), (0, 0)]


def test_of_a_set_without_a_readable_image_the_first_reason_is_said(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(NothingReadableError, match=r"none of 2 images can be read; .*: .*a\.png: the file is empty"):
        sources.load_images(tmp_path, 32, 3)


def test_labels_are_those_of_the_images_that_were_read(tmp_path: Path) -> None:
    for digit in (3, 5, 8):
        photographs(tmp_path / str(digit), (40, 40))
    (tmp_path / "5" / "0.png").write_bytes(b"damaged")
    (tmp_path / "3" / "notes.txt").write_text("")
    images = sources.load_images(tmp_path, 32, 1)
    assert images.labels is not None
    assert images.labels.tolist() == [3, 8]
    assert ["notes.txt" in images.skipped[0], "0.png: " in images.skipped[1]] == [True, True]


def test_photographs_have_labels_where_folders_are_named_by_classes_of_imagenet(tmp_path: Path) -> None:
    photographs(tmp_path / "n01440764", (20, 20), (5, 5))
    photographs(tmp_path / "n15075141", (30, 30))
    found = sources.load_photographs(tmp_path, least=10)
    assert found.labels.tolist() == [0, 999]
    assert found.take(torch.tensor([1])).labels.tolist() == [999]
    photographs(tmp_path / "other", (30, 30))
    assert sources.load_photographs(tmp_path).labels is None


def test_no_more_files_are_opened_than_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = photographs(tmp_path, *[(40, 40)] * 9)
    opened: list[str] = []
    read = io.read_pixels
    monkeypatch.setattr(io, "read_pixels", lambda path: (opened.append(path.name), read(path))[1])
    images = sources.load_images(folder, 32, 3, limit=4)
    assert (len(images), images.found, opened) == (4, 9, ["0.png", "2.png", "4.png", "6.png"])
    opened.clear()
    assert len(sources.load_photographs(folder, limit=2)) == 2
    assert opened == ["0.png", "4.png"]
    assert len(sources.load_images(folder, 32, 3, limit=100)) == 9


def test_of_a_published_set_the_first_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(tmp_path / "celeba" / "img_align_celeba", *[(178, 218)] * 5)
    rows = "\n".join(f"{number}.png {2 * (number > 0)}" for number in range(5))
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text(rows)
    opened: list[str] = []
    read = io.read_pixels
    monkeypatch.setattr(io, "read_pixels", lambda path: (opened.append(path.name), read(path))[1])
    images = sources.load_images(tmp_path, 64, 3, "test", limit=2)
    assert (images.images.shape, images.found, opened) == ((2, 3, 64, 64), 4, ["1.png", "2.png"])
