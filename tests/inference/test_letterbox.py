import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agerestore.images.color import luminance, match_channels
from agerestore.images.observation import Observation
from agerestore.inference.letterbox import Letterbox


@given(st.integers(1, 100), st.integers(1, 100))
def test_any_size_fits_and_comes_back_at_its_own(height, width):
    frame = Letterbox.of(height, width, 32)
    framed = frame.letterbox(Observation(torch.full((1, 1, height, width), 0.25))).image
    assert framed.shape == (1, 1, 32, 32)
    back = frame.unletterbox(framed)
    assert back.shape == (1, 1, height, width)
    torch.testing.assert_close(back, torch.full_like(back, 0.25))  # a flat picture stays flat


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 28), (32, 25), (27, 30)])
def test_pictures_a_little_smaller_are_padded_and_come_back_exactly(height, width):
    image = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0))
    frame = Letterbox.of(height, width, 32)
    framed = frame.letterbox(Observation(image)).image
    top, left = (32 - height) // 2, (32 - width) // 2
    assert torch.equal(framed[:, :, top : top + height, left : left + width], image)
    assert torch.equal(frame.unletterbox(framed), image)


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (64, 20)])
def test_unknown_pixels_bleed_into_no_known_one(size):
    image = torch.full((1, 1, *size), 0.5)
    mask = torch.zeros_like(image)
    mask[..., : size[1] // 2] = 1
    poisoned = torch.where(mask > 0, 1000.0, image)
    framed = Letterbox.of(*size, 32).letterbox(Observation(poisoned, mask))
    known = framed.image[framed.mask == 0]
    assert known.numel() > 0
    torch.testing.assert_close(known, torch.full_like(known, 0.5))
    assert 0.3 < framed.mask.mean() < 0.7


def test_luminance_weighs_the_channels_and_gray_is_itself():
    assert luminance(torch.tensor([1.0, 0, 0])[None, :, None, None]).item() == pytest.approx(0.299)
    gray = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(luminance(match_channels(gray, 3)), gray)
