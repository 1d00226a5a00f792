"""The measures of the AGE paper's claims in one go."""

import math

import pytest
import torch
from torch import nn

from agerestore.config.networks import AutoencoderConfig, PhotoConfig
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.registry import build
from agerestore.research.paper_benchmark import (
    FeatureExtractor,
    degradations_for,
    feature_extractor,
    high_frequency_ratio,
    paper_benchmark,
    reconstruction_metrics,
    sample_quality,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def pictures(count=60, channels=3, size=32, seed=0):
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(seed))


def stored(images, labels=None):
    return ImageSet((images * 255).to(torch.uint8), labels)


class Off(nn.Module):
    """A generator that draws the picture its code is, 0.1 brighter; both are in [-1, 1]."""

    def forward(self, code):
        return code.view(-1, 3, 32, 32) + 0.2


def test_reconstruction_is_that_of_a_known_error():
    pair = Autoencoder(AutoencoderConfig(width=2))
    pair.encoder, pair.generator = nn.Flatten(), Off()
    found = reconstruction_metrics(pair, 0.5 * pictures())
    assert found["psnr"] == pytest.approx(20, abs=0.05)  # but for the rounding to 255 levels
    assert found["high_frequency_ratio"] == pytest.approx(1, abs=1e-4)


def test_half_the_contrast_holds_a_quarter_of_the_energy():
    truth = pictures()
    assert high_frequency_ratio(truth / 2, truth) == pytest.approx(0.25, rel=1e-5)
    extractor = FeatureExtractor("mine", lambda images: images.mean(dim=(2, 3)))
    found = sample_quality(extractor, truth + 1, truth)
    assert found["frechet_of_mine"] == pytest.approx(3, rel=1e-4)  # three means, each off by one
    assert found["high_frequency_ratio"] == pytest.approx(1, abs=1e-4)


def test_features_are_those_of_a_classifier_of_digits_or_else_of_transformations():
    labels = torch.arange(1200) % 10
    digits = 0.2 * pictures(1200, channels=1)
    for number, label in enumerate(labels):  # each class has a place of its own
        digits[number, :, 16 * (label // 5) : 16 * (label // 5) + 16, 6 * (label % 5) : 6 * (label % 5) + 6] += 0.7
    mixed = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    assert feature_extractor(stored(digits, labels)).classifier is not None
    assert (
        feature_extractor(stored(digits[:60], labels[:60][mixed])).name == "our_transformation_classifier"
    )  # nothing to be learned
    assert feature_extractor(stored(digits[:60], labels[:60] + 1)).name == "our_transformation_classifier"
    assert feature_extractor(stored(pictures())).name == "our_transformation_classifier"
    assert feature_extractor(stored(pictures(6, size=64), labels[:6])).features(pictures(5, size=64)).shape == (5, 64)


def test_degradations_suit_the_images():
    assert degradations_for(AutoencoderConfig(channels=1))[0] == "noise:sigma=128:clip=1"
    assert degradations_for(AutoencoderConfig(image_size=64))[2] == "hole:size=24"


@pytest.mark.parametrize("players", [("encoder", "generator"), ("generator",)])
def test_everything_is_measured_once_and_reported_as_it_comes(players):
    networks = build(AutoencoderConfig(latent_dim=4, width=2, players=players)).eval().requires_grad_(False)
    model = Model(networks, {"domain": {"unexplained": 1.0, "reencoding": 1.0}})
    reported = []
    found = paper_benchmark(model, stored(pictures(20)), stored(pictures(30, seed=1)), report=reported.append)
    assert found == reported
    whole = ["reconstruction", *degradations_for(networks.config), "moments of e(g(Z))", "samples", "other images"]
    assert [each.what for each in found] == (whole if len(players) == 2 else whole[-2:])
    assert all(math.isfinite(value) for each in found for value in each.values.values())
    if len(players) == 2:
        hole = found[3].values
        assert hole["psnr"] == pytest.approx(hole["hole_psnr"] + 10 * math.log10(1024 / 144), abs=0.1)


def test_what_cannot_be_measured_is_named():
    pair = Model(build(AutoencoderConfig(latent_dim=4, width=2)), {})
    with pytest.raises(UsageError, match="3 images are too few"):
        paper_benchmark(pair, stored(pictures(3)), stored(pictures()))
    photo = Model(build(PhotoConfig(widths=(2, 2, 2), blocks=(1, 1, 1))), {})
    with pytest.raises(UsageError, match="of one kind of images"):
        paper_benchmark(photo, stored(pictures()), stored(pictures()))
