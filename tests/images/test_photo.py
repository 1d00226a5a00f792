"""`Photo`: tensors from pixels and back."""

import numpy as np
import pytest
import torch
from pictures import XMP, assert_same, noise

from agerestore.images.formats import jpeg
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


def test_a_part_is_a_view_without_alpha() -> None:
    photo = Photo(noise(6, 7, 3), noise(6, 7, 1)[..., 0], Metadata(xmp=XMP))
    part = photo.part(slice(1, 4), slice(2, 7))
    assert np.shares_memory(part.pixels, photo.pixels)
    np.testing.assert_array_equal(part.pixels, photo.pixels[1:4, 2:7])
    assert part.alpha is None
    assert part.metadata is photo.metadata


def test_replaced_pixels_have_the_shape_and_depth_of_the_old() -> None:
    photo = Photo(noise(2, 3, 3), noise(2, 3, 1)[..., 0])
    other = noise(2, 3, 3, seed=1)
    assert_same(photo.replace_pixels(other), Photo(other, photo.alpha))
    for wrong in (noise(2, 3, 1), noise(3, 2, 3), noise(2, 3, 3, np.uint16)):
        with pytest.raises(ValueError, match="pixels of shape"):
            photo.replace_pixels(wrong)


def test_opaque_is_without_alpha_or_with_all_of_it_at_the_peak() -> None:
    for dtype, peak in ((np.uint8, 255), (np.uint16, 65535)):
        alpha = np.full((2, 3), peak, dtype)
        assert Photo(noise(2, 3, 3, dtype)).is_opaque
        assert Photo(noise(2, 3, 3, dtype), alpha).is_opaque
        alpha[1, 2] -= 1
        assert not Photo(noise(2, 3, 3, dtype), alpha).is_opaque


def test_the_default_quality_has_the_finer_steps_of_95_and_of_the_source() -> None:
    usual = jpeg.finer(((255,) * 64,))
    assert usual is not None
    mixed = (tuple(1 if i % 2 else 255 for i in range(64)),)
    photo = Photo(noise(8, 8, 1), metadata=Metadata(jpeg_tables=mixed))
    expected = (tuple(1 if i % 2 else step for i, step in enumerate(usual[0])),)
    assert photo.with_default_quality().metadata.jpeg_tables == expected
    assert Photo(noise(8, 8, 1)).with_default_quality().metadata.jpeg_tables is None


def test_an_observation_has_the_mask_as_a_plane() -> None:
    photo, mask = Photo(noise(4, 5, 3)), np.eye(4, 5, dtype=bool)
    observed = photo.to_observation(mask)
    assert torch.equal(observed.image, photo.to_tensor())
    assert observed.mask is not None
    assert torch.equal(observed.mask, torch.eye(4, 5)[None, None])
    assert photo.to_observation(None).mask is None
