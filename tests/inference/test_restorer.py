"""The one way to restore: images of any type in, the same type out, and what is said about it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError
from agerestore.images.io import read, write
from agerestore.images.observation import Observation
from agerestore.images.photo import Photo
from agerestore.images.raster import Raster
from agerestore.inference import assessment, fixed_size, restorer, selection
from agerestore.inference.restorer import restore, restore_observation
from agerestore.inference.selection import select_model
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.models.registry import build

EXAMPLES = Path(__file__).parents[2] / "examples"


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def loaded(model):
    return Model(model, {"domain": {}})


@pytest.mark.parametrize("shape", [(20, 31, 3), (20, 31), (20, 31, 4), (20, 31, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_known_pixels_and_alpha_come_back_bit_for_bit(loaded, shape, dtype):
    random = np.random.default_rng(0)
    picture = random.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)
    mask = random.random(shape[:2]) < 0.3
    restored = restore({"photo": loaded}, picture, mask).image
    assert restored.dtype == dtype
    assert (restored[~mask] == picture[~mask]).all()
    assert (restored[mask] != picture[mask]).any()
    if shape[2:] in ((2,), (4,)):
        assert (restored[..., -1] == picture[..., -1]).all()


def test_the_tones_of_samples_are_brought_back_like_those_of_the_center(loaded):
    pixels = np.random.default_rng(0).integers(90, 150, (40, 50, 3), dtype=np.uint8)  # faded
    hole = np.zeros((40, 50), bool)
    hole[10:20, 10:30] = True
    restored = restore({"photo": loaded}, Photo(pixels), hole, RestoreSettings(tones=1, samples=2))
    assert restored.image.pixels[~hole].min() < 5
    for sample in restored.samples:
        assert (sample.pixels[~hole] == restored.image.pixels[~hole]).all()
        assert (sample.pixels[hole] != restored.image.pixels[hole]).any()


def test_gray_stays_gray_and_the_answer_stays_in_range(loaded):
    restored = restore_observation(loaded, Observation(drawn(2, 1, 9, 14) * 3 - 1)).image
    assert restored.shape == (2, 1, 9, 14)
    assert restored.min() >= 0
    assert restored.max() <= 1


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
def test_precision_changes_the_answer_little(loaded, precision):
    image = drawn(1, 3, 32, 32)
    exact = restore_observation(loaded, Observation(image), RestoreSettings(precision="fp32")).image
    answer = restore_observation(loaded, Observation(image), RestoreSettings(precision=precision)).image
    torch.testing.assert_close(answer, exact, rtol=0, atol=3 / 255)


def test_large_pictures_are_photographs_and_small_ones_may_be_of_a_domain(loaded):
    domain = {"unexplained": math.inf, "reencoding": math.inf}  # takes everything for its own
    greedy = Model(build(AutoencoderConfig(width=2)).eval(), {"domain": domain})
    models = {"greedy": greedy, "photo": loaded}
    assert select_model(models, Raster(drawn(1, 3, 60, 64))).name == "greedy"
    greedy.networks.encode = lambda *_, **__: pytest.fail("asked a model of small images")
    assert select_model(models, Raster(drawn(1, 3, 60, 65))).name == "photo"
    never = Model(build(AutoencoderConfig(width=2)).eval(), {"domain": {"unexplained": 1e-9, "reencoding": 1e-9}})
    assert select_model({"never": never, "photo": loaded}, Raster(drawn(1, 3, 32, 32))).name == "photo"


def test_an_image_is_read_once_however_many_models_score_it(loaded, monkeypatch):
    networks, reads = build(AutoencoderConfig(width=2)).eval(), []
    models = {name: Model(networks, {"domain": {"unexplained": 1e-9, "reencoding": 1e-9}}) for name in ("a", "b", "c")}
    read_part = Raster.read
    monkeypatch.setattr(Raster, "read", lambda *arguments: reads.append(1) or read_part(*arguments))
    assert select_model({**models, "photo": loaded}, Raster(drawn(1, 3, 32, 32))).name == "photo"
    assert len(reads) == 1


def test_what_a_model_generated_for_its_score_is_not_computed_again(loaded, monkeypatch):
    domain = {"unexplained": math.inf, "reencoding": math.inf}
    models = {"greedy": Model(build(AutoencoderConfig(width=2)).eval(), {"domain": domain}), "photo": loaded}
    image, passes = drawn(1, 3, 32, 32), []

    def counted(*arguments):
        passes.append(arguments)
        return fixed_size.restore_fixed_size(*arguments)

    for module in (restorer, selection):
        monkeypatch.setattr(module, "restore_fixed_size", counted)
    alone = restorer.restore({"greedy": models["greedy"]}, image).image
    passes.clear()
    assert torch.equal(restorer.restore(models, image).image, alone)
    assert len(passes) == 1


def test_a_jpeg_gains_as_a_jpeg_and_with_a_mask_keeps_its_own_compression(tmp_path):
    """Of a shipped photograph, compressed hard: the file that is written is nearer to the truth than the one read."""
    truth = read(EXAMPLES / "photographs" / "photo-rocket.png").pixels
    Image.fromarray(truth).save(tmp_path / "a.jpg", quality=15)
    damaged, models = read(tmp_path / "a.jpg"), {"photo": zoo.load("photo")}
    write(tmp_path / "b.jpg", restore(models, damaged).image)
    errors = [np.square(read(tmp_path / name).pixels - truth.astype(float)).mean() for name in ("a.jpg", "b.jpg")]
    assert errors[1] < 0.85 * errors[0]  # 0.7 dB
    hole = np.zeros(truth.shape[:2], bool)
    hole[:9, :9] = True
    assert restore(models, damaged, hole).image.metadata == damaged.metadata


def test_a_soft_photograph_stays_as_it_is_and_loses_blocks_that_were_enlarged(tmp_path):
    """A part of a shipped one, 1.6 times as large: the fur of a cat is no grain, and large blocks are no texture."""
    part = Image.fromarray(read(EXAMPLES / "photographs" / "photo-chelsea.png").pixels).crop((40, 30, 200, 150))
    soft = part.resize((256, 192), Image.Resampling.BICUBIC)
    part.save(tmp_path / "a.jpg", quality=50)
    blocks = Image.open(tmp_path / "a.jpg").resize(soft.size, Image.Resampling.BICUBIC)
    truth, damaged = np.asarray(soft).copy(), np.asarray(blocks).copy()
    models = {"photo": zoo.load("photo")}

    def error(pixels):
        return np.square(pixels - truth.astype(float)).mean()

    assert error(restore(models, Photo(truth)).image.pixels) < 255**2 * 10**-4.2  # 42 dB
    assert error(restore(models, Photo(damaged)).image.pixels) < 0.93 * error(damaged)


def test_samples_differ_in_the_middle_of_a_large_hole_too():
    photo, models = read(EXAMPLES / "photographs" / "photo-chelsea.png"), {"photo": zoo.load("photo")}
    unknown = np.zeros(photo.pixels.shape[:2], bool)
    unknown[60:156, 60:156] = True
    samples = restore(models, photo, unknown, RestoreSettings(samples=4)).samples
    assert all(np.array_equal(each.pixels[~unknown], photo.pixels[~unknown]) for each in samples)
    middle = np.stack([each.pixels[96:120, 96:120] for each in samples]).astype(float)
    assert middle.std(0).mean() > 4  # gray levels; 13.4, and 0.05 with one middle for all


def test_a_document_is_left_alone_and_its_name_said():
    page = np.full((64, 64, 3), 255, np.uint8)
    page[8:56:8, 8:40:2] = 0
    page[20:50, 50:52] = 0
    models = {"photo": zoo.load("photo"), "mnist": zoo.load("mnist")}
    restored = restore(models, Photo(page))
    assert np.array_equal(restored.image.pixels, page)
    assert ["document or drawing" in remark for remark in restored.remarks] == [True]
    assert not np.shares_memory(restored.image.pixels, page)
    asked = restore({"photo": models["photo"]}, Photo(page))
    assert not np.array_equal(asked.image.pixels, page)
    assert "document or drawing" in asked.remarks[0]


def test_options_that_a_mask_leaves_nothing_to_are_named(model):
    photo, settings = Photo(np.full((16, 16, 3), 90, np.uint8)), RestoreSettings(strength=0.5, sigma=3)
    models = {"mine": Model(model, {})}
    assert restore(models, photo, None, settings).remarks == []
    (remark,) = restore(models, photo, np.eye(16, dtype=bool), settings).remarks
    assert remark == "'mine' does not support `strength` and `sigma` with a mask"
    assert remark.once


def test_an_option_that_the_model_does_not_support_is_an_error_and_with_several_models_a_remark(loaded):
    photo = Photo(np.full((90, 90, 3), 90, np.uint8))
    with pytest.raises(UsageError, match="latent_steps"):
        restore({"photo": loaded}, photo, None, RestoreSettings(latent_steps=5))
    domain = {"unexplained": 1.0, "reencoding": 1.0}
    models = {"small": Model(build(AutoencoderConfig(width=2)).eval(), {"domain": domain}), "photo": loaded}
    (remark,) = restore(models, photo, None, RestoreSettings(latent_steps=5, always=True)).remarks
    assert remark == "'photo' does not support `latent_steps`"


@pytest.mark.parametrize(("share", "words"), [(0, "mask is black"), (1, "nowhere black"), (0.9, "calls 90%")])
def test_what_is_odd_about_a_mask_is_said(loaded, share, words):
    mask = np.zeros((10, 10), bool)
    mask.flat[: int(100 * share)] = True
    (remark,) = restore({"photo": loaded}, np.full((10, 10, 3), 99, np.uint8), mask).remarks
    assert words in remark


def test_a_single_known_pixel_of_a_large_image_is_not_rounded_away():
    mask = torch.ones(1, 1, 4096, 4097, dtype=torch.bool)  # more pixels than float32 counts exactly
    mask[0, 0, 0, 0] = False
    (remark,) = assessment._mask_remarks(mask)
    assert "calls 100% of the image missing" in remark


def test_a_batch_of_tensors_keeps_its_shape_and_has_no_samples(loaded):
    batch = drawn(2, 3, 9, 14)
    result = restore({"photo": loaded}, batch, None, RestoreSettings(uncertainty=True))
    assert (result.image.shape, result.std.shape) == ((2, 3, 9, 14), (2, 1, 9, 14))
    assert restore({"photo": loaded}, batch[0, 0], None, RestoreSettings(uncertainty=True)).std.shape == (9, 14)
    with pytest.raises(UsageError, match="a batch of 2"):
        restore({"photo": loaded}, batch, None, RestoreSettings(samples=1))


def test_tiles_equal_the_whole_in_every_position(model):
    damaged = Observation(drawn(1, 3, 131, 150), (drawn(1, 1, 131, 150, seed=1) < 0.1).float())
    settings = RestoreSettings(ensemble=8, precision="fp32")
    whole, tiles, single = (
        restore_observation(Model(model, {}), damaged, each).image
        for each in (settings, replace(settings, tile=64), replace(settings, ensemble=1))
    )
    torch.testing.assert_close(tiles, whole, rtol=0, atol=1e-5)
    assert not torch.allclose(single, whole, rtol=0, atol=1e-4)
