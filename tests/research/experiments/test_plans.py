"""The published plans, against the numbers of the paper and of the code's README; hours in closed form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agerestore.config.training import train_config
from agerestore.research.experiments.plans import PLANS, divide_hours, find_plan

# The paper, section 3.1: Adam at 2e-4, mu = 10, lambda in {500, 1000, 2000}, two generator steps, M by data set.
# README of the code: three generator steps and 5 epochs for CelebA, 150 epochs for CIFAR-10.
# (plan, M, generator steps, lambda, epochs, images of the published training set)
PAIRS = [
    ("mnist", 10, 2, 1000, 100, 60_000),
    ("svhn", 64, 2, 1000, 150, 73_257),
    ("cifar10", 128, 2, 1000, 150, 50_000),
    ("celeba", 64, 3, 1000, 5, 162_770),
    ("tinyimagenet", 128, 2, 2000, 225, 100_000),
]


@pytest.mark.parametrize(("name", "dimensions", "steps", "weight", "epochs", "images"), PAIRS)
def test_pairs_are_as_published(name, dimensions, steps, weight, epochs, images):
    plan = find_plan(name)
    config = train_config(plan.preset)
    assert config.network.latent_dim == dimensions
    assert (config.network.width, config.network.architecture, config.network.prior) == (64, "dcgan", "sphere")
    assert (config.lr, config.betas, config.batch_size) == (2e-4, (0.5, 0.999), 64)
    assert (config.divergence, config.match_x, config.match_z, config.margin) == ("age_code", "l1", "cos", None)
    assert config.updates["encoder"].weights == {"kl_real": 1, "kl_fake": -1, "match_x": 10}
    assert config.updates["generator"].weights == {"kl_fake": 1, "match_z": weight}
    assert (config.updates["encoder"].steps, config.updates["generator"].steps) == (1, steps)
    assert plan.images == images
    assert plan.iterations == epochs * ((images - round(0.05 * images)) // 64)  # a twentieth is held out


@pytest.mark.parametrize(
    ("name", "reconstruction"), [("cars", {}), ("cars-reconstruction", {"match_x": 10, "match_z": 10})]
)
def test_colorizers_are_those_of_the_authors_branch(name, reconstruction):
    plan = find_plan(name)
    config = train_config(plan.preset)
    assert (config.network.architecture, config.network.latent_dim) == ("color-resnet", 16)
    assert (config.lr, config.lr_decay, config.lr_step_epochs, config.lr_step_factor) == (6e-4, "step", 2, 0.96)
    assert config.updates["encoder"].weights == {"kl_real": 1, "kl_fake": -0.5, **reconstruction}
    assert config.updates["generator"].weights == {"kl_fake": 1, **reconstruction}
    assert config.updates["generator"].steps == 4
    assert plan.iterations == 200 * ((8144 - 407) // 64)


def test_tiny_imagenet_is_trained_three_times_as_long_as_cifar10_as_the_hours_of_the_paper():
    assert find_plan("tinyimagenet").iterations / find_plan("cifar10").iterations == pytest.approx(6 / 2, rel=1e-3)


@pytest.mark.parametrize("name", ["cifar10", "cars"])
@pytest.mark.parametrize("share", [1, 0.1])
def test_on_a_smaller_set_the_rate_falls_at_most_an_epoch_later(name, share):
    plan = find_plan(name)
    config, images = train_config(plan.preset), round(share * plan.images)
    published = plan.adversarial_stage(config)
    epochs = plan.step_epochs(config, images)
    if share == 1:
        assert epochs == config.lr_step_epochs
    scaled = config.model_copy(update={"lr_step_epochs": epochs, "steps": published.steps})
    here = plan.adversarial_stage(scaled, images)
    falls = [math.log(here.lr(step) / published.lr(step), config.lr_step_factor) for step in range(published.steps)]
    # The rate falls when the last epoch of a number begins, and that of a smaller set begins later, never earlier.
    assert min(falls) >= -1 - 1e-9
    assert max(falls) == pytest.approx(0)
    if share == 1:
        assert min(falls) == 0
    else:
        assert falls.count(0) > 0.5 * len(falls)


def test_hours_are_divided_equally_and_what_is_left_over_goes_to_the_others():
    assert divide_hours(12, {"a": 10, "b": 1, "c": 20}) == {"a": 5.5, "b": 1, "c": 5.5}
    assert divide_hours(6, {"a": 10, "b": 10}) == {"a": 3, "b": 3}
    assert divide_hours(100, {"a": 10, "b": 1}) == {"a": 10, "b": 1}
    assert divide_hours(5, {}) == {}


@given(st.floats(0.01, 1e3), st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8))
def test_hours_are_used_up_and_only_a_plan_that_is_finished_has_fewer(hours, costs):
    named = {str(number): cost for number, cost in enumerate(costs)}
    shares = divide_hours(hours, named)
    assert list(shares) == list(named)
    assert sum(shares.values()) == pytest.approx(min(hours, sum(costs)))
    most = max(shares.values())
    assert all(share <= named[name] * (1 + 1e-12) for name, share in shares.items())
    assert all(share == pytest.approx(min(most, named[name])) for name, share in shares.items())


def test_every_plan_names_its_source():
    assert all(plan.source.startswith(("paper, section", "cars")) for plan in PLANS)
    assert len({plan.name for plan in PLANS}) == len(PLANS)
