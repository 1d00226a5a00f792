"""Paints: codes of real pictures, drawn so that they complement each other."""

import json

import pytest
import torch

from agerestore import paints
from agerestore.color import rgb_to_lab
from agerestore.config import ColorConfig
from agerestore.monitor import centre_of, chroma_of
from agerestore.networks import build


def of(codes, tints, fits=None):
    fits = torch.zeros(len(codes), len(codes)) if fits is None else fits
    return {"codes": paints._written(codes), "tints": paints._written(tints), "fits": paints._written(fits, "<f2"),
            "dimensions": codes.shape[1]}  # fmt: skip


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


def test_of_paints_that_fit_alike_the_farthest_follows(six):
    for seed in range(20):
        first, second = paints.choose(six, 2, seed).argmax(dim=1).tolist()
        assert second == (5 if first < 3 else 0)
        before = {key: value for key, value in six.items() if key != "fits"}
        assert torch.equal(paints.choose(before, 5, seed), paints.choose(six, 5, seed))


def test_the_paint_that_brings_most_pictures_closer_follows():
    """Paint k, and it alone, fits k pictures."""
    fits = torch.zeros(15, 6)
    for paint in range(6):
        fits[sum(range(paint)) : sum(range(paint + 1)), paint] = 1.0
    six = of(torch.eye(6), torch.zeros(6, 2), fits)
    for seed in range(20):
        first, *others = paints.choose(six, 5, seed).argmax(dim=1).tolist()
        assert others == [paint for paint in (5, 4, 3, 2, 1) if paint != first][:4]


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


def test_fits_are_the_psnr_of_each_picture_in_each_paint_but_its_own():
    model = build(ColorConfig(width=4, latent_dim=4)).eval()
    lab = rgb_to_lab(torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    fits = paints._read(paints.collect(model, lab)["fits"], 5, "<f2")
    codes = model.encode(lab).detach()
    error = (chroma_of(model, lab[1:2, :1], codes[3:4]).detach() - lab[1:2, 1:]).square().mean()
    assert float(fits[1, 3]) == pytest.approx(float(10 * (255**2 / error).log10()), abs=0.02)
    assert (fits.diagonal() == fits.min(dim=1).values).all()


def test_the_centre_is_the_ellipse_of_half_the_sides():
    planes = torch.zeros(1, 1, 64, 64)
    planes[:, :, 24:40, 24:40] = 1
    inside = 16 * 16 / (torch.pi * 16**2)
    assert float(centre_of(planes)) == pytest.approx(inside, rel=0.05)
