import numpy as np
import pytest
from scenes import scene

from agerestore.analysis.fading import ends, fading


def photograph(seed):
    pixels = scene(seed=seed).astype(np.float32)
    pixels[20:40, 20:40], pixels[60:80, 60:90] = 0, 255
    return pixels


@pytest.mark.parametrize("seed", range(4))
def test_faded_images_have_odds_above_even(seed):
    clean = photograph(seed)
    assert fading(clean) < 0 < fading(50 + 0.55 * clean)
    assert fading(clean[..., :1]) < 0 < fading(50 + 0.55 * clean[..., :1])


def test_night_snow_and_nothing_have_not_faded():
    clean = photograph(0)
    assert fading(0.3 * clean) < 0
    assert fading(150 + 0.4 * clean) == -np.inf
    assert fading(np.full((3, 3, 3), 100, np.float32)) == -np.inf


def test_depth_and_size_do_not_matter():
    faded = 50 + 0.55 * photograph(1)
    large = faded.repeat(6, 0).repeat(6, 1)
    assert fading(large) == pytest.approx(fading(faded), abs=1)
    assert fading(faded.round().astype(np.uint8)) == pytest.approx(fading(faded), abs=0.1)


def test_ends_are_those_of_the_brightness_in_one_tone_and_of_the_channels_in_color():
    gray = np.linspace(0, 255, 1001, dtype=np.float32)[None, :, None].repeat(40, 0)
    gray = gray[:, np.random.default_rng(0).permutation(1001)]
    assert ends(51 + 0.6 * gray, True) == pytest.approx((0.2 + 0.003, 0.8 - 0.003), abs=2e-3)
    color = np.concatenate([51 + 0.6 * gray, np.full_like(gray, 120), np.full_like(gray, 128)], axis=2)
    assert ends(color, False) == pytest.approx((0.2 + 0.009, 0.8 - 0.009), abs=2e-3)
