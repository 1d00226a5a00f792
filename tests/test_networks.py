import pytest
import torch

from agerestore.config import NetworkConfig
from agerestore.networks import NETWORKS, build

CONFIGS = [
    NetworkConfig(architecture=architecture, image_size=size, channels=channels, latent_dim=12, width=4)
    for architecture in NETWORKS
    for size in (32, 64)
    for channels in (1, 3)
]


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("size", "dim", "encoder", "generator"),
    # Added up by hand, layer by layer, from the description of the official code at width 64.
    [(64, 64, 3_281_728, 3_281_792), (32, 128, 1_183_616, 3_934_595)],
)
def test_parameter_counts_of_the_official_networks(size, dim, encoder, generator):
    model = build(NetworkConfig(image_size=size, latent_dim=dim))
    assert (count(model.encoder), count(model.generator)) == (encoder, generator)


def test_official_encoder_layer_by_layer():
    kinds = [(type(m).__name__, getattr(m, "bias", None) is not None) for m in build(NetworkConfig()).encoder.layers]
    norm, relu = ("BatchNorm2d", True), ("LeakyReLU", False)
    conv = ("Conv2d", False)
    assert kinds == [conv, relu, conv, norm, relu, conv, norm, relu, ("Conv2d", True), ("AvgPool2d", False)]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_shapes_ranges_and_a_gradient_in_every_parameter(config):
    model = build(config)
    shape = (5, config.channels, config.image_size, config.image_size)
    code = model.encode(torch.rand(shape, generator=torch.Generator().manual_seed(0)))
    assert code.shape == (5, 12)
    torch.testing.assert_close(code.norm(dim=1), torch.ones(5))
    image = model.generate(code)
    assert image.shape == shape
    assert image.min() >= 0
    assert image.max() <= 1
    (image * torch.randn(shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # Behind a projection the mean direction of a code can carry no gradient; no weight tensor is that.
    assert without == []


def test_gaussian_prior_leaves_codes_unprojected():
    model = build(NetworkConfig(prior="gaussian", width=4, latent_dim=6))
    assert not torch.allclose(model.encode(torch.rand(3, 3, 32, 32)).norm(dim=1), torch.ones(3))


def test_building_depends_on_the_seed_and_leaves_the_global_random_state():
    config = NetworkConfig(width=4)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = build(config, 3), build(config, 3), build(config, 4)
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_a_robust_encoder_starts_as_a_copy_and_is_its_own():
    model = build(NetworkConfig(width=4)).eval()
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.encode(x, robust=True), model.encode(x))  # none yet: the clean one
    model.add_robust_encoder()
    assert torch.equal(model.encode(x, robust=True), model.encode(x))
    torch.nn.init.ones_(next(model.robust_encoder.parameters()))
    assert not torch.equal(model.encode(x, robust=True), model.encode(x))
