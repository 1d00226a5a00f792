"""Losses of the networks for photographs: of the estimate in closed form, and of the conditional AGE."""

import math

import pytest
import torch
from torch import nn

from agerestore.config.training import train_config
from agerestore.errors import UsageError
from agerestore.losses.age import AGE, EPS
from agerestore.losses.base import Batch
from agerestore.losses.conditional_age import VARIANCE_EPS, ConditionalAGE
from agerestore.losses.divergence import age_code_kl
from agerestore.losses.regression import regression_terms
from agerestore.models.latent import project
from agerestore.models.layers.estimator import Estimate
from agerestore.models.photo import Condition
from agerestore.training import stages


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def estimator(error, variance):
    return lambda damaged, mask: Estimate(damaged + error, torch.full_like(damaged, math.log(variance)), ())


def test_terms_of_the_estimate_in_closed_form():
    x = drawn(2, 3, 8, 8)
    batch = Batch(x, x, x, x[:, :1])
    terms = regression_terms(
        "estimator", {"estimator": estimator(0.2, 0.1)}, batch, ("estimate", "psnr", "uncertainty")
    )
    assert terms["estimate"].item() == pytest.approx(0.2)
    assert terms["psnr"].item() == pytest.approx(math.log(0.04 + EPS))
    assert terms["uncertainty"].item() == pytest.approx((0.04 / 0.1 + math.log(0.1)) / 2)


def test_without_codes_there_is_no_game():
    config = train_config("photo", ("network.latent_dim=0", "steps=0"))
    assert [stage.name for stage in stages.stages(config, 100)] == ["estimate"]


def test_the_estimator_says_what_it_lacks():
    with pytest.raises(UsageError, match="set degradation"):
        regression_terms("estimator", {}, Batch(torch.zeros(1), torch.zeros(1)), ("estimate",))


class CodeWriter(nn.Module):
    """Writes a code into the first pixels of its region, or nothing."""

    def __init__(self, uses_code):
        super().__init__()
        self.uses_code = uses_code

    def forward(self, code, condition):
        image = torch.zeros_like(condition.damaged)
        if self.uses_code:
            image[:, 0, ::16, 0::16], image[:, 0, ::16, 1::16] = code[:, 0], code[:, 1]
        return image


class Reader(nn.Module):
    """Reads what `CodeWriter` wrote."""

    def forward(self, image, condition):
        return torch.stack([image[:, 0, ::16, 0::16], image[:, 0, ::16, 1::16]], dim=1)


@pytest.mark.parametrize("uses_code", [True, False])
def test_divergence_within_a_condition_is_that_of_the_codes_around_their_mean(uses_code):
    x, z = drawn(8, 3, 32, 32), project(torch.randn(8 * 4, 2, generator=torch.Generator().manual_seed(0)))
    networks = {"estimator": estimator(0, 0.1), "generator": CodeWriter(uses_code), "encoder": Reader()}
    game = ConditionalAGE(AGE(), samples=4)
    terms = game("generator", networks, Batch(x, z, x, x[:, :1]), ("kl_within", "match_z", "kl_fake"))
    if uses_code:
        around = z.view(2, 4, 4, 2) - z.view(2, 4, 4, 2).mean(dim=1, keepdim=True)  # condition, draw, region
        expected = age_code_kl((around * math.sqrt(4 / 3)).flatten(0, 2))
        torch.testing.assert_close(terms["kl_within"], expected)
        torch.testing.assert_close(terms["kl_fake"], age_code_kl(z))
        assert terms["match_z"].item() == pytest.approx(2 - 1 / 2)
    else:
        assert terms["kl_within"] > 10  # no spread at all


@pytest.mark.parametrize(
    ("asked", "output", "expected"),
    [
        ((1, 1, 1), (2, 2, 2), math.log(4) / 3),  # one of three axes
        ((1, 1, 1), (1, 1, 1), 0),
        (
            (1, 1, 1),
            (3**0.5, 0, 0),
            math.log(3 * 1.5 * 0.5 / VARIANCE_EPS**2) / 3,
        ),  # as much, but red where all was gray
    ],
)
def test_energy_compares_draws_with_what_the_picture_asks_for(asked, output, expected):
    x, z = drawn(4, 3, 16, 16), project(torch.randn(4, 2))

    def generator(code, condition):  # as asked where the code was read off the picture
        color = asked if code[:, 0].eq(7).all() else output
        return torch.tensor(color).float().view(1, 3, 1, 1).expand_as(condition.damaged)

    networks = {
        "estimator": estimator(0, 0.1),
        "generator": generator,
        "encoder": lambda x, y: x[:, :2, :1, :1] * 0 + 7,
    }
    terms = ConditionalAGE(AGE())("generator", networks, Batch(x, z, x, x[:, :1]), ("variance_ratio",))
    assert terms["variance_ratio"].item() == pytest.approx(expected, abs=0.02)


def test_the_condition_is_that_of_each_picture():
    x = drawn(4, 3, 32, 32)
    seen = []

    def generator(code, condition: Condition):
        seen.append(condition.damaged)
        return torch.zeros_like(condition.damaged)

    networks = {"estimator": estimator(0, 0.1), "generator": generator, "encoder": Reader()}
    batch = Batch(x, project(torch.randn(16, 2)), x, x[:, :1])
    ConditionalAGE(AGE(), samples=2)("encoder", networks, batch, ("kl_fake", "kl_within"))
    assert torch.equal(seen[0], x)
    assert torch.equal(seen[1], x[[0, 0, 1, 1]])
