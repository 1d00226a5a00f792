"""What is measured of the networks for photographs, with stand-ins whose answers are known."""

import math

import pytest
import torch
from torch import nn

from agerestore.images.observation import Observation
from agerestore.metrics import uncertainty


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_rank_correlation_depends_on_order_alone():
    a = drawn(100)
    assert uncertainty.rank_correlation(a, a.exp()) == 1
    assert uncertainty.rank_correlation(a, -a) == -1
    assert abs(uncertainty.rank_correlation(drawn(5000), drawn(5000, seed=1))) < 0.05


class Known(nn.Module):
    """Stands in for a trained model: a center that is off by a known error, samples that spread by a known width."""

    def __init__(self, error, spread):
        super().__init__()
        self.error, self.spread = error, spread

    def estimate(self, image, mask=None):
        return self.error(image), (self.error(image) - image).abs()

    def sample_latent_maps(self, height, width, count, generator):
        return torch.randn(count, 3, height, width, generator=generator)

    def samples(self, image, mask, noise):
        return self.error(image) + self.spread * noise


def test_figures_of_noise_uncertainty_and_samples_in_closed_form():
    truth = [torch.full((3, 32, 32), 100 / 255)]
    off = Known(lambda image: torch.full_like(image, 110 / 255), 10 / 255)
    assert uncertainty.denoising_psnr(off, truth, 25) == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)

    ramp = torch.linspace(0, 0.5, 32 * 32).view(1, 1, 32, 32).expand(1, 3, -1, -1)
    honest = Known(lambda image: image + ramp, 0.1)
    hole = Observation(truth[0][None], (drawn(1, 1, 32, 32) < 0.5).float())
    figures = uncertainty.uncertainty_metrics(honest, truth, lambda image: hole)
    assert figures["pixels"] == pytest.approx(1, abs=1e-4)
    assert figures["blocks"] == pytest.approx(1, abs=1e-4)

    spread = uncertainty.sample_metrics(off, truth, lambda image: hole, count=400)
    assert spread["estimate"] == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)
    assert spread["mean"] == pytest.approx(spread["estimate"], abs=0.1)
    assert spread["spread"] == pytest.approx(1, abs=0.05)


def test_samples_are_scaled_until_they_spread_as_far_as_the_center_errs():
    truth = [torch.full((3, 32, 32), 100 / 255)]
    hole = Observation(truth[0][None], (drawn(1, 1, 32, 32) < 0.5).float())
    wide = Known(lambda image: torch.full_like(image, 110 / 255), 1.0)
    scale = [35 / 255]
    wide.scale_samples = lambda factor: scale.append(scale.pop() * factor)
    wide.samples = lambda image, mask, noise: wide.error(image) + scale[0] * noise
    assert uncertainty.calibrate_samples(wide, truth, lambda image: hole) == pytest.approx(10 / 35, rel=0.01)
    assert uncertainty.sample_metrics(wide, truth, lambda image: hole)["spread"] == pytest.approx(1, abs=1e-3)
