import numpy as np
import pytest
from scenes import decoded, scene

from agerestore.analysis.tone_curve import distances, has_one_tone

GRAY = scene(1).astype(np.float32)
TINTS = {"gray": (1, 1, 1), "sepia": (1, 0.86, 0.62), "blue": (0.75, 0.9, 1)}


@pytest.mark.parametrize("tint", TINTS)
def test_prints_have_one_tone_also_with_grain_and_as_jpeg(tint):
    toned = (GRAY * np.array(TINTS[tint], np.float32)).round().astype(np.uint8)
    assert has_one_tone(toned)
    assert has_one_tone(decoded(toned, 60))
    grain = np.random.default_rng(0).standard_normal((*toned.shape[:2], 1))
    assert has_one_tone((toned + 12 * grain).clip(0, 255).round().astype(np.uint8))


def test_an_image_with_one_channel_has_one_tone_and_one_in_color_has_not():
    assert has_one_tone(GRAY)
    assert not has_one_tone(scene(3))
    assert not has_one_tone((128 + 0.3 * (scene(3) - 128.0)).astype(np.uint8))


def test_a_stain_does_not_bend_the_curve():
    level = np.linspace(0, 1, 500)
    values = np.stack([0.2 * level * (1 - level), -0.1 * level], axis=1)
    values[::4] -= 0.3
    apart = distances(level, values, lambda apart: np.hypot(*apart.T).clip(1e-6) ** -0.5)
    np.testing.assert_allclose(apart[1::4], 0, atol=1e-5)
    np.testing.assert_allclose(apart[::4], -0.3, atol=1e-5)
