"""Codes that a lightness has, drawn so that they complement each other."""

import pytest
import torch
from torch import nn

from agerestore.config.networks import ColorizerConfig, PhotoColorizerConfig
from agerestore.config.training import train_config
from agerestore.inference import color_codes
from agerestore.losses.base import Batch
from agerestore.losses.code_prior import code_prior_terms
from agerestore.models.latent import GaussianMixture
from agerestore.models.registry import build
from agerestore.training.cost import flops_per_iteration

GRAY = torch.full((1, 1, 64, 64), 50.0)


def of(*tints):
    """Plain pictures (N, 2, 8, 8), one for each tint (a, b)."""
    return torch.tensor(tints)[:, :, None, None].expand(-1, -1, 8, 8)


@pytest.fixture(scope="module")
def model():
    networks = build(ColorizerConfig(width=4, latent_dim=4, prior_components=3), seed=1).eval()
    nn.init.normal_(networks.generator.head.weight, generator=torch.Generator().manual_seed(0))
    return networks


# ------------------------------------------------------------------------------------------------ which to choose


def test_the_first_stays_the_first_and_none_comes_twice():
    order = color_codes._most_diverse(of((1.0, 0.0), (0.0, -7.0), (30.0, 0.0), (0.0, 1.0)), 4)
    assert order[0] == 0
    assert sorted(order) == [0, 1, 2, 3]


def test_the_paint_that_brings_most_others_closer_follows():
    """Beside one gray there are five reds and two blues, farther off: red follows, then blue, and no second gray."""
    red, blue = (40.0, 0.0), (0.0, -42.0)
    order = color_codes._most_diverse(of((0.0, 0.0), (0.0, 0.0), *[red] * 5, *[blue] * 2), 3)
    assert order[0] == 0
    assert 2 <= order[1] < 7
    assert order[2] >= 7


def test_of_paints_that_serve_alike_the_farthest_follows():
    """Each paint is its own truth alone: what a unit apart is worth decides."""
    order = color_codes._most_diverse(of((0.0, 0.0), (0.0, 0.0), (0.0, 90.0), (0.0, -99.0)), 2)
    assert order[1] == 3


# ------------------------------------------------------------------------------------------------ drawing


def test_of_one_seed_the_first_are_the_same_for_every_count(model):
    many = color_codes.draw_codes(model, GRAY, 5, 3)
    assert torch.equal(color_codes.draw_codes(model, GRAY, 1, 3), many[:1])
    assert torch.equal(color_codes.draw_codes(model, GRAY, 2, 3), many[:2])
    assert torch.equal(color_codes.draw_codes(model, GRAY, 5, 3), many)
    other = color_codes.draw_codes(model, GRAY, 5, 4)
    assert not torch.equal(other, many)
    torch.testing.assert_close(many.norm(dim=1), torch.ones(5))


def test_more_codes_than_candidates(model, monkeypatch):
    monkeypatch.setattr(color_codes, "CANDIDATES", 4)
    few, many = (color_codes.draw_codes(model, GRAY, count, 0) for count in (4, 7))
    assert many.shape == (7, 4)
    assert torch.equal(many[:4], few)
    assert len(many.unique(dim=0)) == 7


def test_without_a_code_prior_codes_are_uniform_and_the_weights_the_same(model):
    uniform = model.without_code_prior()
    codes = torch.cat([color_codes.draw_codes(uniform, GRAY, 1, seed) for seed in range(400)])
    assert codes.mean(dim=0).abs().max() < 4 / (4 * 400) ** 0.5
    assert uniform.config.prior_components == 0
    assert torch.equal(uniform.generate(GRAY, codes[:1]), model.generate(GRAY, codes[:1]))


def test_draws_follow_the_mixture():
    """Three quarters of the draws come from the second of two narrow components."""
    mixture = GaussianMixture(
        torch.tensor([[0.0, 1.0]]) * torch.tensor(3.0).log(),
        torch.tensor([[[-5.0, 0.0], [5.0, 1.0]]]),
        torch.tensor([[[0.1, 0.1], [0.1, 0.5]]]),
    )
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([mixture.draw(generator) for _ in range(4000)])
    right = draws[draws[:, 0] > 0]
    assert len(right) / 4000 == pytest.approx(0.75, abs=0.03)
    torch.testing.assert_close(right.mean(dim=0), torch.tensor([5.0, 1.0]), atol=0.05, rtol=0)
    torch.testing.assert_close(right.std(dim=0), torch.tensor([0.1, 0.5]), atol=0.03, rtol=0)


def test_choices_of_many_images_follow_the_shares():
    """Of one seed: three quarters of images of all lightnesses choose the second of shares of 1 to 3."""
    lightnesses = 20 + 60 * torch.rand(1000, generator=torch.Generator().manual_seed(0))
    chosen = [color_codes._choose(torch.tensor([0.5, 1.5]), light, 3) for light in lightnesses]
    assert sum(chosen) / 1000 == pytest.approx(0.75, abs=0.03)


def test_a_component_whose_code_the_encoder_does_not_find_again_is_not_chosen(model, monkeypatch):
    """Of two with equal shares, the encoder takes what either draws for the second."""
    means = torch.eye(4)[None, :2]
    prior = GaussianMixture(torch.zeros(1, 2), means, torch.full((1, 2, 4), 0.1))
    monkeypatch.setattr(model, "encode", lambda lab: means[0, 1].expand(len(lab), -1))
    for seed in range(1, 20):
        assert torch.equal(color_codes._first_draw(model, prior, GRAY, seed), means[:, 1])


def test_the_first_code_of_a_point_estimate_is_zero():
    networks = build(PhotoColorizerConfig(widths=(4, 6, 8, 8, 8), latent_dim=4, prior_components=2)).eval()
    codes = color_codes.draw_codes(networks, GRAY, 3, 0)
    assert not codes[0].any()
    torch.testing.assert_close(codes[1:].norm(dim=1), torch.ones(2))
    plain = networks.without_code_prior()
    assert not color_codes.draw_codes(plain, GRAY, 2, 0)[0].any()


# ------------------------------------------------------------------------------------------------ learning


def test_surprisal_in_closed_form():
    """Of one Gaussian at the code itself: M (log s + log(2 pi) / 2); a view counts like the picture."""

    class At(nn.Module):
        def forward(self, seen):
            return GaussianMixture(torch.zeros(len(seen), 1), seen[:, None], torch.full((len(seen), 1, 4), 0.5))

    class Plain:
        def features(self, lightness, code):
            return [lightness.mean(dim=(2, 3))]

    def encoder(packed):
        return packed[:, :4].mean(dim=(2, 3))

    x = torch.rand(3, 6, 8, 8, generator=torch.Generator().manual_seed(0))
    networks = {"encoder": encoder, "generator": Plain(), "code_prior": At()}
    expected = 4 * (torch.tensor(0.5).log() + torch.tensor(2 * torch.pi).log() / 2)
    for view in (None, x.flip(3)):
        terms = code_prior_terms("code_prior", networks, Batch(x, torch.zeros(3, 4), view=view), ["surprisal"])
        torch.testing.assert_close(terms["surprisal"], expected)


def test_the_center_is_the_ellipse_of_half_the_sides():
    planes = torch.zeros(1, 1, 64, 64)
    planes[:, :, 24:40, 24:40] = 1
    inside = 16 * 16 / (torch.pi * 16**2)
    assert float(color_codes.central_mean(planes)) == pytest.approx(inside, rel=0.05)


def test_the_budget_of_a_run_counts_the_stage():
    counted = flops_per_iteration(train_config("color", ("network.width=4", "batch_size=4")))
    assert set(counted) == {"adversarial", "code_prior"}
    assert 0 < counted["code_prior"] < counted["adversarial"]
