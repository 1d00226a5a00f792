"""Grain: the strength and size of correlated noise that was drawn."""

import cv2
import numpy as np
import pytest
from scenes import decoded, noisy
from skimage import data

from agerestore import degrade
from agerestore.analysis.grain import measure_grain
from agerestore.analysis.noise import noise_sigma

FLAT = np.full((256, 256, 3), 128, np.uint8)


@pytest.mark.parametrize("size", [0.4, 0.6, 0.8, 1.2])
@pytest.mark.parametrize("sigma", [4, 12])
def test_grain_on_a_constant_picture(sigma, size):
    grainy = degrade(FLAT, f"grain:sigma={sigma}:size={size}")
    found = measure_grain(grainy)
    assert found.sigma == pytest.approx(sigma, rel=0.12)
    assert found.size == pytest.approx(size, abs=0.1)
    if size >= 0.8:
        assert noise_sigma(grainy) < 0.3 * sigma  # what looks at the highest frequencies alone


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_has_no_size(channels):
    found = measure_grain(noisy(128, 10, (256, 256, channels)))
    weight = 1 if channels == 1 else np.linalg.norm([0.299, 0.587, 0.114])  # of the luminance of independent channels
    assert found.sigma == pytest.approx(10 * weight, rel=0.05)
    assert found.size <= 0.35


@pytest.mark.parametrize("quality", [75, 90])
def test_what_a_jpeg_erases_is_not_taken_for_grain(quality):
    white, grainy = (degrade(FLAT, kind) for kind in ("grain:sigma=12:size=0", "grain:sigma=12:size=0.9"))
    assert measure_grain(decoded(white, quality), quality).size <= 0.45
    found = measure_grain(decoded(grainy, quality), quality)
    assert found.sigma == pytest.approx(12, rel=0.15)
    assert found.size == pytest.approx(0.9, abs=0.2)


def test_grain_on_a_photograph_and_none_on_a_smooth_one():
    photo = data.chelsea()
    found = measure_grain(degrade(photo, "grain:sigma=12:size=0.8"))
    assert found.sigma == pytest.approx(12, abs=3)
    assert found.size == pytest.approx(0.8, abs=0.15)
    assert measure_grain(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)) is None
    assert measure_grain(FLAT) is None
    assert measure_grain(np.zeros((7, 300, 1), np.uint8)) is None
