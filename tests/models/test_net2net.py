"""Larger networks that begin where smaller trained ones stopped."""

import pytest
import torch

from agerestore.config.networks import AutoencoderConfig, ColorizerConfig, PhotoConfig
from agerestore.errors import UsageError
from agerestore.models.net2net import load_pretrained
from agerestore.models.registry import build

SMALL = {"widths": (3, 4, 6), "blocks": (1, 1, 1), "latent_dim": 4}


def trained(**others):
    """Networks for photographs none of whose weights is where it began."""
    networks = build(PhotoConfig(**SMALL | others), seed=1).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in networks.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return networks


@pytest.mark.parametrize(
    "larger",
    [
        {"widths": (5, 7, 9)},
        {"blocks": (2, 1, 3)},
        {"widths": (3, 8, 6), "blocks": (1, 2, 1)},
        {"widths": (5, 7, 9), "sampler_widths": (4, 6)},
    ],
    ids=["wider", "deeper", "both", "wider around the same game"],
)
def test_larger_networks_compute_what_the_smaller_ones_did_and_learn_with_all_they_have(larger):
    small = trained()
    large = build(PhotoConfig(**SMALL | larger), seed=2)
    load_pretrained(large, small.state_dict())
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    codes = small.sample_latent_maps(32, 48, 2, torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(large.estimate(image), small.estimate(image))
        torch.testing.assert_close(large.samples(image, None, codes), small.samples(image, None, codes))
    large.estimate(image)[0].square().sum().backward()
    learning = [float(p.grad.abs().sum()) > 0 for name, p in large.estimator.named_parameters() if "weight" in name]
    assert sum(learning) > len(learning) / 2


def test_equal_networks_take_every_weight_over():
    small, same = trained(), build(PhotoConfig(**SMALL), seed=2)
    load_pretrained(same, small.state_dict())
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in small.state_dict().items())


def test_networks_that_the_weights_lack_begin_anew():
    alone, large = trained(latent_dim=0), build(PhotoConfig(**SMALL), seed=2)
    begun = {name: value.clone() for name, value in large.state_dict().items()}
    load_pretrained(large, alone.state_dict())
    for name, value in large.state_dict().items():
        assert torch.equal(value, alone.state_dict()[name] if name.startswith("estimator.") else begun[name])


def test_an_estimator_alone_leaves_the_game():
    whole, alone = trained(), build(PhotoConfig(**SMALL | {"latent_dim": 0}), seed=2)
    load_pretrained(alone, whole.state_dict())
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in alone.state_dict().items())


def test_what_is_known_of_paints_may_begin_anew():
    bare, knowing = build(ColorizerConfig(width=4), seed=1), build(ColorizerConfig(width=4, prior_components=3), seed=2)
    load_pretrained(knowing, bare.state_dict())
    assert torch.equal(knowing.generator.stem.weight, bare.generator.stem.weight)
    with pytest.raises(UsageError, match="other networks"):
        load_pretrained(build(ColorizerConfig(width=4), seed=3), knowing.state_dict())


@pytest.mark.parametrize(
    "other",
    [
        PhotoConfig(**SMALL | {"widths": (3, 3, 6)}),
        PhotoConfig(**SMALL | {"blocks": (1, 0, 1)}),
        AutoencoderConfig(width=4),
    ],
    ids=["narrower", "shallower", "of another kind"],
)
def test_other_networks_are_refused(other):
    with pytest.raises(UsageError, match="other networks"):
        load_pretrained(build(other), trained().state_dict())


def test_a_pair_is_no_beginning_for_photographs():
    pair = build(AutoencoderConfig(width=2, latent_dim=4))
    for latent_dim in (0, 4):
        with pytest.raises(UsageError, match="other networks"):
            load_pretrained(build(PhotoConfig(**SMALL | {"latent_dim": latent_dim})), pair.state_dict())


def test_only_networks_for_photographs_grow():
    """The codes of a pair meet on a sphere: a wider encoder of them is another one."""
    small, large = (build(AutoencoderConfig(width=width, latent_dim=4)) for width in (4, 8))
    with pytest.raises(UsageError, match="other networks"):
        load_pretrained(large, small.state_dict())
