"""Scores of sets of images, against closed forms."""

import math

import pytest
import torch

from agerestore.research.sample_quality import classifier_score, high_frequency_energy


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_class_score_counts_classes_that_are_drawn_for_certain_and_alike():
    assert classifier_score(torch.full((9, 5), 0.2)) == pytest.approx(1, abs=1e-6)
    assert classifier_score(torch.eye(5)[torch.tensor([1, 1, 1])]) == pytest.approx(1, abs=1e-6)
    assert classifier_score(torch.eye(5).repeat(3, 1)) == pytest.approx(5, abs=1e-3)
    rows = torch.tensor([[0.75, 0.25], [0.25, 0.75]])
    assert classifier_score(rows) == pytest.approx(math.exp(0.75 * math.log(1.5) + 0.25 * math.log(0.5)), abs=1e-4)


@pytest.mark.parametrize(("cycles", "expected"), [(0, 0.0), (4, 0.0), (8, 0.0), (9, 0.02), (16, 0.04)])
def test_fine_structure_of_a_wave_is_all_or_nothing(cycles, expected):
    # 0.5 + 0.2 cos has the variance 0.2^2 / 2, twice that where it alternates; above 8 cycles in 32 pixels it counts
    wave = 0.5 + 0.2 * torch.cos(2 * math.pi * cycles * torch.arange(32) / 32)
    energy = high_frequency_energy(wave.expand(2, 3, 32, 32))
    assert energy.tolist() == pytest.approx([expected] * 2, abs=1e-6)
    assert high_frequency_energy(wave[:, None].expand(1, 1, 32, 32)).tolist() == pytest.approx([expected], abs=1e-6)


def test_fine_structure_above_0_is_the_variance_and_blur_takes_it():
    noise = torch.rand(4, 2, 32, 48, generator=rng())
    variance = noise.var(dim=(2, 3), correction=0).mean(1)
    torch.testing.assert_close(high_frequency_energy(noise, above=0), variance)
    blurred = torch.nn.functional.avg_pool2d(noise, 3, 1, 1)
    assert (high_frequency_energy(blurred) < 0.05 * high_frequency_energy(noise)).all()
