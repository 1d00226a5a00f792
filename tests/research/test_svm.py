"""The linear support vector machine, against the optimum in closed form and the conditions of an optimum."""

import pytest
import torch

from agerestore.errors import UsageError
from agerestore.research.experiments.svm import train_svm


def test_two_points_beside_the_origin_have_the_optimum_of_the_formula():
    # By symmetry b = 0; then w^2 / 2 + 2 C (1 - w)^2 is least at w = 4 C / (1 + 4 C).
    for c in (0.01, 1.0, 100.0):
        svm = train_svm(torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1]), c)
        assert svm.weights[:, 1].tolist() == pytest.approx([4 * c / (1 + 4 * c)])
        assert svm.bias.tolist() == pytest.approx([0, 0], abs=1e-12)
        assert svm.weights[:, 0].tolist() == pytest.approx([-4 * c / (1 + 4 * c)])


def test_the_gradient_vanishes_at_the_optimum():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 40, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (60,), generator=generator)
    svm = train_svm(x, labels, c=0.3)
    weights, bias = svm.weights.clone().requires_grad_(), svm.bias.clone().requires_grad_()
    y = 2.0 * (labels[:, None] == torch.arange(3)) - 1
    mistakes = (1 - y * (x @ weights + bias)).clamp(min=0).square().sum()
    ((weights.square().sum() + bias.square().sum()) / 2 + 0.3 * mistakes).backward()
    assert weights.grad.abs().max() < 1e-9
    assert bias.grad.abs().max() < 1e-9


def test_classes_that_can_be_told_apart_are():
    labels = torch.arange(90) % 3
    x = torch.randn(90, 5, generator=torch.Generator().manual_seed(1)) * 0.2
    x[torch.arange(90), labels] += 2
    svm = train_svm(x, labels, 1.0)
    assert torch.equal(svm.classes(x), labels)
    assert train_svm(x, labels, 1.0, classes=10).scores(x).shape == (90, 10)


def test_what_nothing_is_learned_from_is_named():
    with pytest.raises(UsageError, match=r"4 pictures, 4 labels, C = 0"):
        train_svm(torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64), 0)
    with pytest.raises(UsageError, match="4 pictures, 3 labels"):
        train_svm(torch.zeros(4, 2), torch.zeros(3, dtype=torch.int64), 1)
