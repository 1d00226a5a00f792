"""Linear classification of features: the SVM against its optimum in closed form, and which features it sees."""

import builtins
import json

import numpy as np
import pytest
import torch
from bars import bars
from published_sets import folder

from agerestore.config.networks import AutoencoderConfig
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.models import weights
from agerestore.models.registry import build
from agerestore.research.experiments import Context, DataRequirements, requirements_of, run_experiment
from agerestore.research.experiments import features as module
from agerestore.research.experiments.encoder_features import FeatureReader, LabeledFeatures, activations
from agerestore.research.experiments.features import fitted, linear_svm, mistakes


class AsTheyAre(FeatureReader):
    """Takes images for features."""

    def parts(self, images):
        return images.split(self.chunk)


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_two_points_have_the_optimum_of_the_formula(c):
    # By symmetry b = 0; then w^2 / 2 + 2 C (1 - w)^2 is least at w = 4 C / (1 + 4 C).
    svm = linear_svm(c).fit(np.array([[-1.0], [1.0]]), np.array([0, 1]))
    assert svm.coef_.item() == pytest.approx(4 * c / (1 + 4 * c), rel=1e-3)
    assert svm.intercept_.item() == pytest.approx(0, abs=1e-3)


def test_the_gradient_of_the_documented_objective_vanishes():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 40, generator=generator, dtype=torch.float64)
    labels = torch.randint(3, (60,), generator=generator)
    svm = linear_svm(0.3).fit(x.numpy(), labels.numpy())
    w = torch.tensor(svm.coef_.T, requires_grad=True)
    b = torch.tensor(svm.intercept_, requires_grad=True)
    y = 2.0 * (labels[:, None] == torch.arange(3)) - 1
    errors = (1 - y * (x @ w + b)).clamp(min=0).square().sum()
    ((w.square().sum() + b.square().sum()) / 2 + 0.3 * errors).backward()
    assert w.grad.abs().max() < 1e-3
    assert b.grad.abs().max() < 1e-3


def test_classes_that_can_be_told_apart_are():
    labels = torch.arange(90) % 3
    x = torch.randn(90, 5, generator=torch.Generator().manual_seed(1)) * 0.2
    x[torch.arange(90), labels] += 2
    svm = fitted(LabeledFeatures(x, labels), 1.0)
    reader = AsTheyAre(None, None, None, chunk=7)
    assert not mistakes([svm], reader, ImageSet(x, labels)).any()
    others = ImageSet(x, (labels + (labels == 0)) % 3)  # the first class is called the second
    assert torch.equal(mistakes([svm, svm], reader, others), (labels == 0).expand(2, -1))


def test_without_scikit_learn_one_line_says_what_to_install(tmp_path, monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"a linear SVM needs scikit-learn: pip install scikit-learn, or agerestore\["):
        run_experiment("svhn-features", Context(bars(32, 3), bars(32, 3), tmp_path), tmp_path)
    assert not list(tmp_path.iterdir())  # and no encoder was trained before


@pytest.mark.parametrize(("architecture", "size", "expected"), [
    ("dcgan", 32, 8 * 256 + 16 * 64 + 32 * 16), ("dcgan", 64, 16 * 256 + 32 * 64 + 64 * 16),
    ("resnet", 32, 32 * 64 + 64 * 16 + 64 * 16),
])  # fmt: skip
def test_features_are_the_last_three_blocks_and_the_code(architecture, size, expected):
    model = build(AutoencoderConfig(architecture=architecture, image_size=size, latent_dim=5, width=8)).eval()
    images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = activations(model.encoder, images)
    assert found.shape == (3, expected + 5)
    assert torch.equal(found[:, -5:], model.encoder(images))


@pytest.mark.parametrize("chunk", [3, 64])
def test_features_are_scaled_by_the_training_images_part_by_part(chunk):
    encoder = build(AutoencoderConfig(latent_dim=5, width=4)).eval().encoder
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8, generator=generator)
    reader = FeatureReader.over(encoder, images[:30], chunk)
    parts = list(reader.parts(images))
    assert max(len(part) for part in parts) <= chunk  # no more are in memory
    with torch.no_grad():
        raw = activations(encoder, images.float() / 255 * 2 - 1).double()
    mean, deviation = raw[:30].mean(0), raw[:30].std(0, correction=0)
    assert deviation.min() > 1e-4
    expected = (raw - mean) / deviation / raw.shape[1] ** 0.5
    torch.testing.assert_close(torch.cat(parts).double(), expected, rtol=1e-3, atol=1e-5)
    lengths = torch.cat(parts)[:30].square().sum(1)
    assert lengths.mean().item() == pytest.approx(1, rel=1e-3)


def test_the_official_split_is_that_of_the_released_scripts(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "COSTS", (1.0,))
    monkeypatch.setattr(module, "OFFICIAL", (200, 50))
    monkeypatch.setattr(module, "OFFICIAL_VALIDATION", 30)
    images, config = bars(32, 3), AutoencoderConfig(latent_dim=5, width=2)
    weights.save_weights(tmp_path / "w.safetensors", build(config), {"training": {"validation": 0.05}})
    pools, validations = [], []
    subset, rates = module._subset, module.error_rates
    monkeypatch.setattr(module, "_subset", lambda reader, pool, *of: (pools.append(pool), subset(reader, pool, *of))[1])
    monkeypatch.setattr(module, "error_rates", lambda *of: (validations.append(of[2]), rates(*of))[1])
    context = Context(images, images.take(torch.arange(50)), tmp_path, weights=str(tmp_path / "w.safetensors"))
    found = run_experiment("svhn-features", context, tmp_path).figures["85 labels"]
    assert all(torch.equal(pool.images, images.images[:170]) for pool in pools)
    assert torch.equal(validations[0].images, images.images[170:])
    assert not any("first" in name for name in found)  # all test digits count, and the encoder has seen none
    assert "the official split, as in the paper" in json.loads((tmp_path / "svhn-features.json").read_text())["note"]
    assert (len(module._subset_seeds(context, True)), len(pools)) == (2, 3)
    full = Context(images, images, tmp_path, full=True)
    assert (len(module._subset_seeds(full, True)), len(module._subset_seeds(full, False))) == (100, 10)


def test_all_test_digits_are_taken_unless_a_limit_is_given(tmp_path):
    needed = requirements_of("svhn-features")
    assert (needed.most, requirements_of("systems").most) == (None, 10_000)
    folder(tmp_path, np.random.default_rng(0), 50, 32)
    assert [len(needed.load(tmp_path, limit)[1]) for limit in (None, 3)] == [10, 3]
    assert len(DataRequirements(32, 3, most=4).load(tmp_path)[1]) == 4


def test_classes_that_activations_show_are_found_and_the_figure_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("agerestore.research.experiments.features.COSTS", (1e-4, 1.0))
    images, config = bars(32, 3), AutoencoderConfig(latent_dim=5, width=4)
    weights.save_weights(tmp_path / "w.safetensors", build(config), {"training": {"validation": 0.05}})
    context = Context(images, images.take(torch.arange(50)), tmp_path, weights=str(tmp_path / "w.safetensors"))
    found = run_experiment("svhn-features", context, tmp_path).figures["80 labels"]
    assert found["error"] < 0.02
    assert found["features"] == 4 * 256 + 8 * 64 + 16 * 16 + 5
    assert "error of the first 12" in found  # of 250 that training on one folder would have held out
    assert "not comparable with the paper's 23.7 %" in json.loads((tmp_path / "svhn-features.json").read_text())["note"]


def test_a_model_of_other_images_is_named(tmp_path):
    weights.save_weights(tmp_path / "w.safetensors", build(AutoencoderConfig(channels=1, latent_dim=5, width=2)), {})
    context = Context(bars(32, 3), bars(32, 3), tmp_path, weights=str(tmp_path / "w.safetensors"))
    with pytest.raises(UsageError, match="encode no color images of 32x32"):
        run_experiment("svhn-features", context, tmp_path)
    context = Context(bars(32, 3), bars(32, 3), tmp_path, weights="photo")
    with pytest.raises(UsageError, match="model 'photo' is no pair of encoder and generator"):
        run_experiment("svhn-features", context, tmp_path)
