"""``agerestore restore``: images, masks, models."""

import json

import numpy as np
import pytest
from command import EXAMPLES, NOISE, run, tree

from agerestore.config.networks import AutoencoderConfig
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import weights as checkpoint
from agerestore.models.registry import build


def test_a_folder_is_restored_into_a_mirrored_tree_and_originals_stay(folder, weights, tmp_path):
    before = {path: (folder / path).read_bytes() for path in tree(folder)}
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 0, result.output
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]
    assert "3 of 3 files written" in result.stderr
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == before


def test_the_mask_beside_a_picture_is_found_and_observed_pixels_are_bit_exact(folder, weights, tmp_path):
    run("restore", folder, tmp_path / "out", "-m", weights)
    known = io.read(folder / "a.mask.png").pixels == 0
    before, after = (io.read(root / "a.png").pixels for root in (folder, tmp_path / "out"))
    assert np.array_equal(before[known], after[known])
    assert not np.array_equal(before[~known], after[~known])


def test_a_single_picture_with_a_mask_named(folder, weights, tmp_path):
    mask = folder / "a.mask.png"
    result = run("restore", folder / "sub" / "b.png", tmp_path / "b.png", "-m", weights, "--mask", mask,
                 "--latent-steps", 2, "--json", "-q")  # fmt: skip
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert (row["status"], row["output"], row["mask"]) == ("done", str(tmp_path / "b.png"), str(folder / "a.mask.png"))
    assert result.stderr == ""


def test_a_bad_file_is_named_and_the_others_are_restored(folder, weights, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    result = run("restore", folder, tmp_path / "out", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'bad.png'}: " in result.stderr
    assert "3 of 4 files written, 1 failed" in result.stderr
    assert tree(tmp_path / "out") == ["a.png", "sub/b.png", "sub/c.tif"]


def test_an_existing_output_is_kept_unless_asked(folder, weights, tmp_path):
    (tmp_path / "out.png").write_bytes(b"precious")
    arguments = ("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "exists; pass --overwrite" in refused.stderr
    assert (tmp_path / "out.png").read_bytes() == b"precious"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert io.read(tmp_path / "out.png").pixels.shape == (32, 32, 1)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]
)
def test_a_picture_too_large_for_the_memory_is_named(folder, weights, tmp_path, monkeypatch, error):
    def too_large(*arguments, **options):
        raise error

    monkeypatch.setattr("agerestore.inference.restorer.restore_raster", too_large)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert f"{folder / 'a.png'}: not enough memory" in result.stderr


def test_a_folder_without_a_mask_for_any_picture_is_refused_and_one_that_lacks_some_is_said(folder, weights, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--mask", masks)
    assert result.exit_code == 2
    assert "holds no mask for any of these" in result.stderr
    io.write(masks / "sub" / "b.png", io.read(folder / "a.mask.png"))
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--mask", masks)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stderr.splitlines() if "has no mask in" in line]
    assert [name for name in ("a.png", "b.png", "c.tif") if any(f"{name}: has no" in line for line in lines)] == [
        "a.png", "c.tif"]  # fmt: skip


def test_a_name_as_long_as_a_file_may_have_stops_no_folder(folder, weights, tmp_path):
    (folder / "a.png").rename(folder / ("a" * 247 + ".png"))
    result = run("restore", folder, tmp_path / "out", "-m", weights, "--suffix", "")
    assert "files written" in result.stderr
    assert {"sub/b.png", "sub/c.tif"} <= set(tree(tmp_path / "out"))


def test_a_mask_of_another_size_is_named(folder, weights, tmp_path):
    io.write(folder / "a.mask.png", Photo(np.zeros((8, 9, 1), np.uint8)), overwrite=True)
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", weights)
    assert result.exit_code == 1
    assert "a mask of 9 x 8 pixels for an image of 32 x 32" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_other_weights_of_the_same_name_are_another_model(folder, weights, tmp_path):
    arguments = ("restore", folder, tmp_path / "out", "-m", weights)
    assert run(*arguments).exit_code == 0
    assert "3 skipped" in run(*arguments).stderr
    io.write(folder / "sub" / "b.mask.png", Photo(np.full((32, 32, 1), 255, np.uint8)))
    assert "0 of 3 files written, 2 skipped (done before), 1 failed" in run(*arguments).stderr
    model = build(AutoencoderConfig(channels=1, latent_dim=5, width=2)).eval()
    checkpoint.save_weights(weights, model, {"domain": {"unexplained": 1e9, "reencoding": 1e9}})
    assert "3 failed" in run(*arguments).stderr
    assert "3 of 3 files written" in run(*arguments, "--overwrite").stderr


def test_photographs_are_restored_at_any_size_with_what_was_asked_for_beside(photo_weights, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 131, 3), dtype=np.uint8)
    io.write(tmp_path / "in.png", Photo(pixels))
    hole = np.zeros((70, 131, 1), np.uint8)
    hole[20:40, 30:60] = 255
    io.write(tmp_path / "in.mask.png", Photo(hole))
    result = run("restore", tmp_path / "in.png", tmp_path / "out" / "a.png", "-m", photo_weights, "--samples", 2,
                 "--uncertainty", "--compare", "--tile", 64, "--strength", 0.5, "--sigma", 10,
                 "--ensemble", 2)  # fmt: skip
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"a.png", "a.sample-1.png", "a.sample-2.png", "a.uncertainty.png", "a.compare.png"}
    first, second = (io.read(tmp_path / "out" / f"a.sample-{i}.png").pixels for i in (1, 2))
    known = hole[..., 0] == 0
    assert (first[known] == pixels[known]).all()
    assert (first != second).any()
    assert io.read(tmp_path / "out" / "a.uncertainty.png").pixels.shape == (70, 131, 1)
    assert io.read(tmp_path / "out" / "a.compare.png").pixels.shape == (70, 131 + 8 + 131, 3)
    again = run("restore", tmp_path / "in.png", tmp_path / "b.png", "-m", photo_weights, "--samples", 1)
    assert again.exit_code == 0
    assert (io.read(tmp_path / "b.sample-1.png").pixels == first).all()  # the same seed, other tiles


@pytest.mark.parametrize(
    ("option", "words"),
    [(("--tile", "12"), "tile 12 is too small"), (("--tile", "half"), "--tile half is neither auto nor"),
     (("--strength", "2"), "strength 2 is not within"),
     (("--ensemble", "3"), "ensemble 3 is none of"),
     (("--sigma", "-1"), "sigma -1 is not within")],
)  # fmt: skip
def test_what_makes_no_sense_for_a_photograph_is_refused(photo_weights, folder, tmp_path, option, words):
    result = run("restore", folder / "a.png", tmp_path / "out.png", "-m", photo_weights, *option)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_of_several_models_one_that_does_not_support_an_option_says_so_once(tmp_path):
    """Two digits and a photograph, of which samples are wanted that only the latter's model draws."""
    for name in ("digit-3", "digit-8"):
        io.write(tmp_path / "in" / f"{name}.png", io.read(EXAMPLES / "clean" / f"{name}.png"))
    io.write(tmp_path / "in" / "photo.png", Photo(np.full((70, 70, 3), 90, np.uint8)))
    result = run("restore", tmp_path / "in", tmp_path / "out", "--samples", 1, "--latent-steps", 1)
    assert result.exit_code == 0, result.output
    assert [line.split(": ", 1)[1] for line in result.stderr.splitlines()[:-1]] == [
        f"{tmp_path / 'in' / 'digit-3.png'}: taken for one of its kind by 'mnist', which generates it anew; "
        "name another with -m if it is none (said once); 'mnist' does not support -n (said once)",
        f"{tmp_path / 'in' / 'photo.png'}: 'photo' does not support --latent-steps (said once)",
    ]
    assert tree(tmp_path / "out") == ["digit-3.png", "digit-8.png", "photo.png", "photo.sample-1.png"]


@pytest.mark.parametrize(
    ("level", "words"),
    [(0, "the mask is black"), (255, "nowhere black"), (None, "calls 90% of the image missing")],
)
def test_odd_masks_are_remarked_on(photo_weights, tmp_path, level, words):
    io.write(tmp_path / "in.png", Photo(np.full((20, 20, 3), 90, np.uint8)))
    mask = np.full((10, 10, 1), 255 if level is None else level, np.uint8)
    if level is None:
        mask[4] = 0
    io.write(tmp_path / "m.png", Photo(mask))
    arguments = [
        "restore",
        tmp_path / "in.png",
        tmp_path / "out.png",
        "-m",
        photo_weights,
        "--mask",
        tmp_path / "m.png",
    ]
    assert "--resize-mask" in run(*arguments).stderr
    result = run(*arguments, "--resize-mask")
    assert (result.exit_code, words in result.stderr) == (0, True), result.stderr


@pytest.mark.parametrize("name", ["a.mask.jpg", "a.png.mask.tif", "a.Mask.png", "a.MASK.PNG"])
def test_a_mask_may_be_of_any_format(name, photo_weights, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    io.write(tmp_path / "in" / "a.png", Photo(pixels))
    hole = np.zeros((40, 40, 1), np.uint8)
    hole[8:24, 8:24] = 255
    io.write(tmp_path / "in" / name, Photo(hole))
    result = run("restore", tmp_path / "in", tmp_path / "out", "-m", photo_weights)
    assert "1 of 1 files written" in result.stderr, result.output
    restored = io.read(tmp_path / "out" / "a.png").pixels
    assert np.array_equal(restored[30:], pixels[30:])
    assert not np.array_equal(restored[10:20, 10:20], pixels[10:20, 10:20])


def test_what_is_written_beside_results_is_no_picture_of_the_next_run(folder, weights, tmp_path):
    arguments = ("restore", folder, folder, "-m", weights, "--suffix", ".new", "--compare")
    assert run(*arguments).exit_code == 0
    assert (folder / "a.new.compare.png").exists()
    assert "0 of 3 files written, 3 skipped" in run(*arguments).stderr


def test_what_decides_whether_a_picture_is_taken_is_no_setting_of_its_result(folder, photo_weights, tmp_path):
    restore = ("restore", folder, tmp_path / "out", "-m", photo_weights)
    assert run(*restore, "--compare").exit_code == 0
    again = run(*restore, "--compare", "--max-pixels", 10**9, "--resize-mask", "--tile", 64)
    assert "3 skipped" in again.stderr, again.output
    further = run("degrade", tmp_path / "out", tmp_path / "further", *NOISE)  # and sheets are no pictures to go on with
    assert "3 of 3 files written" in further.stderr, further.output


def test_what_only_the_verb_colorize_can_do_is_named_as_its_option(folder, tmp_path):
    color = EXAMPLES / "damaged" / "photo-chelsea.png"
    result = run("restore", color, tmp_path / "out.png", "--colorize")
    assert (result.exit_code, "use agerestore colorize --force to" in result.stderr) == (1, True)
