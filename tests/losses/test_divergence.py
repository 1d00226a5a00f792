import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from agerestore.config.training import train_config
from agerestore.errors import UsageError
from agerestore.losses.divergence import (
    DIVERGENCES,
    age_code_kl,
    divergence_from,
    gaussian_kl,
    ideal,
    nearest_neighbor_entropy,
    nearest_neighbor_kl,
)
from agerestore.losses.registry import build_objective
from agerestore.models.latent import project, sample_latents


def normal(batch, dim, mean=0.0, std=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return mean + std * torch.randn(batch, dim, generator=generator, dtype=torch.float64)


def with_moments(mean, std, batch=64, dim=5):
    """Codes whose batch mean and biased variance are exactly these."""
    z = normal(batch, dim)
    return mean + std * (z - z.mean(0)) / z.std(0, unbiased=False)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.5), (0.3, 2.0), (-1.0, 0.125)])
def test_gaussian_kl_is_the_known_divergence(mean, std):
    z = with_moments(mean, std)
    q, p = Normal(mean, std), Normal(0.0, 1.0)
    assert float(gaussian_kl(z)) == pytest.approx(float(kl_divergence(q, p)), rel=1e-5)


def test_age_code_kl_puts_the_variance_where_the_standard_deviation_belongs():
    # At a standard deviation of 0.5 the true figure is 0.318, the released expression 0.918.
    z = with_moments(0.0, 0.5)
    assert float(gaussian_kl(z)) == pytest.approx(0.3181, abs=1e-4)
    assert float(age_code_kl(z)) == pytest.approx(0.9175, abs=1e-4)


@pytest.mark.parametrize(("dim", "official", "right"), [(10, 1.8076, 0.7013), (16, 2.2745, 0.9175),
                                                         (64, 3.6590, 1.5873), (128, 4.3521, 1.9299)])  # fmt: skip
def test_ideal_values_and_what_prior_codes_reach(dim, official, right):
    assert ideal("age_code", dim) == pytest.approx(official, abs=1e-4)
    assert ideal("gaussian", dim) == pytest.approx(right, abs=1e-4)
    z = sample_latents(20_000, dim, torch.Generator().manual_seed(0))
    assert float(age_code_kl(z)) == pytest.approx(official, rel=2e-3)
    assert float(gaussian_kl(z)) == pytest.approx(right, rel=2e-3)


def test_a_batch_of_64_lies_where_the_reference_says():
    codes = [sample_latents(64, 64, torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert sum(float(age_code_kl(z)) for z in codes) / 50 == pytest.approx(3.689, abs=0.003)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_gradients_match_finite_differences(name):
    z = project(normal(6, 3)).requires_grad_(True)
    assert torch.autograd.gradcheck(divergence_from("sphere", name), (z,), eps=1e-6, atol=1e-6)


def test_on_the_sphere_the_official_slope_is_twice_the_right_one():
    raw = normal(256, 16, mean=0.2, seed=3).requires_grad_(True)  # a lopsided cloud, projected
    slopes = {
        name: torch.autograd.grad(weight * divergence_from("sphere", name)(project(raw)), raw)[0]
        for name, weight in (("gaussian", 2), ("age_code", 1))
    }
    ratio = slopes["age_code"].norm() / slopes["gaussian"].norm()
    assert float(ratio) == pytest.approx(1.0, abs=0.1)
    assert (
        torch.nn.functional.cosine_similarity(slopes["age_code"].flatten(), slopes["gaussian"].flatten(), dim=0) > 0.99
    )


def test_nearest_neighbor_entropy_of_a_gaussian():
    z = normal(4000, 2, std=3.0)
    known = 2 * (0.5 * math.log(2 * math.pi * math.e) + math.log(3.0))
    assert float(nearest_neighbor_entropy(z)) == pytest.approx(known, abs=0.05)


@pytest.mark.parametrize(("dim", "entropy"), [(2, math.log(2 * math.pi)), (3, math.log(4 * math.pi)),
                                               (4, math.log(2 * math.pi**2))])  # fmt: skip
def test_nearest_neighbor_entropy_of_the_uniform_sphere(dim, entropy):
    z = sample_latents(4000, dim, torch.Generator().manual_seed(0))
    assert float(nearest_neighbor_entropy(z, dim - 1)) == pytest.approx(entropy, abs=0.06)


def test_nearest_neighbor_kl_of_gaussians_of_known_divergence():
    z = normal(4000, 2, mean=0.5, std=2.0)
    known = float(kl_divergence(Normal(0.5, 2.0), Normal(0.0, 1.0)))
    assert float(nearest_neighbor_kl(z, "gaussian")) == pytest.approx(known, abs=0.04)


def test_nearest_neighbor_kl_of_half_a_sphere_is_the_logarithm_of_two():
    z = sample_latents(8000, 3, torch.Generator().manual_seed(0))
    half = z[z[:, 0] > 0]
    assert float(nearest_neighbor_kl(half)) * 3 == pytest.approx(math.log(2), abs=0.06)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_codes_that_fell_on_one_point_cost_much_but_stay_finite(name):
    z = project(torch.ones(4, 3)).requires_grad_(True)
    value = divergence_from("sphere", name)(z)
    value.backward()
    assert torch.isfinite(z.grad).all()
    assert value.item() > ideal(name, 3) + 5


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_divergence_is_from_the_prior_of_the_networks(name):
    z = sample_latents(4000, 2, torch.Generator().manual_seed(0), "gaussian")
    assert float(divergence_from("gaussian", name)(z)) == pytest.approx(ideal(name, 2, "gaussian"), abs=0.04)
    config = train_config(
        "age-mnist", ("network.prior=gaussian", "network.latent_dim=2", "match_z=l2", f"divergence={name}")
    )
    system = build_objective(config).compute
    assert float(system.divergence(z)) == float(divergence_from("gaussian", name)(z))
    assert system.ceiling == ideal(name, 2, "gaussian") + config.margin


def test_what_no_divergence_measures_is_refused():
    config = train_config("age-mnist", ("network.prior=swissroll", "network.latent_dim=2"))
    system = build_objective(config).compute  # an AAE's encoder is fine-tuned without a divergence
    with pytest.raises(UsageError, match=r"from a swissroll: set network\.prior=sphere or gaussian"):
        system.divergence(sample_latents(4, 2, torch.Generator()))
