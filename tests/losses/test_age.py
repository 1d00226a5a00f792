"""The official code's step, rebuilt from its description with its own formulas, next to ours."""

import math

import pytest
import torch

from agerestore.config.networks import AutoencoderConfig, ColorizerConfig
from agerestore.config.presets import presets
from agerestore.config.training import train_config
from agerestore.losses.age import AGE, log_mse
from agerestore.losses.base import Batch
from agerestore.models import colorizer
from agerestore.models.registry import build
from agerestore.training.stages import stages

OF_AGE = [name for name in presets() if train_config(name).objective == "age" and not name.endswith("-faces")]


def age_code_kl(samples):
    """As released: a variance in the place of the standard deviation, mean over dimensions, direction qp."""
    mean = samples.mean(0)
    var = ((samples - mean) ** 2).sum(0) / samples.shape[0]
    return (-1 / 2 + (var**2 + mean**2) / 2 - torch.log(var)).mean()


def official_match(x, y, dist):
    """As released, with the codes flattened before they are compared."""
    if dist == "L1":
        return (x - y).abs().mean()
    x_n = x / x.norm(2, dim=1, keepdim=True)
    y_n = y / y.norm(2, dim=1, keepdim=True)
    return 2 - (x_n * y_n).mean()


def official_step(encoder, generator, x, z_encoder, z_generator, mu=10, lam=1000):
    """One encoder step's and one generator step's losses: ({term: value}, loss_e, {term: value}, loss_g)."""
    e, g = encoder.layers, generator.layers  # without our projection: it is done here, as there

    def encode(image):
        code = e(image).flatten(1)
        return code / code.norm(2, dim=1, keepdim=True)

    real = encode(x)
    e_terms = {"kl_real": age_code_kl(real), "match_x": official_match(g(real[:, :, None, None]), x, "L1")}
    fake = g(z_encoder[:, :, None, None]).detach()
    e_terms["kl_fake"] = age_code_kl(encode(fake))
    loss_e = e_terms["kl_real"] + mu * e_terms["match_x"] - e_terms["kl_fake"]
    egz = encode(g(z_generator[:, :, None, None]))
    g_terms = {"kl_fake": age_code_kl(egz), "match_z": official_match(egz, z_generator, "cos")}
    return e_terms, loss_e, g_terms, g_terms["kl_fake"] + lam * g_terms["match_z"]


@pytest.fixture
def setting():
    generator = torch.Generator().manual_seed(0)
    model = build(AutoencoderConfig(latent_dim=64, width=8)).train()
    x = torch.rand(64, 3, 32, 32, generator=generator) * 2 - 1
    codes = torch.nn.functional.normalize(torch.randn(2, 64, 64, generator=generator), dim=2)
    return model, x, codes[0], codes[1]


def test_every_term_and_both_losses_equal_the_official_step(setting):
    model, x, z_e, z_g = setting
    e_terms, loss_e, g_terms, loss_g = official_step(model.encoder, model.generator, x, z_e, z_g)
    turns = train_config("age-cifar10").updates
    for player, theirs, loss, z in (("encoder", e_terms, loss_e, z_e), ("generator", g_terms, loss_g, z_g)):
        weights = turns[player].weights
        ours = AGE()(player, dict(model.named_children()), Batch(x, z), list(weights))
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert ours[name].item() == pytest.approx(theirs[name].item(), abs=1e-5), name
        total = sum(weights[name] * value for name, value in ours.items())
        assert total.item() == pytest.approx(loss.item(), rel=1e-5)


def test_gradients_equal_the_official_step(setting):
    model, x, z_e, z_g = setting
    weights = train_config("age-cifar10").updates["encoder"].weights
    _, loss_e, _, _ = official_step(model.encoder, model.generator, x, z_e, z_g)
    theirs = torch.autograd.grad(loss_e, list(model.encoder.parameters()))
    terms = AGE()("encoder", dict(model.named_children()), Batch(x, z_e), list(weights))
    ours = torch.autograd.grad(sum(weights[n] * v for n, v in terms.items()), list(model.encoder.parameters()))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("player", ["encoder", "generator"])
def test_all_terms_are_there_for_both_players_and_carry_a_gradient_where_they_can(setting, player):
    model, x, z, _ = setting
    other = {"encoder": model.generator, "generator": model.encoder}[player]
    other.requires_grad_(False)
    terms = AGE()(player, dict(model.named_children()), Batch(x, z), ("kl_real", "kl_fake", "match_x", "match_z"))
    assert set(terms) == {"kl_real", "kl_fake", "match_x", "match_z"}
    # kl_real does not depend on the generator; everything else depends on both.
    assert [name for name, value in terms.items() if not value.requires_grad] == (
        ["kl_real"] if player == "generator" else []
    )


def test_only_wanted_terms_are_computed(setting):
    model, x, z, _ = setting
    assert set(AGE()("generator", dict(model.named_children()), Batch(x, z), ["kl_fake"])) == {"kl_fake"}


@pytest.mark.parametrize(("preset", "steps", "mu", "lam", "dim"), [
    ("age-celeba", 3, 10, 1000, 64), ("age-celeba-finetune", 3, 15, 1000, 64), ("age-celeba-paper", 2, 10, 1000, 64),
    ("age-cifar10", 2, 10, 1000, 128), ("age-tinyimagenet", 2, 10, 2000, 128), ("age-svhn-paper", 2, 10, 1000, 64),
    ("age-mnist-paper", 2, 10, 1000, 10),
])  # fmt: skip
def test_published_update_plans(preset, steps, mu, lam, dim):
    config = train_config(preset)
    assert config.updates["encoder"].weights == {"kl_real": 1, "kl_fake": -1, "match_x": mu}
    assert config.updates["generator"].weights == {"kl_fake": 1, "match_z": lam}
    assert (config.updates["encoder"].steps, config.updates["generator"].steps) == (1, steps)
    assert (config.network.latent_dim, config.network.width, config.lr) == (dim, 64, 2e-4)
    assert config.betas == (0.5, 0.999)


# They play another game, or none; those that color photographs are in tests/models/test_photo_colorizer.py.
OTHERS = {"photo", "defects", "photo-color", "cars-color", "photo-color-regression"}


@pytest.mark.parametrize("preset", sorted(set(OF_AGE) - OTHERS))
def test_every_preset_builds_and_takes_a_step_of_every_term_it_weighs(preset):
    config = train_config(preset, ("network.width=2",))
    model = build(config.network)
    size, channels = config.network.image_size, config.network.channels
    x = torch.rand(4, channels, size, size)
    if isinstance(config.network, ColorizerConfig):
        x = colorizer.pack(config.network, x)
    batch = Batch(x, torch.randn(4, config.network.latent_dim))
    for player, turn in config.updates.items():
        wanted = [name for name, weight in turn.weights.items() if weight]
        (stage,) = [stage for stage in stages(config, 1000) if stage.name == "adversarial"]
        terms = stage.losses.compute(player, dict(model.named_children()), batch, wanted)
        assert all(torch.isfinite(value) for value in terms.values())
        assert set(terms) == set(wanted)


def test_the_logarithmic_error_counts_each_picture_as_much():
    a, b = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)
    b[1] = 0.1
    assert float(log_mse(a, b)) == pytest.approx((math.log(1.001) + math.log(0.011)) / 2)
