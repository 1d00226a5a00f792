"""Paints: codes of real pictures, drawn so that they differ."""

import json

import pytest
import torch

from agerestore import paints
from agerestore.color import rgb_to_lab
from agerestore.config import ColorConfig
from agerestore.monitor import centre_of
from agerestore.networks import build


def of(codes, tints):
    return {"codes": paints._written(codes), "tints": paints._written(tints), "dimensions": codes.shape[1]}


@pytest.fixture
def six():
    """Six paints on a line of tints, each with the code of one axis."""
    return of(torch.eye(6), torch.arange(6.0)[:, None] * torch.tensor([[1.0, 0.0]]))


def test_of_one_seed_the_first_are_the_same_for_every_count(six):
    for seed in range(10):
        many = paints.choose(six, 5, seed)
        assert torch.equal(paints.choose(six, 2, seed), many[:2])
        assert torch.equal(paints.choose(six, 5, seed), many)


def test_every_paint_comes_first_now_and_then(six):
    first = torch.cat([paints.choose(six, 1, seed) for seed in range(100)])
    assert (first.sum(dim=0) > 5).all()


def test_the_second_is_far_from_the_first(six):
    def distance(seed):
        one, other = paints.choose(six, 2, seed).argmax(dim=1).tolist()
        return abs(one - other)

    # Of two drawn alike the mean distance is 35/18; of the farthest of four candidates more.
    assert sum(map(distance, range(200))) / 200 > 2.7


def test_codes_come_back_on_the_sphere_and_through_a_header(six):
    codes = torch.randn(5, 3)
    found = json.loads(json.dumps(of(codes, torch.zeros(5, 2))))
    drawn = paints.choose(found, 20, 0)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(20))
    cosines = drawn @ torch.nn.functional.normalize(codes).T
    torch.testing.assert_close(cosines.max(dim=1).values, torch.ones(20))


def test_collected_codes_are_those_of_the_encoder_and_tints_what_they_draw():
    model = build(ColorConfig(width=4, latent_dim=4)).eval()
    torch.nn.init.constant_(model.generator.leave.bias, 1.0)  # one colour everywhere, whatever the code
    lab = rgb_to_lab(torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    found = paints.collect(model, lab)
    torch.testing.assert_close(paints._read(found["codes"], 4), model.encode(lab).detach())
    drawn = model.generate(lab[:1, :1], torch.zeros(1, 4))[0, :, 0, 0].detach()
    torch.testing.assert_close(paints._read(found["tints"], 2), drawn.expand(6, 2))


def test_the_centre_is_the_ellipse_of_half_the_sides():
    planes = torch.zeros(1, 1, 64, 64)
    planes[:, :, 24:40, 24:40] = 1
    inside = 16 * 16 / (torch.pi * 16**2)
    assert float(centre_of(planes)) == pytest.approx(inside, rel=0.05)
