"""Known colors continued into large holes: closed forms, and what becomes of a photograph with one."""

import pytest
import torch

from agerestore.config.networks import PhotoConfig
from agerestore.config.options import RestoreSettings
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.coarse_to_fine import LowResFill, low_res_levels
from agerestore.inference.restorer import restore_observation
from agerestore.inference.tiling import Box, divide
from agerestore.models.base import Model
from agerestore.models.registry import build

FACTOR, CPU = 8, torch.device("cpu")


@pytest.fixture(scope="module")
def identity():
    """An untrained estimator, whose answer is the picture with its unknown pixels interpolated."""
    return build(PhotoConfig(widths=(2, 3, 4), latent_dim=0)).eval().requires_grad_(False)


def with_hole(value, height=100, width=140, size=72, within=0.0):
    image, mask = torch.full((1, 3, height, width), value), torch.zeros(1, 1, height, width)
    top, left = (height - size) // 2, (width - size) // 2
    mask[:, :, top : top + size, left : left + size] = 1
    return Observation(torch.where(mask > 0, within, image), mask)


def raster(observation):
    return Raster(observation.image, mask=None if observation.mask is None else observation.mask > 0)


def run(networks, observation, **options):
    """What `restore_observation` gives for bare networks, in fp32 if not told otherwise."""
    return restore_observation(Model(networks, {}), observation, RestoreSettings(**{"precision": "fp32", **options}))


@pytest.mark.parametrize("observation", [with_hole(0.8, size=16), Observation(torch.rand(1, 3, 50, 50))])
def test_without_a_large_hole_nothing_is_filled_at_low_resolution(observation):
    assert low_res_levels(raster(observation), FACTOR, CPU) == []


def test_levels_end_where_no_hole_is_deep_and_the_smallest_comes_first():
    levels = low_res_levels(raster(with_hole(0.8, 256, 256, size=160)), 2, CPU)
    sizes = [level.raster.size for level in levels]
    assert sizes == [(256 // 2**k, 256 // 2**k) for k in range(len(sizes), 0, -1)]
    assert [level.total_factor for level in levels] == [2**k for k in range(len(sizes), 0, -1)]
    assert len(levels) == 4
    assert low_res_levels(levels[0].raster, 2, CPU) == []


def test_the_core_of_a_hole_is_filled_at_low_resolution():
    """Colors in halves: what stands in the hole is not seen, its core is filled, and all of it is uncertain."""
    torn = with_hole(0.0, 128, 128, size=64, within=float("nan"))
    halves = (torch.arange(128) >= 64).float().expand(1, 3, 128, 128)
    torn = Observation(torch.where(torn.mask > 0, torn.image, halves), torn.mask)
    (level,) = low_res_levels(raster(torn), FACTOR, CPU)
    known = ~level.raster.mask
    assert level.raster.values.shape == (1, 3, 128 // FACTOR, 128 // FACTOR)
    assert int(known.sum()) == (128**2 - 64**2) // FACTOR**2
    expected = (torch.arange(16) >= 8).float().expand(1, 3, 16, 16)
    everywhere = known.expand(-1, 3, -1, -1)
    assert torch.equal(level.raster.values[everywhere], expected[everywhere])
    fill, whole = level.filled(torch.full_like(expected, 0.25), torch.full((1, 1, 16, 16), 0.125)), Box(0, 0, 128, 128)
    under = fill.composite_under(torn, whole)
    assert (under.image[:, :, 48:80, 48:80] == 0.25).all()
    assert torch.equal(under.mask == 0, (torn.mask == 0) | (under.image[:, :1] == 0.25))
    assert int(under.mask.sum()) == 64**2 - 32**2
    assert torch.equal(fill.min_std(torn, whole), 0.125 * torn.mask)


def test_where_nothing_is_known_there_is_an_end_to_it(identity):
    nothing = Observation(torch.full((1, 3, 70, 90), float("nan")), torch.ones(1, 1, 70, 90))
    answer = run(identity, nothing, uncertainty=True, precision="auto")
    torch.testing.assert_close(answer.image, torch.full_like(answer.image, 0.5), atol=2e-3, rtol=0)
    torch.testing.assert_close(answer.std, torch.full_like(answer.std, 12**-0.5), atol=2e-3, rtol=0)


def test_the_image_does_not_depend_on_whether_its_uncertainty_is_asked_for(identity):
    torn = with_hole(0.0, 200, 180, size=40)
    random = torch.rand(1, 3, 200, 180, generator=torch.Generator().manual_seed(0))
    torn = Observation(random * (1 - torn.mask), torn.mask)
    whole, fill = (run(identity, torn, tile=64, uncertainty=asked) for asked in (True, False))
    torch.testing.assert_close(fill.image, whole.image, atol=1e-6, rtol=0)
    assert fill.std is None
    assert whole.std.isfinite().all()
    known = torn.mask.expand_as(random) == 0
    assert torch.equal(fill.image[known], torn.image[known])


def test_parts_equal_the_whole():
    draws = torch.Generator().manual_seed(0)
    image, std, core = torch.rand(1, 5, 13, 10, generator=draws).split([3, 1, 1], 1)
    fill, (height, width) = LowResFill(FACTOR, image, std, core < 0.5), (13 * FACTOR - 3, 10 * FACTOR - 7)
    damaged = Observation(torch.rand(1, 3, height, width, generator=draws), torch.ones(1, 1, height, width))
    whole = Box(0, 0, height, width)
    expected, least = fill.composite_under(damaged, whole), fill.min_std(damaged, whole)
    for box in divide(whole, 20):
        part, (rows, columns) = damaged.crop(*box.slices), box.slices
        found = fill.composite_under(part, box)
        torch.testing.assert_close(fill.min_std(part, box), least[:, :, rows, columns])
        torch.testing.assert_close(found.image, expected.image[:, :, rows, columns])
        assert torch.equal(found.mask, expected.mask[:, :, rows, columns])


@pytest.mark.parametrize("size", [20, 32, 36, 40, 44, 46, 48, 72])
def test_a_hole_of_any_size_in_one_color_becomes_that_color(identity, size):
    """Also between the sizes that interpolation reaches over and those that hold something deep."""
    answer = run(identity, with_hole(0.8, size=size), precision="auto")
    torch.testing.assert_close(answer.image, torch.full_like(answer.image, 0.8), atol=2e-3, rtol=0)


def test_tiles_do_not_show_in_a_large_hole(identity):
    torn = with_hole(0.0)
    torn = Observation(torch.linspace(0, 1, 140).expand(1, 3, 100, 140) * (1 - torn.mask), torn.mask)
    whole, tiles = (run(identity, torn, tile=tile, uncertainty=True) for tile in (512, 64))
    torch.testing.assert_close(tiles.image, whole.image, atol=1e-5, rtol=0)
    torch.testing.assert_close(tiles.std, whole.std, atol=1e-5, rtol=0)


def test_what_stands_in_a_hole_of_a_dark_picture_does_not_matter(identity):
    black, white = (run(identity, with_hole(0.1, within=within), precision="auto").image for within in (0.0, 1.0))
    assert torch.equal(black, white)


def test_a_known_sigma_is_what_is_removed_at_most():
    """Where the estimate takes away a deviation of 10, half of that is half of it."""
    identity = build(PhotoConfig(widths=(2, 3, 4), latent_dim=0)).eval().requires_grad_(False)
    identity.estimator.head.bias[:3] = 10 / 255  # in [-1, 1] half of what it adds: 2 * residual / 2
    restored = run(identity, Observation(torch.full((1, 3, 100, 140), 0.6)), sigma=5).image
    torch.testing.assert_close(restored, torch.full_like(restored, 0.6 + 5 / 255), atol=1e-4, rtol=0)
