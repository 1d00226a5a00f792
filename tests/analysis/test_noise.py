"""Noise level: estimates against the noise that was added."""

import numpy as np
import pytest
from scenes import noisy, scene

from agerestore.analysis.noise import noise_sigma


@pytest.mark.parametrize("sigma", [1, 5, 15, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_on_a_constant_picture(sigma, channels):
    assert noise_sigma(noisy(128, sigma, (128, 128, channels))) == pytest.approx(sigma, rel=0.04, abs=0.1)


@pytest.mark.parametrize(("level", "error"), [(0, 0.2), (20, 0.05), (235, 0.05), (255, 0.2)])
def test_noise_that_is_cut_off_at_black_or_white_is_put_back(level, error):
    assert noise_sigma(noisy(level, 25)) == pytest.approx(25, rel=error)


@pytest.mark.parametrize("sigma", [0, 10, 30])
def test_noise_on_a_scene(sigma):
    assert noise_sigma(noisy(scene(), sigma, (192, 192, 3))) == pytest.approx(sigma, abs=2)


def test_no_noise_and_too_few_pixels():
    assert noise_sigma(np.full((64, 64, 1), 7, np.uint8)) == pytest.approx(0, abs=0.05)
    assert noise_sigma(np.zeros((28, 28, 1), np.uint8)) is None
    assert noise_sigma(np.zeros((3, 500, 3), np.uint8)) is None
