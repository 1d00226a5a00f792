"""Distances between sets of features."""

import pytest
import torch

from agerestore.errors import UsageError
from agerestore.metrics.distribution import kernel_distance


def test_the_kernel_distance_in_closed_form():
    """One feature, x = (1, -1) and y = (2, 0, 0): k(1, -1) = 0; k(2, 0) = k(0, 0) = 1; across (27 - 1) / 6 + 4 / 6."""
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([[2.0], [0.0], [0.0]])
    across = (3**3 + 1 + 1 + (-1) ** 3 + 1 + 1) / 6
    assert kernel_distance(x, y) == pytest.approx(0 + 1 - 2 * across)


def test_a_set_is_at_no_distance_from_itself():
    features = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    assert kernel_distance(features, features) == pytest.approx(0, abs=1e-12)


def test_sets_of_one_distribution_are_near_and_others_far():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(400, 8, generator=generator) for _ in range(2))
    assert abs(kernel_distance(a, b)) < 0.05
    assert kernel_distance(a, b + 1) > 1


def test_sets_that_do_not_compare_are_refused():
    with pytest.raises(UsageError, match="no distance between"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(2, 3))
    with pytest.raises(UsageError, match="no distance between"):
        kernel_distance(torch.zeros(2, 3), torch.zeros(2, 4))
