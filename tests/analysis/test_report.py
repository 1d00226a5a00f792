"""`inspect`: the report of a file and of an image in memory."""

import cv2
import numpy as np
import pytest
import skimage.data
from pictures import DISPLAY_P3_LIKE, exif_block
from scenes import as_jpeg, blurred, scene

from agerestore import degrade
from agerestore.analysis.noise import noise_sigma
from agerestore.analysis.report import inspect
from agerestore.analysis.scratches import scratch_share
from agerestore.errors import UsageError
from agerestore.images import io as image_io
from agerestore.images.photo import Photo


def test_what_a_jpeg_says_of_itself(tmp_path):
    path = tmp_path / "a.jpg"
    data = as_jpeg(scene()[:100], 60, icc_profile=DISPLAY_P3_LIKE, exif=exif_block(6))
    path.write_bytes(data)
    found = inspect(path)
    assert (found.width, found.height, found.orientation) == (100, 192, 6)
    assert (found.depth, found.channels, found.alpha, found.format) == (8, 3, False, "JPEG")
    assert (found.jpeg_quality, found.jpeg_quality_from) == (60, "file")
    assert found.profile
    assert any("quality 60" in each for each in found.findings)


def test_sixteen_bits_and_alpha(tmp_path):
    pixels = np.clip(32768 + 257 * 10 * np.random.default_rng(0).standard_normal((96, 96, 1)), 0, 65535)
    alpha = np.full((96, 96), 30000, np.uint16)
    image_io.write(tmp_path / "a.png", Photo(pixels.astype(np.uint16), alpha))
    found = inspect(tmp_path / "a.png")
    assert (found.depth, found.channels, found.alpha, found.orientation, found.profile) == (16, 1, True, None, None)
    assert found.noise_sigma == pytest.approx(10, rel=0.05)
    assert (found.jpeg_quality, found.jpeg_quality_from) == (None, None)


def test_a_photo_in_memory_is_inspected_like_its_file(tmp_path):
    photo = Photo(scene())
    image_io.write(tmp_path / "a.png", photo)
    assert inspect(photo, model="photo") == inspect(str(tmp_path / "a.png"), model="photo")
    assert inspect(photo).model is None
    with pytest.raises(UsageError, match="a mask of 5 x 4 pixels for an image of 192 x 192"):
        inspect(photo, np.zeros((4, 5), bool))


def test_what_is_unknown_is_not_measured(tmp_path):
    picture, mask = tmp_path / "a.png", tmp_path / "a.mask.png"
    hole = np.zeros((192, 192), bool)
    hole[::16, 3:] = True  # black lines on what has no noise and no line of its own
    pixels = blurred(scene(), 1.0)
    clean = scratch_share(pixels)
    image_io.write(mask, Photo(hole[..., None] * np.uint8(255)))
    pixels[hole] = 0
    image_io.write(picture, Photo(pixels))
    assert scratch_share(pixels) > clean + 0.02
    found = inspect(picture, hole)
    assert found.scratch_share <= clean + 0.002
    assert found.noise_sigma == pytest.approx(noise_sigma(blurred(scene(), 1.0)), abs=0.5)
    assert found.missing == pytest.approx(hole.mean())
    assert noise_sigma(pixels, np.ones((192, 192), bool)) is None


PHOTO = skimage.data.chelsea()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("grain:sigma=14:size=0.9", "film grain"),
        ("noise:sigma=14", "noise of sigma 14"),
        ("saltpepper:amount=0.02", "salt-and-pepper noise on 2.0%"),
        ("fading:lift=0.22:contrast=0.7:sepia=0", "black and white have faded"),
    ],
)
def test_each_damage_is_called_by_its_name(damage, words):
    found = inspect(Photo(degrade(PHOTO, damage)))
    assert [each for each in found.findings if words in each]
    assert len(found.findings) == 1
    assert inspect(Photo(PHOTO)).findings == []


def test_impulses_do_not_count_as_noise():
    found = inspect(Photo(degrade(PHOTO, "saltpepper:amount=0.05")))
    assert found.impulse_share == pytest.approx(0.05, rel=0.1)
    assert not found.is_noisy


@pytest.mark.parametrize(("warmth", "mode"), [(-0.3, "toned"), (0, "gray"), (0.4, "sepia")])
def test_prints_of_one_tone(warmth, mode):
    assert inspect(Photo(degrade(PHOTO, f"toning:color=0:warmth={warmth}"))).color_mode == mode


def test_a_document_is_named_and_has_no_defects():
    page = np.full((400, 500, 3), 255, np.uint8)
    for row in range(30, 400, 24):
        cv2.putText(
            page, "thin black lines on white", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA
        )
    found = inspect(Photo(page))
    assert found.document == "a document or drawing"
    assert found.findings == []
    assert not found.needs_tones
