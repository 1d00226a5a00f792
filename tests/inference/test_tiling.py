"""Tiles: they cover the picture once, begin where halving begins, and survive short memory."""

import numpy as np
import pytest
import torch

from agerestore.config.networks import PhotoConfig
from agerestore.config.options import RestoreSettings
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.images.observation import Observation
from agerestore.images.photo import Photo
from agerestore.inference import tiling
from agerestore.inference.restorer import restore, restore_observation
from agerestore.inference.tiling import Box, Tiles
from agerestore.models.base import Model
from agerestore.models.registry import build


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def run(networks, observation, **options):
    """What `restore_observation` gives for bare networks, in fp32 if not told otherwise."""
    return restore_observation(Model(networks, {}), observation, RestoreSettings(**{"precision": "fp32", **options}))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64), (65, 200), (3, 1000)])
def test_tiles_cover_every_pixel_once_and_progress_counts_them(size):
    count, told = torch.zeros(size), []
    tiles = Tiles(*size, 64, lambda *numbers: told.append(numbers))
    for box in tiles:
        count[box.slices] += 1
    assert (count == 1).all()
    number = -(-size[0] // 64) * -(-size[1] // 64)
    assert told == [(done, number) for done in range(number + 1)]
    assert tiles.side == 64


def test_expanded_tiles_end_at_the_image_and_begin_where_it_is_halved():
    whole = Box(0, 0, 100, 1000)
    assert tiling.expand(Box(0, 64, 64, 128), whole, 30, 4) == (0, 32, 94, 158)
    assert tiling.expand(Box(64, 64, 100, 128), whole, 30, 4) == (32, 32, 100, 158)
    assert Box(64, 64, 100, 128).within(Box(32, 32, 100, 158)) == (32, 32, 68, 96)


def test_where_memory_is_short_tiles_are_divided_and_nothing_is_done_twice():
    count, sides, told = torch.zeros(300, 500), [], []
    tiles = Tiles(300, 500, 256, lambda *numbers: told.append(numbers))
    for box in tiles:
        with tiles.divided_if_too_large():
            if max(box.bottom - box.top, box.right - box.left) > 128 and box.left >= 256:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            sides.append(box.right - box.left)
            count[box.slices] += 1
    assert tiles.side == 128
    assert (count == 1).all()
    assert sides[0] == 256
    assert told[-1] == (len(sides), len(sides))


def test_what_is_no_lack_of_memory_is_not_hidden_and_the_end_is_said():
    def fail(error):
        tiles = Tiles(500, 500, 256)
        for _ in tiles:
            with tiles.divided_if_too_large():
                raise error

    with pytest.raises(RuntimeError, match="shape"):
        fail(RuntimeError("shape mismatch"))
    with pytest.raises(AgeRestoreError, match="not enough memory"):
        fail(MemoryError())


class Canceled(Exception):
    """Raised by whoever is told of the progress."""


@pytest.mark.parametrize("masked", [False, True])
def test_what_progress_raises_cancels_before_another_tile(model, masked):
    """Also while a large hole is filled at low resolution, of which there are several tiles, too."""
    estimates, estimate = [], model.estimate
    model.estimate = lambda *arguments: estimates.append(None) or estimate(*arguments)
    mask = torch.zeros(1, 1, 300, 300)
    mask[..., 20:280, 20:280] = 1
    called = []

    def cancel(done, total):
        called.append((done, total))
        if len(called) == 3:
            raise Canceled

    with pytest.raises(Canceled):
        restore_observation(
            Model(model, {}), Observation(drawn(1, 3, 300, 300), mask if masked else None),
            RestoreSettings(tile=64, precision="fp32"), progress=cancel,
        )  # fmt: skip
    assert len(estimates) <= 2
    if not masked:
        assert called == [(0, 25), (1, 25), (2, 25)]


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (131, 70), (200, 203), (3, 400)])
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_equal_the_whole_without_a_seam(model, size, masked):
    mask = (drawn(1, 1, *size, seed=1) < 0.1).float() if masked else None
    observation = Observation(drawn(1, 3, *size), mask)
    for precision, worst in (("fp32", 1e-5), ("bf16", 3 / 255)):
        whole, tiled = (
            run(model, observation, tile=tile, precision=precision, uncertainty=True) for tile in (1024, 64)
        )
        torch.testing.assert_close(tiled.image, whole.image, rtol=0, atol=worst)
        torch.testing.assert_close(tiled.std, whole.std, rtol=0.05, atol=worst)


def test_samples_in_tiles_equal_those_of_the_whole(model):
    image, mask = drawn(1, 3, 230, 150), (drawn(1, 1, 230, 150, seed=1) < 0.1).float()
    whole, tiled = (
        torch.cat(run(model, Observation(image, mask), tile=tile, samples=2).samples) for tile in (1024, 64)
    )
    assert whole.shape == (2, 3, 230, 150)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


def test_of_a_tile_no_more_is_computed_than_is_marked():
    marks = np.zeros((40, 60), bool)
    marks[3, 7] = marks[12, 50] = marks[30, 20] = True
    assert tiling.bounding_box(Box(0, 0, 20, 60), marks) == Box(3, 7, 13, 51)
    assert tiling.bounding_box(Box(20, 16, 40, 32), marks) == Box(30, 20, 31, 21)
    assert tiling.bounding_box(Box(20, 32, 40, 60), marks) is None


def test_parts_are_spread_from_edge_to_edge():
    boxes = tiling.spread(100, 50, 20)
    assert [(box.top, box.left) for box in boxes] == [(t, left) for t in (0, 40, 80) for left in (0, 15, 30)]
    assert {(box.bottom - box.top, box.right - box.left) for box in boxes} == {(20, 20)}
    assert [box.top for box in tiling.spread(100, 20, 20, multiple=12)] == [0, 36, 72]
    assert tiling.spread(7, 9, 20) == [Box(0, 0, 7, 9)]


@pytest.mark.parametrize("masked", [False, True])
def test_the_reach_of_the_network_is_no_larger_than_it_says(model, masked):
    image, mask = drawn(1, 3, 160, 160).requires_grad_(), (drawn(1, 1, 160, 160, seed=1) < 0.998).float()
    model.estimate(image, mask if masked else None)[0][0, :, 80, 80].sum().backward()
    seen = image.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen - 80).abs().max() <= model.halo(masked)
    assert (seen - 80).abs().max() > model.halo(masked) - 8


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_images_are_restored_in_their_depth_like_tensors(model, dtype):
    peak = torch.iinfo(dtype).max
    levels = (drawn(90, 70, 3) * peak).round()
    photo, models = Photo(levels.to(dtype).numpy()), {"photo": Model(model, {}, "photo")}
    result = restore(models, photo, None, RestoreSettings(tile=64, precision="fp32", uncertainty=True))
    assert restore(models, photo).std is None
    expected = run(model, Observation((levels / peak).permute(2, 0, 1)[None]), uncertainty=True)
    found = torch.from_numpy(result.image.pixels.astype("float32")) / peak
    torch.testing.assert_close(found, expected.image[0].permute(1, 2, 0), rtol=0, atol=0.6 / 255)
    assert result.image.pixels.dtype == photo.pixels.dtype
    assert result.std.shape == (90, 70)
    np.testing.assert_allclose(result.std, expected.std[0, 0], rtol=1e-4, atol=1e-6)


def test_strength_blends_what_was_observed_and_not_what_is_missing(model):
    image, mask = drawn(1, 3, 20, 20), (drawn(1, 1, 20, 20, seed=1) < 0.3).float()
    full, half, none = (run(model, Observation(image), strength=strength).image for strength in (1.0, 0.5, 0.0))
    torch.testing.assert_close(none, image)
    torch.testing.assert_close(half, (full + image) / 2)
    hole = mask.expand_as(image) > 0
    full, half = (run(model, Observation(image, mask), strength=strength).image for strength in (1.0, 0.5))
    assert torch.equal(full, half)
    assert torch.equal(full[~hole], image[~hole])


def test_no_more_is_removed_than_the_noise_that_is_known(model):
    image = drawn(1, 3, 300, 280)
    full = run(model, Observation(image)).image
    removed = 255 * (image - full).square().mean().sqrt().item()
    half = run(model, Observation(image), sigma=removed / 2).image
    assert 255 * (image - half).square().mean().sqrt().item() == pytest.approx(removed / 2, rel=0.1)
    plenty = run(model, Observation(image), sigma=100).image
    torch.testing.assert_close(plenty, full)


def test_a_dark_picture_is_exposed_and_put_back(model):
    image = drawn(1, 3, 40, 40)
    image = image.clamp(max=0.9) / 0.9  # whatever is looked at, its brightest pixels are 1
    light, dark = (run(model, Observation(image * scale)).image for scale in (1.0, 1 / 32))
    torch.testing.assert_close((dark * 32).clamp(0, 1), light, rtol=0, atol=1e-3)


@pytest.fixture
def identity():
    return build(PhotoConfig(widths=(4, 4, 4), blocks=(1, 1, 1), latent_dim=0)).eval().requires_grad_(False)


@pytest.mark.parametrize("rows", [[0, 1, 2], [0, 0, 0], [2, 1, 0], [0]])
def test_lights_and_thin_lines_in_a_dark_picture_stay_as_bright_as_they_are(identity, rows):
    night = torch.full((1, 3, 900, 700), 0.02)
    for column, row in enumerate(rows):
        night[..., 300 + row, 270 + column] = 0.8
    answer = run(identity, Observation(night)).image
    torch.testing.assert_close(answer, night, atol=1e-5, rtol=0)


def test_a_hot_pixel_keeps_no_one_from_exposing_a_dark_picture(model):
    dark = drawn(1, 3, 90, 70) / 50
    hot = dark.clone()
    hot[..., 60, 40] = 0.9
    plain, other = (run(model, Observation(each)).image for each in (dark, hot))
    assert torch.equal(other[..., 60, 40], hot[..., 60, 40])
    far = torch.ones(90, 70, dtype=torch.bool)
    reach = model.halo(masked=False)
    far[60 - reach : 61 + reach, 40 - reach : 41 + reach] = False
    assert far.any()
    torch.testing.assert_close(other[..., far], plain[..., far])


def test_gray_in_three_channels_stays_gray_and_color_in_a_hole_does_not_matter(model):
    gray = drawn(1, 1, 90, 70).expand(-1, 3, -1, -1)
    one = run(model, Observation(gray[:, :1]))
    three = run(model, Observation(gray))
    torch.testing.assert_close(three.image, one.image.expand(-1, 3, -1, -1), atol=1e-6, rtol=0)
    mask = torch.zeros(1, 1, 90, 70)
    mask[..., 20:40, 20:40] = 1
    painted = torch.where(mask > 0, torch.tensor([1.0, 0.0, 0.0])[:, None, None], gray)
    filled = run(model, Observation(painted, mask)).image
    assert torch.equal(filled[:, 0], filled[:, 1])
    tinted = gray.clone()
    tinted[..., 5, 5] = torch.tensor([0.5, 0.6, 0.5])
    colored = run(model, Observation(tinted)).image
    assert not torch.equal(colored[:, 0], colored[:, 1])


@pytest.mark.parametrize("settings", [{}, {"sigma": 2.0}])
def test_each_picture_of_a_batch_is_exposed_and_weighed_as_if_alone(model, settings):
    pictures = drawn(3, 3, 40, 40) * torch.tensor([1.0, 0.02, 0.3])[:, None, None, None]
    together = run(model, Observation(pictures), uncertainty=True, **settings)
    for number, picture in enumerate(pictures):
        alone = run(model, Observation(picture[None]), uncertainty=True, **settings)
        torch.testing.assert_close(together.image[number], alone.image[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(together.std[number], alone.std[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"strength": 2}, {"sigma": -1}, {"tile": 8}, {"latent_steps": -1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        RestoreSettings(**wrong)
