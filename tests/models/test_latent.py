import math

import pytest
import torch

from agerestore.models.latent import moments, project, sample_latents, slerp, sphere_log_area


def test_sphere_codes_have_unit_norm_and_the_moments_of_the_uniform_sphere():
    z = sample_latents(200_000, 8, torch.Generator().manual_seed(0))
    mean, variance = moments(z)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z)))
    assert mean.abs().max() < 4 * math.sqrt(1 / 8 / len(z))
    torch.testing.assert_close(variance, torch.full((8,), 1 / 8), rtol=0.02, atol=0)


def test_a_coordinate_on_the_sphere_in_three_dimensions_is_uniform():
    # Archimedes: the height of a uniform point on the ordinary sphere is uniform on [-1, 1].
    height = sample_latents(100_000, 3, torch.Generator().manual_seed(1))[:, 0].sort().values
    expected = torch.linspace(-1, 1, len(height))
    assert (height - expected).abs().max() < 0.02


def test_gaussian_prior_has_unit_variance():
    _, variance = moments(sample_latents(100_000, 4, torch.Generator().manual_seed(2), "gaussian"))
    torch.testing.assert_close(variance, torch.ones(4), rtol=0.03, atol=0)


def test_sampling_is_a_function_of_the_generator_alone():
    torch.manual_seed(5)
    a = sample_latents(4, 3, torch.Generator().manual_seed(7))
    torch.manual_seed(6)
    assert torch.equal(a, sample_latents(4, 3, torch.Generator().manual_seed(7)))


def test_slerp_walks_at_constant_speed_and_stays_on_the_sphere():
    a, b = project(torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    whole = torch.acos((a * b).sum(dim=1))
    for t in (0.0, 0.25, 0.5, 1.0):
        point = slerp(a, b, t)
        torch.testing.assert_close(point.norm(dim=1), torch.ones(5, dtype=torch.float64))
        torch.testing.assert_close(torch.acos((a * point).sum(dim=1).clamp(max=1)), t * whole, atol=1e-6, rtol=1e-6)


def test_slerp_between_equal_points_is_that_point():
    a = project(torch.tensor([[1.0, 2.0, 3.0]]))
    torch.testing.assert_close(slerp(a, a, 0.3), a)


@pytest.mark.parametrize(("dim", "area"), [(1, 2.0), (2, 2 * math.pi), (3, 4 * math.pi), (4, 2 * math.pi**2)])
def test_area_of_the_sphere(dim, area):
    assert math.exp(sphere_log_area(dim)) == pytest.approx(area)
