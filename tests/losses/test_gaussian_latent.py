"""AGE with Gaussian codes: the loss of codes that fits them, and its weight in closed form."""

import math

import pytest
import torch

from agerestore.config.training import train_config
from agerestore.errors import UsageError
from agerestore.losses.age import MATCH
from agerestore.losses.divergence import age_code_kl, ideal
from agerestore.models.latent import project
from agerestore.models.registry import build

PRESETS = [("age-mnist-gaussian", "age-mnist-paper"), ("age-cifar10-gaussian", "age-cifar10")]


@pytest.mark.parametrize(("name", "sphere"), PRESETS)
def test_only_the_prior_and_the_loss_of_codes_differ_from_the_published_plan(name, sphere):
    gaussian, published = train_config(name), train_config(sphere)
    assert (gaussian.network.prior, gaussian.match_z) == ("gaussian", "l2")
    network = gaussian.network.model_copy(update={"prior": "sphere"})
    changed = {"preset": sphere, "match_z": "cos", "network": network, "updates": published.updates}
    assert gaussian.model_copy(update=changed) == published
    assert gaussian.updates["encoder"] == published.updates["encoder"]


@pytest.mark.parametrize(("name", "sphere"), PRESETS)
def test_codes_that_are_as_far_apart_in_relation_cost_as_much_as_on_the_sphere(name, sphere):
    gaussian, published = train_config(name), train_config(sphere)
    m = published.network.latent_dim
    a, b = (project(torch.randn(50, m, generator=torch.Generator().manual_seed(seed))).double() for seed in (0, 1))
    lam, weight = (config.updates["generator"].weights["match_z"] for config in (published, gaussian))
    on_the_sphere = lam * (MATCH["cos"](a, b) - MATCH["cos"](b, b))
    of_gaussian_length = weight * MATCH["l2"](math.sqrt(m) * a, math.sqrt(m) * b)
    assert of_gaussian_length.item() == pytest.approx(on_the_sphere.item())


def test_the_squared_error_sees_the_length_of_a_code_and_the_cosine_does_not():
    z = torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
    assert MATCH["cos"](3 * z, z).item() == pytest.approx(MATCH["cos"](z, z).item())
    assert MATCH["l2"](3 * z, z).item() == pytest.approx(4 * z.square().mean().item())


def test_the_divergence_is_least_for_codes_of_the_prior():
    z = torch.randn(5000, 10, generator=torch.Generator().manual_seed(0))
    values = [age_code_kl(scale * z).item() for scale in (0.8, 1.0, 1.2)]
    assert min(values) == values[1]
    assert values[1] == pytest.approx(ideal("age_code", 10, "gaussian"), abs=0.01)


def test_codes_are_not_put_on_the_sphere():
    model = build(train_config("age-mnist-gaussian", ("network.width=4",)).network).eval()
    lengths = model.encode(torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))).norm(dim=1)
    assert (lengths - 1).abs().min() > 1e-3


def test_the_cosine_is_refused_in_one_line():
    with pytest.raises(UsageError, match=r"match_z=cos does not see how long a Gaussian code is: set match_z=l2$"):
        train_config("age-mnist-gaussian", ("match_z=cos",))
    with pytest.raises(UsageError, match="set match_z=l2"):
        train_config("age-cifar10", ("network.prior=gaussian",))
    none = ("network.prior=gaussian", "updates.generator.weights.match_z=0")
    assert train_config("age-cifar10", none).match_z == "cos"  # which nothing weighs
