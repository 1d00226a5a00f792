import numpy as np
import pytest

from agerestore.images.photo import Photo
from agerestore.inference.tone import auto_levels, scale_uncertainty


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_faded_ramp_gets_its_black_and_white_back(dtype, channels):
    peak = np.iinfo(dtype).max
    ramp = np.linspace(0, 1, 1000)[:, None, None].repeat(20, 1).repeat(channels, 2)
    faded = Photo(((0.2 + 0.6 * ramp) * peak).round().astype(dtype))
    back = auto_levels(faded).pixels / peak
    np.testing.assert_allclose(back[10:-10], ramp[10:-10], atol=0.012)
    assert back.min() == 0
    assert back.max() == 1


def test_hues_stay_and_a_full_range_is_left_alone():
    full = np.linspace(0, 255, 256).astype(np.uint8)[:, None, None].repeat(3, 2)
    assert np.abs(auto_levels(Photo(full)).pixels.astype(int) - full).max() <= 2
    tinted = np.stack([np.linspace(90, 170, 81), np.linspace(80, 160, 81), np.linspace(70, 150, 81)], -1)[:, None]
    spread = auto_levels(Photo(tinted.astype(np.uint8))).pixels.astype(int)
    gains = np.diff(spread[10:70, 0], axis=0).mean(axis=0)
    assert gains.max() - gains.min() < 0.05


def test_half_of_a_cast_is_taken_from_black_and_white_and_a_toned_print_keeps_its_tone():
    scene = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    scene[0], scene[1] = 0, 255
    cast = (scene.repeat(24, 0).repeat(24, 1) * 0.6 + np.array([60, 40, 20])).astype(np.uint8)  # yellow
    white = auto_levels(Photo(cast)).pixels[30, 0].astype(int)
    # White became (213, 193, 173) of luminance 196.7; what green and blue lack of it is halved, and stretched.
    assert white == pytest.approx([255, 255 - 3.7 / 2 * 255 / 153, 255 - 23.7 / 2 * 255 / 153], abs=1)
    luminance = np.linspace(60, 200, 480)[:, None, None].repeat(480, 1)
    toned = Photo((luminance * np.array([1.0, 0.9, 0.72])).astype(np.uint8))
    ratio = auto_levels(toned).pixels.astype(float)[240, 240] / auto_levels(toned).pixels[240, 240, 0]
    assert ratio[2] < 0.8


def test_an_empty_picture_is_given_no_contrast():
    flat = Photo(np.full((9, 9, 3), 60, np.uint8))
    assert np.ptp(auto_levels(flat).pixels) == 0


def test_the_error_expected_is_stretched_as_the_picture_is():
    ramp = np.linspace(100, 164, 256)[None, :, None].repeat(256, 0).round().astype(np.uint8)  # a quarter of the range
    expected = np.full((256, 256, 1), 40, np.uint8)
    expected[0] = 200
    scaled = scale_uncertainty(Photo(expected), like=Photo(ramp)).pixels
    assert (scaled[1:] == 100).all()  # by the most that a picture is stretched
    assert (scaled[0] == 255).all()
