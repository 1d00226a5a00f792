"""Where masks are found, and what is never taken for one."""

from pathlib import Path

import pytest
from copying import pictures

from agerestore.batch import masks
from agerestore.errors import UsageError


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
    assert masks.Masks(folder, root).of(d) is None  # not the one next to it: another place was named
    assert masks.Masks(same, root).of(d) == same
    with pytest.raises(UsageError, match="none: no such mask"):
        masks.Masks(tmp_path / "none", root)


def test_pictures_are_never_taken_for_masks(tmp_path: Path) -> None:
    a, b, _ = pictures(tmp_path, "a.png", "b.png", "b.jpg")
    (mask,) = pictures(tmp_path, "a.mask.png")
    assert masks.Masks(tmp_path, tmp_path).of(a) == mask
    assert masks.Masks(tmp_path, tmp_path).of(b) is None  # nor is the picture b.jpg
