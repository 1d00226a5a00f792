import math

import torch

from agerestore.research.parzen import parzen_log_likelihood, parzen_sigma


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_parzen_window_of_one_sample_is_a_gaussian_and_of_several_their_mixture():
    points, samples = torch.randn(7, 5, generator=rng()), torch.randn(3, 5, generator=rng(1))
    each = torch.distributions.Normal(samples[:, None], 0.7).log_prob(points).sum(2)  # (S, N)
    torch.testing.assert_close(parzen_log_likelihood(points, samples[:1], 0.7), each[0])
    mixture = each.logsumexp(0) - math.log(3)
    torch.testing.assert_close(parzen_log_likelihood(points, samples, 0.7, chunk=2), mixture)


def test_the_deviation_of_a_window_is_that_of_the_points_around_it():
    points = 0.5 * torch.randn(4000, 3, generator=rng()) + 2
    assert parzen_sigma(points, torch.full((1, 3), 2.0), [0.125, 0.25, 0.5, 1.0, 2.0]) == 0.5
