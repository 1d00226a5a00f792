"""Color mode: gray, sepia or color."""

import numpy as np
import pytest
from scenes import decoded, noisy, scene

from agerestore.analysis.color_mode import color_mode


def test_gray_sepia_and_color():
    color = scene()
    gray = np.repeat(scene(1), 3, axis=2)
    sepia = (gray * np.array([1, 0.89, 0.69])).round().astype(np.uint8)
    assert [color_mode(each) for each in (color, gray, sepia, scene(1))] == ["color", "gray", "sepia", "gray"]
    assert [color_mode(decoded(each, 60)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]
    assert [color_mode(noisy(each, 25, each.shape)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]


def test_a_cold_tint_is_a_color():
    gray = np.repeat(scene(1), 3, axis=2)
    assert color_mode((gray * np.array([0.6, 0.8, 1])).round().astype(np.uint8)) == "color"


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (5, 5, 3)])
def test_small_pictures_have_colors_too(shape):
    assert color_mode(np.full(shape, 100, np.uint8)) == "gray"
    assert color_mode(np.full(shape, 100, np.uint8) * np.array([1, 2, 0], np.uint8)) == "color"
