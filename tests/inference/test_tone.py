import numpy as np
import pytest

from agerestore.images.arrays import open_image
from agerestore.inference.tone import apply_levels, measure_levels


def auto_levels(pixels):
    raster = open_image(pixels)
    return apply_levels(raster, [measure_levels(raster)]).pixels()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_faded_ramp_gets_its_black_and_white_back(dtype, channels):
    peak = {np.float32: 1, np.int32: 65535}.get(dtype) or np.iinfo(dtype).max
    ramp = np.linspace(0, 1, 1000)[:, None, None].repeat(20, 1).repeat(channels, 2)
    levels = (0.2 + 0.6 * ramp) * peak
    faded = (levels if dtype is np.float32 else levels.round()).astype(dtype)
    back = auto_levels(faded) / peak
    np.testing.assert_allclose(back[10:-10], ramp[10:-10], atol=0.012)
    assert back.min() == 0
    assert back.max() == 1


def test_hues_stay_and_a_full_range_is_left_alone():
    full = np.linspace(0, 255, 256).astype(np.uint8)[:, None, None].repeat(3, 2)
    assert np.abs(auto_levels(full).astype(int) - full).max() <= 2
    tinted = np.stack([np.linspace(90, 170, 81), np.linspace(80, 160, 81), np.linspace(70, 150, 81)], -1)[:, None]
    spread = auto_levels(tinted.astype(np.uint8)).astype(int)
    gains = np.diff(spread[10:70, 0], axis=0).mean(axis=0)
    assert gains.max() - gains.min() < 0.05


def test_half_of_a_cast_is_taken_from_black_and_white_and_a_toned_print_keeps_its_tone():
    scene = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    scene[0], scene[1] = 0, 255
    cast = (scene.repeat(24, 0).repeat(24, 1) * 0.6 + np.array([60, 40, 20])).astype(np.uint8)  # yellow
    white = auto_levels(cast)[30, 0].astype(int)
    # White became (213, 193, 173) of luminance 196.7; what green and blue lack of it is halved, and stretched.
    assert white == pytest.approx([255, 255 - 3.7 / 2 * 255 / 153, 255 - 23.7 / 2 * 255 / 153], abs=1)
    luminance = np.linspace(60, 200, 480)[:, None, None].repeat(480, 1)
    toned = (luminance * np.array([1.0, 0.9, 0.72])).astype(np.uint8)
    ratio = auto_levels(toned).astype(float)[240, 240] / auto_levels(toned)[240, 240, 0]
    assert ratio[2] < 0.8


def test_an_empty_picture_is_given_no_contrast():
    flat = np.full((9, 9, 3), 60, np.uint8)
    assert np.ptp(auto_levels(flat)) == 0


def test_the_gain_is_bounded():
    ramp = np.linspace(100, 164, 256)[None, :, None].repeat(256, 0).round().astype(np.uint8)  # a quarter of the range
    assert measure_levels(open_image(ramp)).gain.tolist() == [2.5]
