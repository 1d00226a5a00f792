"""Under what is wholly transparent stands a mirror image, if there was nothing but one color."""

import numpy as np
import pytest

from agerestore.images.arrays import open_image
from agerestore.images.photo import Photo
from agerestore.inference.alpha import fill_transparent, visible
from agerestore.inference.restorer import restore
from agerestore.models.base import Model


def cut_out(hidden=0):
    """A row of levels 10, 20, ... of which four at the end are transparent."""
    pixels = (10 * np.arange(1, 11, dtype=np.uint8))[None, :, None].repeat(3, 0)
    pixels[:, 6:] = hidden
    alpha = np.full((3, 10), 255, np.uint8)
    alpha[:, 6:] = 0
    return Photo(pixels, alpha)


def filled(photo):
    raster = open_image(photo)
    return fill_transparent(raster, visible(raster)).pixels()


@pytest.mark.parametrize("hidden", [0, 255])
def test_what_is_transparent_mirrors_what_is_seen(hidden):
    assert filled(cut_out(hidden))[1, :, 0].tolist() == [10, 20, 30, 40, 50, 60, 50, 40, 30, 20]


def test_what_has_pixels_of_its_own_or_nothing_to_mirror_stays():
    own = cut_out(np.arange(12, dtype=np.uint8).reshape(3, 4, 1))
    empty = Photo(np.zeros((3, 3, 1), np.uint8), np.zeros((3, 3), np.uint8))
    whole = Photo(np.zeros((3, 3, 1), np.uint8), np.ones((3, 3), np.uint8))
    for photo in (own, empty, whole):
        raster = open_image(photo)
        assert fill_transparent(raster, visible(raster)) is raster
        assert np.array_equal(filled(photo), photo.pixels)


@pytest.mark.parametrize("as_photo", [True, False])
def test_it_is_not_seen_by_the_network_and_comes_back_as_it_was(model, as_photo):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:, 25:] = 0
    restored = []
    for level in (0, 255):
        pixels = noise.copy()
        pixels[:, 25:] = level
        image = Photo(pixels, alpha) if as_photo else np.dstack([pixels, alpha])
        answer = restore({"photo": Model(model, {})}, image).image
        restored.append(answer.pixels if as_photo else answer[..., :3])
        assert (restored[-1][:, 25:] == level).all()
        assert not np.array_equal(restored[-1][:, :25], noise[:, :25])
    assert np.array_equal(restored[0][:, :25], restored[1][:, :25])
