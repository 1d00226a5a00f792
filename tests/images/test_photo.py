"""`Photo`: tensors from pixels and back."""

import numpy as np
import pytest
import torch
from pictures import assert_same, noise

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
    assert torch.equal((tensor * peak).round().flatten().int(), torch.arange(peak + 1, dtype=torch.int32))


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
