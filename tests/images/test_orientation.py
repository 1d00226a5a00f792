"""Masks in the orientation in which an image is shown."""

import numpy as np
import pytest
import torch
from pictures import noise, saved
from PIL import Image

from agerestore.batch.masks import read_mask_file
from agerestore.errors import ImageFileError, UsageError
from agerestore.images import io
from agerestore.images.arrays import open_image
from agerestore.images.formats.metadata import Metadata
from agerestore.images.masks import fits_as_stored
from agerestore.images.orientation import TURNS, upright
from agerestore.images.photo import Photo

STORED = noise(5, 9, 1)[..., 0] > 200  # a mask drawn on the stored pixels, 9 wide
STORED[0, 0], STORED[-1, -1] = True, False


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_stored_pixels_is_turned_with_them(orientation, tmp_path):
    expected = upright(STORED, orientation)
    photo = Photo(noise(9, 5, 3), None, Metadata(orientation=orientation))
    path = saved(tmp_path / "a.mask.png", Image.fromarray(STORED.astype(np.uint8) * 255))
    for mask in (STORED, torch.from_numpy(STORED)[None], Image.open(path), path, np.dstack([STORED] * 3) * 7.0):
        raster = open_image(photo, mask)
        assert raster.mask_turned
        np.testing.assert_array_equal(raster.mask[0, 0].numpy(), expected)
    file = read_mask_file(path, photo)
    assert file.turned
    np.testing.assert_array_equal(file.missing, expected)
    shown = open_image(photo, expected)
    assert not shown.mask_turned
    np.testing.assert_array_equal(shown.mask[0, 0].numpy(), expected)


@pytest.mark.parametrize("orientation", [None, 1, 2, 3, 4, 9])
def test_a_mask_on_its_side_is_refused_where_the_image_is_not_stored_so(orientation, tmp_path):
    photo = Photo(noise(9, 5, 3), None, Metadata(orientation=orientation))
    with pytest.raises(UsageError, match="the mask is 9x5, the image 5x9"):
        open_image(photo, STORED)
    with pytest.raises(ImageFileError, match="a mask of 9 x 5 pixels"):
        read_mask_file(saved(tmp_path / "a.mask.png", Image.fromarray(STORED)), photo)


def test_a_smaller_mask_on_its_side_is_turned_before_it_is_resized(tmp_path):
    photo = Photo(noise(36, 20, 3), None, Metadata(orientation=6))
    path = saved(tmp_path / "a.mask.png", Image.fromarray(STORED.astype(np.uint8) * 255))
    file = read_mask_file(path, photo, resize=True)
    assert file.turned
    np.testing.assert_array_equal(file.missing, upright(STORED, 6).repeat(4, 0).repeat(4, 1))
    assert not read_mask_file(path, Photo(noise(20, 36, 3), None, Metadata(orientation=6)), resize=True).turned
    assert not read_mask_file(path, Photo(noise(20, 20, 3), None, Metadata(orientation=6)), resize=True).turned


def test_proportions_are_compared_to_whole_pixels():
    assert fits_as_stored((1000, 750), (4000, 3001), 6, scaled=True) is False
    assert fits_as_stored((750, 1000), (4000, 3001), 6, scaled=True) is True
    assert fits_as_stored((750, 1000), (4000, 3001), 6) is False
    assert fits_as_stored((700, 1000), (4000, 3001), 6, scaled=True) is False


@pytest.mark.parametrize("orientation", [*TURNS, None, 0, 99])
def test_turns_are_those_of_pillow(orientation):
    from PIL import ImageOps

    stored = noise(4, 6, 3)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation or 1
    np.testing.assert_array_equal(upright(stored, orientation), np.asarray(ImageOps.exif_transpose(image)))


def test_the_mask_file_of_a_file_in_another_orientation_is_named_in_the_result(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    path = saved(tmp_path / "a.jpg", Image.fromarray(noise(5, 9, 3)), exif=exif)
    assert io.read(path).metadata.orientation == 8
    assert open_image(path, STORED).mask_turned
    with Image.open(path) as image:
        assert open_image(image, STORED).mask_turned
