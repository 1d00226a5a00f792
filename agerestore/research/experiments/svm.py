"""A linear support vector machine, one class against the rest: what features say of classes where few labels are known.

As in LIBLINEAR, whose default it is: squared hinge, and a bias that is regularized as one more weight. With fewer
pictures than features it is found from the products of pictures alone, by Newton's method on the support vectors (O.
Chapelle, Training a support vector machine in the primal, 2007), which ends at the exact optimum in a few steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from agerestore.errors import UsageError

STEPS = 50
HALVINGS = 20


@dataclass(frozen=True)
class LinearSVM:
    """What was learned.

    Attributes:
        weights: (D, K) float64, one column for each class.
        bias: (K,).
    """

    weights: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """(N, D) to (N, K): how far on the side of each class."""
        return features.double() @ self.weights + self.bias

    def classes(self, features: Tensor) -> Tensor:
        """(N, D) to (N,): the class of the highest score."""
        return self.scores(features).argmax(1)


def train_svm(features: Tensor, labels: Tensor, c: float, classes: int | None = None) -> LinearSVM:
    """Minimize |w|^2 / 2 + C sum max(0, 1 - y (w x + b))^2, with b^2 / 2 too, for each class against the rest.

    Args:
        features: (N, D); of about unit length for a C of about 1.
        labels: (N,) int64.
        c: C, the weight of mistakes.
        classes: K; one more than the largest label if it is not said.

    Raises:
        UsageError: no pictures, not one label for each, or a C that is not positive.
    """
    if not len(features) or len(labels) != len(features) or c <= 0:
        raise UsageError(f"{len(features)} pictures, {len(labels)} labels, C = {c:g}: no classifier learns from that")
    x = torch.cat([features.double(), torch.ones(len(features), 1, dtype=torch.float64)], 1)
    products = x @ x.mT
    signs = 2.0 * (labels[:, None] == torch.arange(classes or int(labels.max()) + 1)).double() - 1  # (N, K)
    weights = x.mT @ torch.stack([_newton(products, y, c) for y in signs.unbind(1)], 1)
    return LinearSVM(weights[:-1], weights[-1])


def _newton(products: Tensor, y: Tensor, c: float) -> Tensor:
    """The weight (N,) of each picture, w = sum weight x, for signs y (N,) of +1 and -1."""
    weight = torch.zeros_like(y)
    for _ in range(STEPS):
        support = (1 - y * (products @ weight) > 0).nonzero().flatten()
        there = products[support][:, support]
        target = torch.zeros_like(y)
        ridge = torch.eye(len(support), dtype=y.dtype) / (2 * c)
        target[support] = torch.linalg.solve(there + ridge, y[support])
        following = _descend(products, y, c, weight, target)
        if (following - weight).abs().max() <= 1e-10 * following.abs().max():
            return following
        weight = following
    return weight


def _descend(products: Tensor, y: Tensor, c: float, start: Tensor, end: Tensor) -> Tensor:
    """The way from start to end, halved until the loss falls: a full step may pass the optimum."""
    before = _loss(products, y, c, start)
    for _ in range(HALVINGS):
        if _loss(products, y, c, end) <= before:
            return end
        end = (start + end) / 2
    return start


def _loss(products: Tensor, y: Tensor, c: float, weight: Tensor) -> float:
    side = products @ weight
    return float(weight @ side / 2 + c * (1 - y * side).clamp(min=0).square().sum())
