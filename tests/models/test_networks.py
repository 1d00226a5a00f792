import pytest
import torch
from torch import nn

from agerestore.config.networks import AutoencoderConfig
from agerestore.models.age import ARCHITECTURES as BUILT_IN
from agerestore.models.fuse import fuse
from agerestore.models.layers import spectral
from agerestore.models.layers.activations import relu
from agerestore.models.registry import build
from agerestore.models.subpixel import rewrite_transposed

ARCHITECTURES = [*BUILT_IN, "mlp"]
CONFIGS = [
    AutoencoderConfig(architecture=architecture, image_size=size, channels=channels, latent_dim=12, width=4)
    for architecture in ARCHITECTURES
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
    model = build(AutoencoderConfig(image_size=size, latent_dim=dim))
    assert (count(model.encoder), count(model.generator)) == (encoder, generator)


def test_official_encoder_layer_by_layer():
    kinds = [
        (type(m).__name__, getattr(m, "bias", None) is not None) for m in build(AutoencoderConfig()).encoder.layers
    ]
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
    model = build(AutoencoderConfig(prior="gaussian", width=4, latent_dim=6))
    assert not torch.allclose(model.encode(torch.rand(3, 3, 32, 32)).norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_spectral_norms_in_the_encoder_are_1_and_no_batch_norm_is_left(architecture):
    model = build(AutoencoderConfig(architecture=architecture, latent_dim=12, width=8, spectral=True))
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for _ in range(100):  # each a step of power iteration
        code = model.encode(x)
    fast = fuse(model.encoder)
    torch.testing.assert_close(fast(x * 2 - 1), model.eval().encode(x))
    torch.testing.assert_close(code.norm(dim=1), torch.ones(4))
    layers = [layer for layer in fast.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    norms = torch.stack([torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in layers])
    torch.testing.assert_close(norms, torch.ones(len(layers)), atol=0.02, rtol=0)
    assert all(layer.bias is not None for layer in layers)
    assert not any(isinstance(layer, spectral.NORMS) for layer in model.encoder.modules())
    assert any(isinstance(layer, spectral.NORMS) for layer in model.generator.modules()) == (architecture != "mlp")


def test_building_depends_on_the_seed_and_leaves_the_global_random_state():
    config = AutoencoderConfig(width=4)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = build(config, 3), build(config, 3), build(config, 4)
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_a_robust_encoder_starts_as_a_copy_and_is_its_own():
    model = build(AutoencoderConfig(width=4)).eval()
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(model.encode(x, robust=True), model.encode(x))  # none yet: the clean one
    model.add_networks({"robust_encoder"})
    assert torch.equal(model.encode(x, robust=True), model.encode(x))
    torch.nn.init.ones_(next(model.robust_encoder.parameters()))
    assert not torch.equal(model.encode(x, robust=True), model.encode(x))


def test_a_fused_norm_is_the_scale_and_shift_of_the_convolution_before_it():
    layers = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0), nn.ReLU()).double()
    numbers = {
        "0.weight": 3.0,
        "0.bias": 1.0,
        "1.weight": 2.0,
        "1.bias": 5.0,
        "1.running_mean": 4.0,
        "1.running_var": 4.0,
    }
    with torch.no_grad():
        for name, value in numbers.items():
            layers.state_dict()[name].fill_(value)
    fast = fuse(layers)
    # (3 x + 1 - 4) / sqrt(4) * 2 + 5 = 3 x + 2
    assert (float(fast[0].weight), float(fast[0].bias)) == (3.0, 2.0)
    assert isinstance(fast[1], nn.Identity)
    assert isinstance(layers[1], nn.BatchNorm2d)


def test_each_weight_of_a_sub_pixel_convolution_lands_where_the_transposed_one_puts_it():
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False).requires_grad_(False)
    layer.weight.copy_(torch.arange(16.0).view(1, 1, 4, 4))
    point = torch.zeros(1, 1, 2, 3)
    point[0, 0, 1, 1] = 1
    drawn = rewrite_transposed(nn.Sequential(layer))(point)[0, 0]  # stamped at 2 * 1 - 1, and cut off below
    expected = torch.zeros(4, 6)
    expected[1:4, 1:5] = torch.arange(16.0).view(4, 4)[:3]
    assert torch.equal(drawn, expected)


@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_relu_is_exact_in_every_precision_and_has_its_gradient(dtype, learns):
    numbers = torch.tensor([-1e38, -1e-38, -0.0, 0.0, 1e-38, 3.0, -torch.inf, torch.inf], dtype=dtype)
    x = numbers.clone().requires_grad_(learns)
    answer = relu(x)
    assert torch.equal(answer.detach(), numbers.clamp_min(0))
    if learns:
        answer.sum().backward()
        assert torch.equal(x.grad, (numbers > 0).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pointwise_layers_are_computed_before_the_phases_are_interleaved(dtype):
    layers = nn.Sequential(
        nn.ConvTranspose2d(1, 2, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 1), nn.Tanh()
    ).requires_grad_(False).to(dtype)  # fmt: skip
    layers[0].weight.zero_()[:, :, 1:3, 1:3] = torch.tensor([1.0, -1.0])[:, None, None]
    layers[0].bias.zero_()
    layers[2].weight.copy_(torch.tensor([1.0, -0.5]).view(1, 2, 1, 1))
    layers[2].bias.zero_()
    # Pixels are doubled: positive ones through the first channel, negative ones through the second, halved.
    answer = rewrite_transposed(layers)(torch.tensor([[[[1.0, -2.0]]]], dtype=dtype))
    expected = torch.tensor([[1.0, 1.0, -1.0, -1.0]] * 2, dtype=dtype).tanh()
    assert torch.equal(answer[0, 0], expected)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("fast", [fuse, lambda model: rewrite_transposed(fuse(model))], ids=["fused", "sub-pixel"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rewritten_networks_compute_the_same(architecture, fast, size):
    model = build(AutoencoderConfig(architecture=architecture, image_size=size, latent_dim=12, width=4)).double()
    generator = torch.Generator().manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data *= 10  # so that pictures are not gray
    model.eval()
    fast, image = fast(model), torch.rand(3, 3, size, size, generator=generator).double()
    torch.testing.assert_close(fast.encode(image), model.encode(image), rtol=1e-9, atol=1e-9)
    code = model.encode(image)
    drawn = model.generate(code)
    assert drawn.std() > 0.01
    torch.testing.assert_close(fast.generate(code), drawn, rtol=1e-9, atol=1e-9)
    left = sum(isinstance(layer, nn.BatchNorm2d) for layer in fast.modules())
    assert left == 0 if architecture != "resnet" else left < sum(isinstance(x, nn.BatchNorm2d) for x in model.modules())


def test_spectral_norms_are_measured_exactly():
    """Also where the two largest singular values are nearly one, which power iteration does not tell apart."""
    layer = torch.nn.Linear(3, 3)
    layer.weight = torch.nn.Parameter(torch.diag(torch.tensor([2.0, 1.999, 0.5])))
    network = torch.nn.Sequential(layer)
    spectral.add_spectral_norm(network)
    spectral.set_exact_sigma(network)
    network.eval()
    torch.testing.assert_close(network[0].weight, torch.diag(torch.tensor([1.0, 0.9995, 0.25])))
