"""Blur: estimates against the blur that was applied."""

import numpy as np
import pytest
from scenes import blurred, scene

from agerestore.analysis.blur import blur_sigma


@pytest.mark.parametrize("sigma", [1.5, 2, 3])
def test_the_blur_of_sharp_edges(sigma):
    assert blur_sigma(blurred(scene(), sigma), 0) == pytest.approx(sigma, abs=0.3)


def test_sharp_edges_have_no_blur_and_noise_hides_it():
    assert blur_sigma(scene(), 0) < 0.5
    assert blur_sigma(scene(), 40) is None
    assert blur_sigma(np.zeros((200, 200, 1), np.uint8), 0) is None
