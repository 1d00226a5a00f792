"""Known colors continued into large holes: closed forms, and what becomes of a photograph with one."""

import pytest
import torch

from agerestore.config.networks import PhotoConfig
from agerestore.config.options import RestoreSettings
from agerestore.images.observation import Observation
from agerestore.inference.coarse_to_fine import Continuation, continuation
from agerestore.inference.photographs import restore_photograph
from agerestore.inference.tiling import Box, divide
from agerestore.models.registry import build

CELL = 8  # pixels a side


@pytest.fixture(scope="module")
def identity():
    """An untrained estimator, whose answer is the picture with its unknown pixels interpolated."""
    return build(PhotoConfig(widths=(2, 3, 4), latent_dim=0)).eval().requires_grad_(False)


def with_hole(value, height=100, width=140, size=72, within=0.0):
    image, mask = torch.full((1, 3, height, width), value), torch.zeros(1, 1, height, width)
    top, left = (height - size) // 2, (width - size) // 2
    mask[:, :, top : top + size, left : left + size] = 1
    return Observation(torch.where(mask > 0, within, image), mask)


def read_from(observation):
    def read(box):
        rows, columns = box.slices
        return Observation(observation.image[:, :, rows, columns], observation.mask[:, :, rows, columns])

    return read


@pytest.mark.parametrize("observation", [with_hole(0.8, size=16), Observation(torch.rand(1, 3, 50, 50))])
def test_without_a_large_hole_there_is_nothing_to_continue(observation):
    whole = Box(0, 0, *observation.image.shape[2:])
    read = read_from(observation) if observation.mask is not None else lambda box: observation
    assert continuation(whole, read, pytest.fail, CELL) is None


def test_what_is_deep_is_filled_on_a_picture_of_cells():
    """Of colors in halves; what stands in the hole is not seen; what is deep in it is put under, all of it doubted."""
    torn = with_hole(0.0, 128, 128, size=64, within=float("nan"))
    halves = (torch.arange(128) >= 64).float().expand(1, 3, 128, 128)
    torn = Observation(torch.where(torn.mask > 0, torn.image, halves), torn.mask)
    seen = []

    def fill(cells):
        seen.append(cells)
        return torch.full_like(cells.image, 0.25), torch.full_like(cells.image, 0.125)

    whole = Box(0, 0, 128, 128)
    inward = continuation(whole, read_from(torn), fill, CELL)
    (cells,) = seen
    known = cells.mask == 0
    assert cells.image.shape == (1, 3, 128 // CELL, 128 // CELL)
    assert int(known.sum()) == (128**2 - 64**2) // CELL**2
    expected = (torch.arange(16) >= 8).float().expand(1, 3, 16, 16)
    assert torch.equal(cells.image[known.expand(-1, 3, -1, -1)], expected[known.expand(-1, 3, -1, -1)])
    under = inward.under(torn, whole)
    assert (under.image[:, :, 48:80, 48:80] == 0.25).all()
    assert torch.equal(under.mask == 0, (torn.mask == 0) | (under.image[:, :1] == 0.25))
    assert int(under.mask.sum()) == 64**2 - 32**2
    assert torch.equal(inward.doubt(torn, whole), 0.125 * torn.mask)


def test_where_nothing_is_known_there_is_an_end_to_it(identity):
    nothing = Observation(torch.full((1, 3, 70, 90), float("nan")), torch.ones(1, 1, 70, 90))
    answer = restore_photograph(identity, nothing)
    torch.testing.assert_close(answer.image, torch.full_like(answer.image, 0.5), atol=2e-3, rtol=0)
    torch.testing.assert_close(answer.deviation, torch.full_like(answer.image, 12**-0.5), atol=2e-3, rtol=0)


def test_a_fill_is_what_the_whole_picture_gives(identity):
    torn = with_hole(0.0, 200, 180, size=40)
    torn = Observation(
        torch.rand(1, 3, 200, 180, generator=torch.Generator().manual_seed(0)) * (1 - torn.mask), torn.mask
    )
    whole, fill = (
        restore_photograph(identity, torn, RestoreSettings(tile=64, precision="fp32"), fill=fill)
        for fill in (False, True)
    )
    unknown = torn.mask.expand_as(fill.image) > 0
    torch.testing.assert_close(fill.image[unknown], whole.image[unknown], atol=1e-6, rtol=0)
    assert fill.deviation.isnan().all()
    assert whole.deviation.isfinite().all()
    assert torch.equal(fill.image[..., :64, :], torn.image[..., :64, :])  # tiles without anything unknown


def test_pieces_equal_the_whole():
    draws = torch.Generator().manual_seed(0)
    colors, deviation, deep = torch.rand(1, 5, 13, 10, generator=draws).split([3, 1, 1], 1)
    inward, (height, width) = Continuation(CELL, colors, deviation, deep < 0.5), (13 * CELL - 3, 10 * CELL - 7)
    picture = Observation(torch.rand(1, 3, height, width, generator=draws), torch.ones(1, 1, height, width))
    read, whole = read_from(picture), Box(0, 0, height, width)
    expected, doubt = inward.under(picture, whole), inward.doubt(picture, whole)
    for box in divide(whole, 20):
        piece, (rows, columns) = inward.under(read(box), box), box.slices
        torch.testing.assert_close(inward.doubt(read(box), box), doubt[:, :, rows, columns])
        torch.testing.assert_close(piece.image, expected.image[:, :, rows, columns])
        assert torch.equal(piece.mask, expected.mask[:, :, rows, columns])


@pytest.mark.parametrize("size", [20, 32, 36, 40, 44, 46, 48, 72])
def test_a_hole_of_any_size_in_one_color_becomes_that_color(identity, size):
    """Also between the sizes that interpolation reaches over and those that hold something deep."""
    answer = restore_photograph(identity, with_hole(0.8, size=size))
    torch.testing.assert_close(answer.image, torch.full_like(answer.image, 0.8), atol=2e-3, rtol=0)


def test_tiles_do_not_show_in_a_large_hole(identity):
    torn = with_hole(0.0)
    torn = Observation(torch.linspace(0, 1, 140).expand(1, 3, 100, 140) * (1 - torn.mask), torn.mask)
    whole, tiles = (
        restore_photograph(identity, torn, RestoreSettings(tile=tile, precision="fp32")) for tile in (512, 64)
    )
    torch.testing.assert_close(tiles, whole, atol=1e-5, rtol=0)


def test_what_stands_in_a_hole_of_a_dark_picture_does_not_matter(identity):
    black, white = (restore_photograph(identity, with_hole(0.1, within=within)).image for within in (0.0, 1.0))
    assert torch.equal(black, white)


def test_a_known_sigma_is_of_the_known_pixels():
    """Where the estimate takes away a deviation of 10, half of that is half of it, however much is unknown."""
    identity = build(PhotoConfig(widths=(2, 3, 4), latent_dim=0)).eval().requires_grad_(False)
    identity.estimator.leave.bias[:3] = 10 / 255  # in [-1, 1] half of what it adds: 2 * residual / 2
    settings = RestoreSettings(sigma=5, precision="fp32")
    torn = with_hole(0.6, size=80)
    restored = restore_photograph(identity, torn, settings).image
    torch.testing.assert_close(restored[0, :, 0, 0], torch.full((3,), 0.6 + 5 / 255), atol=1e-4, rtol=0)
