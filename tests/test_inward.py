"""Known colours continued into large holes: closed forms, and what becomes of a photograph with one."""

import pytest
import torch

from agerestore.architectures import PhotoConfig
from agerestore.networks import build
from agerestore.observation import Observation
from agerestore.photographs.inward import CELL, Continuation, continuation, push_pull
from agerestore.photographs.restoring import restore_photograph
from agerestore.settings import RestoreSettings
from agerestore.tiling import Box, divide


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


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (7, 12)])
def test_one_known_colour_fills_all(size):
    image, known = torch.zeros(1, 2, *size), torch.zeros(1, 1, *size)
    image[..., 0, 0], known[..., 0, 0] = torch.tensor([0.3, 0.7]), 1
    filled = push_pull(image, known)
    torch.testing.assert_close(filled, torch.tensor([0.3, 0.7]).view(1, 2, 1, 1).expand(1, 2, *size))


def test_between_two_colours_lies_a_ramp():
    image, known = torch.zeros(1, 1, 3, 17), torch.zeros(1, 1, 3, 17)
    image[..., 16], known[..., 0], known[..., 16] = 1, 1, 1
    filled = push_pull(image, known)
    torch.testing.assert_close(filled[0, 0], torch.linspace(0, 1, 17).expand(3, 17), atol=0.06, rtol=0)
    assert torch.equal(filled[..., [0, 16]], image[..., [0, 16]])


def test_where_nothing_is_known_all_is_mid_grey():
    assert (push_pull(torch.ones(1, 1, 4, 6), torch.zeros(1, 1, 4, 6)) == 0.5).all()


@pytest.mark.parametrize("observation", [with_hole(0.8, size=16), Observation(torch.rand(1, 3, 50, 50))])
def test_without_a_large_hole_there_is_nothing_to_continue(observation):
    whole = Box(0, 0, *observation.image.shape[2:])
    read = read_from(observation) if observation.mask is not None else lambda box: observation
    assert continuation(whole, read) is None


def test_pieces_equal_the_whole():
    draws = torch.Generator().manual_seed(0)
    colours, deep = torch.rand(1, 3, 13, 10, generator=draws), torch.rand(1, 1, 13, 10, generator=draws) < 0.5
    inward, (height, width) = Continuation(colours, deep, torch.ones(1, 1, 1, 1)), (13 * CELL - 3, 10 * CELL - 7)
    picture = Observation(torch.rand(1, 3, height, width, generator=draws), torch.ones(1, 1, height, width))
    read, whole = read_from(picture), Box(0, 0, height, width)
    expected, doubt = inward.under(picture, whole), inward.doubt(whole)
    for box in divide(whole, 20):
        piece, (rows, columns) = inward.under(read(box), box), box.slices
        assert torch.equal(inward.doubt(box), doubt[:, :, rows, columns])
        torch.testing.assert_close(piece.image, expected.image[:, :, rows, columns])
        assert torch.equal(piece.mask, expected.mask[:, :, rows, columns])


@pytest.mark.parametrize("size", [20, 32, 36, 40, 44, 46, 48, 72])
def test_a_hole_of_any_size_in_one_colour_becomes_that_colour(identity, size):
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


def test_deep_inside_the_network_is_not_believed_to_be_sure(identity):
    torn = with_hole(0.0)
    stripes = (torch.arange(140) // CELL % 2).float().expand(1, 3, 100, 140)
    torn = Observation(torch.where(torn.mask > 0, 0.0, stripes), torn.mask)
    deviation = restore_photograph(identity, torn).deviation
    assert float(deviation[0, 0, 50, 70]) == pytest.approx(0.5, abs=0.02)  # of black and white in equal parts
    assert float(deviation[0, 0, 2, 2]) == pytest.approx(0.05, abs=0.002)  # of the untrained network


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
