"""`Photo`: tensors from pixels and back."""

import numpy as np
import pytest
import torch
from pictures import XMP, assert_same, noise

from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_the_tensor(dtype: type) -> None:
    peak = np.iinfo(dtype).max
    levels = np.arange(peak + 1, dtype=dtype).reshape(1, -1, 1)
    tensor = Photo(levels).to_tensor()
    assert tensor.shape == (1, 1, 1, peak + 1)
    assert tensor.dtype == torch.float32
    assert tensor[0, 0, 0, [0, -1]].tolist() == [0.0, 1.0]
    assert_same(Photo(levels).with_pixels(tensor), Photo(levels))


def test_with_pixels_clips_rounds_and_keeps_what_is_known() -> None:
    photo = Photo(noise(2, 3, 3), noise(2, 3, 1)[..., 0], Metadata(xmp=XMP))
    image = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1).expand(3, 2, 3)
    unknown = np.array([[True, False, False], [False, False, True]])
    result = photo.with_pixels(image, unknown)
    np.testing.assert_array_equal(result.pixels[unknown], [[0, 128, 255]] * 2)
    np.testing.assert_array_equal(result.pixels[~unknown], photo.pixels[~unknown])
    assert result.metadata is photo.metadata
    np.testing.assert_array_equal(result.alpha, photo.alpha)
    for dtype in (torch.float16, torch.bfloat16):  # what a network in half precision gives
        np.testing.assert_array_equal(photo.with_pixels(image.to(dtype)).pixels[0, 0], [0, 128, 255])


def test_with_pixels_refuses_other_shapes_and_nan() -> None:
    photo = Photo(noise(2, 3, 3))
    with pytest.raises(ValueError, match="shape"):
        photo.with_pixels(torch.zeros(1, 3, 3, 2))
    with pytest.raises(ValueError, match="shape"):
        photo.with_pixels(torch.zeros(3, 2, 3), np.ones((1, 1), bool))
    with pytest.raises(ValueError, match="finite"):
        photo.with_pixels(torch.full((3, 2, 3), torch.nan))
