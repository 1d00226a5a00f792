"""Documents and drawings: pages as they come are recognized, photographs are not."""

import itertools

import cv2
import numpy as np
import pytest
from scenes import blurred, decoded, noisy
from skimage import data

from agerestore.analysis.documents import recognize_document

DRAWN, WITH_PHOTOGRAPH = "a document or drawing", "a page with a photograph"


def name_of(pixels):
    document = recognize_document(pixels)
    return document and document.name


def text_page(width=480, height=600, scale=1):
    page = np.full((height * scale, width * scale, 3), 255, np.uint8)
    for row, top in enumerate(range(40, height - 20, 22)):
        words, place = "The quick brown fox jumps over 13 lazy dogs"[row % 7 :], (30 * scale, top * scale)
        cv2.putText(page, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55 * scale, (0, 0, 0), scale, cv2.LINE_AA)
    return page


def cartoon():
    page = np.full((400, 500, 3), (190, 215, 240), np.uint8)
    for x, y, radius, color in (
        (120, 150, 70, (220, 60, 50)),
        (300, 260, 90, (60, 160, 80)),
        (420, 90, 50, (240, 210, 60)),
    ):
        cv2.circle(page, (x, y), radius, color, -1, cv2.LINE_AA)
        cv2.circle(page, (x, y), radius, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.line(page, (0, 330), (499, 300), (0, 0, 0), 2, cv2.LINE_AA)
    return page


def on_cream(page):
    return (np.array([40, 30, 25]) + page / 255 * (np.array([248, 236, 205]) - [40, 30, 25])).round().astype(np.uint8)


def in_uneven_light(page):
    light = np.linspace(0.65, 0.95, page.shape[1])[None, :, None]
    turned = cv2.warpAffine(
        page, cv2.getRotationMatrix2D((240, 300), 3, 1), page.shape[1::-1], borderValue=(90, 80, 70)
    )
    return decoded(blurred((turned * light).round().astype(np.uint8), 0.5), 85)


@pytest.mark.parametrize("page", [text_page(), cartoon(), 255 - text_page()], ids=["text", "cartoon", "white on black"])
@pytest.mark.parametrize(
    "seen",
    [
        lambda page: page,
        lambda page: decoded(page, 75),
        on_cream,
        lambda page: noisy(page, 4, page.shape),
        in_uneven_light,
    ],
    ids=["clean", "JPEG", "cream", "noise", "photographed"],
)
def test_pages_are_recognized_as_they_come(page, seen):
    assert name_of(seen(page)) == DRAWN


def test_a_chart_with_soft_lines_is_recognized_by_its_ground():
    """Its lines are too soft for those of a drawing; but no camera sees one color in four fifths of an image."""
    chart = np.full((520, 500, 3), (232, 224, 208), np.uint8)
    heights = [480, 300, 420, 150, 380, 260, 440, 200, 300, 470, 100]
    for number, (start, end) in enumerate(itertools.pairwise(heights)):
        ends = (40 + 45 * number, start), (85 + 45 * number, end)
        cv2.line(chart, *ends, (185, 176, 100), 3, cv2.LINE_AA)
    chart = blurred(chart, 1.5)
    brown, font = (90, 60, 40), cv2.FONT_HERSHEY_SIMPLEX
    for number in range(8):
        place = 30 + 60 * number
        cv2.putText(chart, str(17 * number + 10), (2, place), font, 0.45, brown, 1, cv2.LINE_AA)
        cv2.putText(chart, f"{number}.8", (place, 510), font, 0.45, brown, 1, cv2.LINE_AA)
        cv2.line(chart, (40, place), (499, place), (205, 196, 180), 1)
    assert name_of(chart) == DRAWN


@pytest.mark.parametrize("name", ["astronaut", "camera", "cat", "coffee", "rocket"])
def test_photographs_are_not_documents(name):
    photo = getattr(data, name)()
    photo = photo.reshape(*photo.shape[:2], -1)
    faded = (0.4 * photo.mean(axis=2, keepdims=True) + 100).round().astype(np.uint8)
    light = np.clip(photo * 1.2 + 50, 0, 255).round().astype(np.uint8)
    dark = (photo * 0.3).round().astype(np.uint8)
    for each in (photo, faded, light, dark, noisy(photo, 15, photo.shape), decoded(photo, 30)):
        assert name_of(each) is None


def test_a_page_with_a_photograph_on_it_is_named_so():
    page = text_page(800, 900)
    page[300:700, 200:700] = cv2.resize(data.astronaut(), (500, 400), interpolation=cv2.INTER_AREA)
    assert name_of(page) == WITH_PHOTOGRAPH
    assert name_of(decoded(page, 85)) == WITH_PHOTOGRAPH


def test_the_answer_does_not_depend_on_depth_channels_or_size():
    page, photo = text_page(), data.astronaut()
    for make in (lambda pixels: pixels.astype(np.uint16) * 257, lambda pixels: pixels.astype(np.float32)):
        assert (name_of(make(page)), name_of(make(photo))) == (DRAWN, None)
    assert name_of(page[..., :1]) == name_of(text_page(scale=5)) == DRAWN


def test_nothing_is_said_of_too_small_or_empty_images():
    ramp = np.linspace(0, 255, 300).round().astype(np.uint8)[:, None, None].repeat(200, 1)
    for each in (text_page()[:60], np.full((300, 300, 3), 255, np.uint8), ramp, np.zeros((1, 1, 3), np.uint8)):
        assert name_of(each) is None


def test_a_soft_page_is_recognized_at_half_its_size():
    page, soft = text_page(), blurred(text_page(scale=2), 2.2)
    assert name_of(soft) == DRAWN
    assert name_of(blurred(page, 2.2)) is None  # as soft, and too small to be reduced


def test_a_photograph_with_salt_and_pepper_is_no_document():
    specks = np.random.default_rng(0).random((512, 512, 1))
    photo = np.where(specks < 0.02, 0, np.where(specks > 0.98, 255, data.astronaut())).astype(np.uint8)
    assert name_of(photo) is None
