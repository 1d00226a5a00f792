"""Mask files: which pixels they mark, and which are refused."""

from pathlib import Path

import numpy as np
import pytest
from pictures import saved, stored
from PIL import Image

from agerestore.batch import masks
from agerestore.errors import ImageFileError, UnreadableError
from agerestore.images import io
from agerestore.images.formats import png as png_format
from agerestore.images.photo import Photo


@pytest.mark.parametrize("level", [1, 128, 255])
def test_mask_is_whatever_is_not_black(tmp_path: Path, level: int) -> None:
    wanted = np.random.default_rng(0).random((6, 5)) < 0.4
    gray = (wanted * level).astype(np.uint8)
    files = [
        saved(tmp_path / "gray.png", Image.fromarray(gray)),
        saved(tmp_path / "red.png", Image.fromarray(np.stack([gray, 0 * gray, 0 * gray], axis=2))),
        saved(tmp_path / "bits.png", Image.fromarray(wanted)),
        saved(tmp_path / "opaque.png", Image.fromarray(gray).convert("LA")),
        stored(tmp_path / "deep.png", png_format.encode(gray[..., None].astype(np.uint16))),
    ]
    for file in files:
        np.testing.assert_array_equal(masks.read_mask_file(file, (6, 5)), wanted)


def test_mask_in_a_lossy_file_needs_half_the_brightness(tmp_path: Path) -> None:
    wanted = np.zeros((32, 32), bool)
    wanted[5:21, 9:30] = True
    path = saved(tmp_path / "a.jpg", Image.fromarray((wanted * 255).astype(np.uint8)), quality=60)
    assert (io.read(path).pixels[..., 0] > 0).sum() > wanted.sum()  # ringing in the black
    np.testing.assert_array_equal(masks.read_mask_file(path, (32, 32)), wanted)


def test_mask_of_another_size_or_with_transparency_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (5, 6)))
    with pytest.raises(ImageFileError, match=r"a\.png: .*5 x 6 pixels for an image of 7 x 4"):
        masks.read_mask_file(path, (4, 7))
    path = saved(tmp_path / "b.png", Image.new("RGBA", (5, 6), (255, 255, 255, 0)))
    with pytest.raises(ImageFileError, match="transparent parts"):
        masks.read_mask_file(path, (6, 5))
    with pytest.raises(ImageFileError, match=r"none\.png") as caught:
        masks.read_mask_file(tmp_path / "none.png", (6, 5))
    assert not isinstance(caught.value, UnreadableError)  # it is not the picture that cannot be read


def test_a_mask_may_be_as_large_as_its_picture(tmp_path: Path) -> None:
    io.write(tmp_path / "a.png", Photo(np.full((8, 9, 1), 255, np.uint8)))
    with pytest.raises(ImageFileError, match="raise max_pixels to read it"):
        masks.read_mask_file(tmp_path / "a.png", (8, 9), max_pixels=71)
    assert masks.read_mask_file(tmp_path / "a.png", (8, 9), max_pixels=72).all()
