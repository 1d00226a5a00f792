"""Color mode: gray, sepia, toned or color."""

import cv2
import numpy as np
import pytest
import torch
from scenes import decoded, noisy, scene
from skimage import data

from agerestore import degradations
from agerestore.analysis.color_mode import color_mode, color_signs


def test_gray_sepia_and_color():
    color = scene()
    gray = np.repeat(scene(1), 3, axis=2)
    sepia = (gray * np.array([1, 0.89, 0.69])).round().astype(np.uint8)
    assert [color_mode(each) for each in (color, gray, sepia, scene(1))] == ["color", "gray", "sepia", "gray"]
    assert [color_mode(decoded(each, 60)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]
    assert [color_mode(noisy(each, 25, each.shape)) for each in (color, gray, sepia)] == ["color", "gray", "sepia"]


def test_a_cold_tone_is_a_tone():
    gray = np.repeat(scene(1), 3, axis=2)
    assert color_mode((gray * np.array([0.6, 0.8, 1])).round().astype(np.uint8)) == "toned"


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (5, 5, 3)])
def test_small_pictures_have_colors_too(shape):
    assert color_mode(np.full(shape, 100, np.uint8)) == "gray"
    assert color_mode(np.full(shape, 100, np.uint8) * np.array([1, 2, 0], np.uint8)) == "color"


# ---------------------------------------------------------------------------------------------- scans of prints

LEVELS = np.repeat(scene(1, side=320), 3, axis=2).astype(float)  # a black-and-white print
PHOTOGRAPHS = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), data.cat()]  # in color, public domain
GRAYS = [np.repeat((each @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2) for each in PHOTOGRAPHS[:3]]


def rounded(picture):
    return picture.clip(0, 255).round().astype(np.uint8)


def with_cast(gray, cast):
    return gray + np.array(cast)


def with_date(gray, color=(235, 120, 30)):
    """The date of a camera, in a corner."""
    picture = rounded(gray)
    height, width = gray.shape[:2]
    place = int(width * 0.7), int(height * 0.95)
    cv2.putText(picture, "'87 6 14", place, cv2.FONT_HERSHEY_SIMPLEX, height / 700, color, 2)
    return picture.astype(float)


def with_border(gray, paper=(228, 212, 172), share=0.08):
    """On yellowed paper."""
    wide = int(share * max(gray.shape))
    picture = np.empty((gray.shape[0] + 2 * wide, gray.shape[1] + wide, 3))
    picture[:] = paper
    picture[wide:-wide, wide // 3 : wide // 3 + gray.shape[1]] = gray
    return picture


def with_noise_in_its_colors(gray, sigma=9, size=0.0, seed=0):
    drawn = np.random.default_rng(seed).standard_normal(gray.shape)
    drawn = cv2.GaussianBlur(drawn, (0, 0), size) if size else drawn
    return gray + sigma * drawn / drawn.std()


def yellowed_at_one_side(gray, most=(0, 0.03, 0.09)):
    return gray * (1 - np.linspace(0, 1, gray.shape[1])[None, :, None] * np.array(most))


SCANS = {
    "cool": lambda gray: with_cast(gray, (0, 2, 9)),
    "warm": lambda gray: with_cast(gray, (11, 4, -4)),
    "green": lambda gray: with_cast(gray, (-6, 4, -5)),
    "date": with_date,
    "green date": lambda gray: with_date(with_cast(gray, (3, 1, 0)), (90, 250, 90)),
    "border": with_border,
    "white border": lambda gray: with_border(with_cast(gray, (8, 2, -6)), (248, 246, 238), 0.05),
    "noise": with_noise_in_its_colors,
    "coarse noise": lambda gray: with_noise_in_its_colors(gray, 5, 1.0),
    "yellowed": yellowed_at_one_side,
    "all": lambda gray: with_date(with_border(with_noise_in_its_colors(yellowed_at_one_side(gray), 6))),
}


@pytest.mark.parametrize("name", SCANS)
def test_a_scan_of_a_black_and_white_print_is_none_in_color(name):
    for number, gray in enumerate(GRAYS):
        picture = rounded(SCANS[name](gray))
        assert color_mode(picture) != "color", number
        assert color_mode(decoded(picture, 70)) != "color", number
    if name in ("cool", "date", "border", "noise", "coarse noise"):
        assert color_mode(rounded(SCANS[name](LEVELS))) == "gray"


def muted(color, share):
    gray = (color @ np.array([0.299, 0.587, 0.114]))[..., None]
    return gray + share * (color - gray)


COLORED = {
    "as they are": lambda color: color,
    "muted": lambda color: muted(color, 0.45),
    "nearly of one color": lambda color: muted(color, 0.36),
    "foggy": lambda color: 0.45 * color + 0.55 * np.array([225, 228, 235]),
    "faded": lambda color: 0.6 * color * np.array([1, 0.97, 0.9]) + np.array([45, 38, 30]),
    "with a cast": lambda color: color * np.array([1.08, 1, 0.9]),
    "noisy": lambda color: with_noise_in_its_colors(color, 12),
    "on paper": with_border,
    "dated": with_date,
}


MISSED = {("foggy", 3)}  # a rocket by night, behind fog


@pytest.mark.parametrize("name", COLORED)
def test_a_photograph_in_color_is_one_however_pale(name):
    for number, color in enumerate(PHOTOGRAPHS):
        if (name, number) in MISSED:
            continue
        picture = rounded(COLORED[name](color.astype(float)))
        assert color_mode(picture) == "color", number
        assert color_mode(decoded(picture, 70)) == "color", number
        small = cv2.resize(picture, (picture.shape[1] // 3, picture.shape[0] // 3), interpolation=cv2.INTER_AREA)
        assert color_mode(small) == "color", number


def test_colors_that_change_slowly_are_colors():
    y, x = np.mgrid[:200, :300] / 300
    assert color_mode(rounded(np.stack([x, 1 - y, (x + y) % 1], axis=2) * 200 + 20)) == "color"


def test_a_print_of_one_tone_is_none_in_color_however_strong_the_tone():
    light = GRAYS[0] / 255
    for powers, mode in (((1, 1.25, 1.8), "sepia"), ((1.7, 1.2, 0.8), "toned"), ((1.1, 1.0, 0.9), "toned")):
        assert color_mode(rounded(255 * light ** np.array(powers))) == mode


def stained(gray, seed):
    image = torch.from_numpy(gray / 255).float().permute(2, 0, 1)[None]
    kind = degradations.parse("stains:count=2:size=0.2..0.3:strength=0.3")
    made = degradations.degrade(image, kind, torch.Generator().manual_seed(seed)).image[0]
    return rounded(255 * made.permute(1, 2, 0).numpy())


def test_brown_stains_are_no_colors():
    for number, gray in enumerate(GRAYS):
        for seed in (1, 2):
            assert color_mode(stained(gray, seed)) != "color", (number, seed)


def test_signs_are_finite_whatever_the_image():
    for pixels in (
        np.zeros((1, 1, 3)),
        np.full((9, 400, 3), 255),
        np.zeros((300, 200, 3)),
        np.eye(64)[..., None] * 255,
    ):
        signs = color_signs(np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.uint8))
        assert signs.shape == (28,)
        assert np.isfinite(signs).all()


def test_a_gray_image_has_no_distances_or_details_of_color_at_any_brightness():
    signs = color_signs(rounded(LEVELS))
    nothing = np.log(0.3)
    np.testing.assert_allclose(signs[3:11], nothing, atol=1e-6)  # to the functions of brightness, and of place
    np.testing.assert_allclose(signs[11:19], 0, atol=1e-6)
    np.testing.assert_allclose(signs[19:], nothing, atol=1e-6)
