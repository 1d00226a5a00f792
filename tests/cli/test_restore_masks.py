"""``agerestore restore --mask auto``: found defects, saved masks, and images in which there is nothing to do."""

import json

import cv2
import numpy as np
import pytest
from command import EXAMPLES, run, tree

from agerestore.images import io
from agerestore.images.photo import Photo

FIND = ("-m", "photo", "--mask", "auto", "--sensitivity", 0.75, "--save-mask")
PHOTO = EXAMPLES / "photographs" / "photo-chelsea.png"
PRINT, TRUTH = (EXAMPLES / folder / "photo-portrait.png" for folder in ("damaged", "defects"))
PART = slice(60, 300), slice(120, 340)


@pytest.fixture
def scratched(tmp_path):
    """A part of an old print in a folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    io.write(folder / "a.png", Photo(io.read(PRINT).pixels[PART].copy()))
    return folder


def test_scratches_are_found_filled_and_saved_as_a_mask_that_can_be_given_again(scratched, tmp_path):
    out = tmp_path / "out"
    result = run("restore", scratched, out, *FIND, "--json")
    assert result.exit_code == 0, result.output
    assert "filled" in json.loads(result.stdout)["warning"]
    assert tree(out) == ["a.mask.png", "a.png"]
    mask = io.read(out / "a.mask.png").pixels[..., 0] > 0
    before, after, truth = io.read(scratched / "a.png").pixels, io.read(out / "a.png").pixels, io.read(TRUTH).pixels
    drawn = truth[PART][..., 0] > 0
    assert mask[drawn].mean() > 0.7
    assert mask[~drawn].mean() < 0.2
    assert (np.abs(after.astype(int) - before).mean(2)[drawn] > 20).mean() > 0.4  # most were much lighter or darker
    again = run("restore", scratched, tmp_path / "again", "-m", "photo", "--mask", out)
    assert again.exit_code == 0, again.output
    filled = io.read(tmp_path / "again" / "a.png").pixels
    np.testing.assert_array_equal(filled[~mask], before[~mask])
    np.testing.assert_array_equal(filled[mask], after[mask])
    assert "1 skipped" in run("restore", scratched, out, *FIND).stderr


def test_a_mask_next_to_an_image_comes_before_found_defects_and_none_ignores_it(scratched, tmp_path):
    mask = np.zeros((240, 220, 1), np.uint8)
    mask[5:9, 5:9] = 255
    io.write(scratched / "a.mask.png", Photo(mask))
    run("restore", scratched, tmp_path / "auto", "-m", "photo", "--mask", "auto")
    before, given = (io.read(folder / "a.png").pixels for folder in (scratched, tmp_path / "auto"))
    np.testing.assert_array_equal(given[mask[..., 0] == 0], before[mask[..., 0] == 0])
    run("restore", scratched, tmp_path / "none", "-m", "photo", "--mask", "none")
    assert (io.read(tmp_path / "none" / "a.png").pixels != before).mean() > 0.03


def test_a_mask_that_cannot_be_written_is_said_and_the_image_is_there(scratched, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.mask.png").write_bytes(b"somebody's own")
    result = run("restore", scratched, out, "-m", "photo", "--mask", "auto", "--save-mask")
    assert result.exit_code == 0, result.output
    assert "not written" in result.stderr
    assert "a.mask.png" in result.stderr
    assert (out / "a.mask.png").read_bytes() == b"somebody's own"
    assert (out / "a.png").exists()


def test_an_image_in_which_nothing_is_found_is_copied_to_the_byte(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    soft = Photo(cv2.GaussianBlur(io.read(PHOTO).pixels, (0, 0), 3))
    io.write(folder / "a.png", soft)
    io.write(folder / "b.jpg", soft, quality=95)
    result = run("restore", folder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("nothing was found to restore") == 2
    assert "--always" in result.stderr
    for name in ("a.png", "b.jpg"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()
    run("restore", folder, tmp_path / "as-png", "--ext", ".png")  # another format has the same pixels
    np.testing.assert_array_equal(io.read(tmp_path / "as-png" / "b.png").pixels, io.read(folder / "b.jpg").pixels)
    run("restore", folder, tmp_path / "always", "--always")
    assert (tmp_path / "always" / "a.png").read_bytes() != (folder / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mask", "auto", "--sensitivity", 1.5), "--sensitivity 1.5 is not within 0 to 1"),
        (("--mask", "auto", "-m", "mnist"), "'mnist' takes no automatic mask"),
        (("--save-mask", "-m", "photo"), "pass --mask auto, too"),
    ],
)
def test_options_that_cannot_be_are_usage_errors(scratched, tmp_path, options, words):
    result = run("restore", scratched, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out").exists()
