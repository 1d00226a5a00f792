"""Salt-and-pepper noise: the share that was drawn, and none where pixels are black and white for other reasons."""

import cv2
import numpy as np
import pytest
from scenes import noisy, scene
from skimage import data

from agerestore import degrade
from agerestore.analysis.impulses import impulse_share, without_impulses


@pytest.mark.parametrize("amount", [0.002, 0.02, 0.3])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_share_that_was_drawn(amount, channels):
    photo = data.astronaut()[..., :channels]
    assert impulse_share(degrade(photo, f"saltpepper:amount={amount}")) == pytest.approx(amount, rel=0.15)


def test_large_images_are_measured_on_tiles():
    large = degrade(np.full((1600, 1800, 1), 120, np.uint8), "saltpepper:amount=0.05")
    assert impulse_share(large) == pytest.approx(0.05, rel=0.05)


def test_photographs_noise_and_strokes_have_none():
    strokes = np.full((200, 300, 1), 255, np.uint8)
    for row in range(20, 200, 20):
        cv2.putText(strokes, "black on white", (10, row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1)
    for each in (data.astronaut(), data.rocket(), scene(), noisy(128, 25), strokes):
        assert impulse_share(each) < 0.001


def test_impulses_are_taken_out_and_all_else_stays():
    clean = np.clip(scene(), 1, 254)
    mended = without_impulses(degrade(clean, "saltpepper:amount=0.02"))
    assert not ((mended == 0) | (mended == 255)).all(axis=2).any()
    assert np.mean((mended == clean).all(axis=2)) > 0.98
    assert np.array_equal(without_impulses(clean), clean)
