"""Networks and objective of the conditional AGE that colors."""

import math

import pytest
import torch
from tiny_runs import fit

from agerestore.config.networks import ColorizerConfig
from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.data.variations import random_zoom
from agerestore.images.color import rgb_to_lab
from agerestore.losses.age import AGE
from agerestore.losses.base import Batch
from agerestore.losses.colorization import ColorAGE
from agerestore.metrics.color import chroma_psnr, color_metrics, generate_chroma
from agerestore.models import colorizer
from agerestore.models.layers.color import ModulatedBlock
from agerestore.models.registry import build
from agerestore.models.weights import load_weights

OURS, AUTHORS = (
    ColorizerConfig(width=4, latent_dim=4),
    ColorizerConfig(architecture="color-resnet", width=4, latent_dim=4),
)
both = pytest.mark.parametrize("config", [OURS, AUTHORS], ids=["ours", "authors"])


def pictures(count):
    return rgb_to_lab(torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(0)))


def color_at_all(model):
    """Fill what is zero at the start of a training."""
    for each in (model.generator.head, *(x.second for x in model.modules() if isinstance(x, ModulatedBlock))):
        torch.nn.init.normal_(each.weight, 0, 0.1)


def test_the_authors_generator_has_the_parameters_of_his():
    model = build(ColorizerConfig(architecture="color-resnet", width=64, latent_dim=16))
    assert sum(each.numel() for each in model.generator.parameters()) == 888_160


@both
def test_packed_pictures_keep_their_lightness_and_the_mean_of_their_colors(config):
    lab = pictures(2)
    packed = colorizer.pack(config, lab)
    torch.testing.assert_close(colorizer.unpack_chroma(config, packed).mean(dim=(2, 3)), lab[:, 1:].mean(dim=(2, 3)))
    other = lab.clone()
    other[:, 1:] = 0
    assert torch.equal(colorizer.pack(config, other)[:, :-2], packed[:, :-2])


@both
def test_generated_pictures_have_the_lightness_they_were_given(config):
    model, packed = build(config).eval(), colorizer.pack(config, pictures(3))
    drawn = model.generator(packed[:, :-2], torch.randn(3, 4))
    assert torch.equal(drawn[:, :-2], packed[:, :-2])
    assert drawn.shape == packed.shape
    torch.testing.assert_close(model.encode(pictures(3)).norm(dim=1), torch.ones(3))


def test_ours_begins_without_colors_and_never_leaves_the_range_of_lab():
    model = build(OURS).eval()
    lightness = pictures(2)[:, :1]
    assert (model.generate(lightness, torch.randn(2, 4)) == 0).all()
    torch.nn.init.constant_(model.generator.head.bias, 1e6)
    assert float(model.generate(lightness, torch.randn(2, 4)).detach().max()) == pytest.approx(110)


@both
def test_only_the_direction_of_a_code_counts_and_the_center_is_one_of_its_own(config):
    model = build(config).eval()
    if config is OURS:
        color_at_all(model)
    lightness, code = pictures(1)[:, :1], torch.randn(1, 4, generator=torch.Generator().manual_seed(1))
    drawn = model.generate(lightness, code)
    torch.testing.assert_close(model.generate(lightness, 3 * code), drawn)
    assert not torch.allclose(model.generate(lightness, -code), drawn)
    assert not torch.allclose(model.generate(lightness, torch.zeros(1, 4)), drawn)


def networks_that_return(codes, colors):
    """An encoder that reads a code out of the colors of the first pixels, and a generator that writes it there."""

    def encoder(x):
        return x[:, -2:, 0, 0] if codes is None else codes[: len(x)]

    def generator(lightness, z):
        drawn = colors * z[:, :, None, None].expand(-1, -1, *lightness.shape[2:])
        return torch.cat([lightness, drawn], 1)

    return {"encoder": encoder, "generator": generator}


def divergence(codes):
    return codes.square().mean()


def test_terms_in_closed_form():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    x = torch.zeros(4, 3, 8, 8)
    x[:, 1:] = 2.0
    objective = ColorAGE(AGE(divergence, match_z="l2"), samples=2)
    wanted = ("match_x", "match_z", "colorfulness", "regression", "kl_within")
    terms = objective("generator", networks_that_return(None, 3.0), Batch(x, z), wanted)
    assert float(terms["regression"]) == pytest.approx(2 * 2 / 3)
    assert float(terms["match_x"]) == pytest.approx(4 * 2 / 3)  # colors 2 become the code, which is drawn as 6
    assert float(terms["match_z"]) == pytest.approx(2.0)  # codes 3 z, a mean square of half of (3 - 1)^2
    assert float(terms["colorfulness"]) == pytest.approx(math.log(4.5 / 4), abs=1e-4)
    # Draws 3 and -3 of the first coordinate for the first lightness, of the second for the other: all within.
    assert float(terms["kl_within"]) == pytest.approx(2 * 4.5)


def test_a_code_is_to_give_the_colors_of_another_view():
    x, view = torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 5.0)
    x[:, 1:] = 2.0
    networks, z = networks_that_return(None, 1.0), torch.zeros(2, 2)
    terms = ColorAGE(AGE())("generator", networks, Batch(x, z, view=view), ("match_x",))
    assert float(terms["match_x"]) == pytest.approx(2 * 3 / 3)  # the view's lightness, the colors 2 of x against 5


def test_views_are_parts_of_the_pictures_mirrored():
    lab = torch.zeros(1, 3, 64, 64)
    lab[:, 1] = torch.arange(64.0)
    for seed in range(20):
        view = random_zoom(lab, seed)
        assert view.shape == lab.shape
        steps = view[0, 1, 0, 1:-1].diff()
        assert (steps <= 0).all()
        assert -1.001 <= float(steps.mean()) <= -40 / 64 + 0.05
    assert torch.equal(random_zoom(lab, 3), random_zoom(lab, 3))


def test_a_generator_that_does_not_heed_its_code_is_told_by_the_divergence_within():
    z = torch.nn.functional.normalize(torch.randn(64, 2, generator=torch.Generator().manual_seed(0)))
    x, wanted = torch.randn(64, 3, 8, 8), ("kl_within",)
    heedless = {**networks_that_return(None, 1.0), "generator": lambda lightness, z: x[: len(z)] * 0 + 0.7}
    heeding, not_heeding = (
        float(ColorAGE(AGE())("generator", each, Batch(x, z), wanted)["kl_within"])
        for each in (networks_that_return(None, 1.0), heedless)
    )
    assert heeding < 1
    assert not_heeding > 5


@both
def test_a_gradient_reaches_every_parameter(config):
    model = build(config).train()
    x = colorizer.pack(config, pictures(8))
    for player, weights in (("encoder", ("kl_real", "match_x")), ("generator", ("kl_within", "match_x"))):
        if config is OURS:
            color_at_all(model)
        batch = Batch(x, torch.nn.functional.normalize(torch.randn(8, 4)))
        terms = ColorAGE(AGE())(player, dict(model.named_children()), batch, weights)
        model.zero_grad()
        sum(terms.values()).backward()
        assert all(each.grad is not None and each.grad.any() for each in getattr(model, player).parameters())


@pytest.mark.parametrize("preset", ["color", "color-regression", "cars-color-paper-reconstruction"])
def test_a_run_leaves_weights_that_come_back_and_learns_a_color(preset, tmp_path):
    colors = torch.tensor([[200, 40, 30], [30, 60, 200]], dtype=torch.uint8)
    images = colors[torch.arange(16) % 2][:, :, None, None].expand(-1, -1, 64, 64).contiguous()
    settings = ("steps=2", "batch_size=8", "network.width=4", "augment=false", "precision=fp32", "validation=0.25")
    path = fit(train_config(preset, settings), ImageSet(images), tmp_path / "run")
    loaded = load_weights(path)
    assert loaded.header["kind"] == "color"
    assert set(loaded.header["validation"]) >= {"best", "mean", "reconstruction", "colorfulness"}
    assert loaded.networks.config == train_config(preset, settings).network
    assert (tmp_path / "run" / "sheets" / "adversarial-0000002.png").exists()


def test_figures_in_closed_form():
    model = build(OURS).eval()  # draws no color at all
    lab = pictures(4)
    lab[:, 1:] = torch.tensor([3.0, 4.0])[:, None, None]
    figures = color_metrics(model, lab, torch.randn(4, 2, 4))
    expected = 10 * math.log10(255**2 / 12.5)
    for name in ("reconstruction", "best", "mean", "gray"):
        assert figures[name] == pytest.approx(expected, abs=1e-3)
    assert figures["colorfulness"] == pytest.approx(0, abs=1e-3)
    assert generate_chroma(model, lab[:, :1], torch.randn(4, 4)).shape == (4, 2, 64, 64)
    assert float(chroma_psnr(lab[:1, 1:], lab[:1, 1:])) == 100
