"""Observed and generated pixels put together, and unknown ones filled from those around them."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from agerestore.images.composite import INTERPOLATION_REACH, composite_seamlessly, interpolate_masked, push_pull
from agerestore.images.observation import Observation


def one_unknown(value=float("nan")):
    image, mask = torch.zeros(1, 2, 5, 5), torch.zeros(1, 1, 5, 5)
    image[0, 1] = torch.arange(25.0).view(5, 5)
    image[:, :, 2, 2], mask[:, :, 2, 2] = value, 1
    return image, mask


def test_known_pixels_stay_bit_for_bit_and_what_stood_in_unknown_ones_does_not_matter():
    (image, mask), (other, _) = one_unknown(), one_unknown(7)
    filled = interpolate_masked(image, mask)
    assert (filled == image)[mask.expand_as(image) == 0].all()
    assert torch.equal(filled, interpolate_masked(other, mask))


def test_a_pixel_in_a_plane_is_given_its_value():
    image, mask = one_unknown()
    torch.testing.assert_close(interpolate_masked(image, mask)[0, :, 2, 2], torch.tensor([0.0, 12.0]))


def test_the_nearest_known_pixel_decides():
    image, mask = torch.zeros(1, 1, 1, 9), torch.ones(1, 1, 1, 9)
    image[..., 0], image[..., 8], mask[..., 0], mask[..., 8] = 1, 3, 0, 0
    filled = interpolate_masked(image, mask)[0, 0, 0]
    torch.testing.assert_close(filled[[1, 7]], torch.tensor([1.0, 3.0]), atol=0.01, rtol=0)
    assert float(filled[4]) == pytest.approx(2)


def test_beyond_its_reach_nothing_is_known():
    image, mask = torch.ones(1, 1, 1, 40), torch.ones(1, 1, 1, 40)
    mask[..., 0] = 0
    filled = interpolate_masked(image, mask)[0, 0, 0]
    assert torch.allclose(filled[: INTERPOLATION_REACH + 1], torch.ones(()))
    assert (filled[INTERPOLATION_REACH + 1 :] == 0).all()


def test_without_unknown_pixels_nothing_is_computed():
    image = torch.rand(1, 3, 4, 4)
    assert interpolate_masked(image, torch.zeros(1, 1, 4, 4)) is image


def test_on_a_gpu_it_is_not_asked_whether_pixels_are_unknown():
    """Tensors without values, as if on one: who asks for a value there, and would wait for it, gets an error."""
    with FakeTensorMode():
        image, mask = torch.empty(1, 3, 4, 4, device="cuda"), torch.empty(1, 1, 4, 4, device="cuda")
        assert interpolate_masked(image, mask).shape == image.shape


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (7, 12)])
def test_one_known_color_fills_all(size):
    image, known = torch.zeros(1, 2, *size), torch.zeros(1, 1, *size)
    image[..., 0, 0], known[..., 0, 0] = torch.tensor([0.3, 0.7]), 1
    filled = push_pull(image, known)
    torch.testing.assert_close(filled, torch.tensor([0.3, 0.7]).view(1, 2, 1, 1).expand(1, 2, *size))


def test_between_two_colors_lies_a_ramp():
    image, known = torch.zeros(1, 1, 3, 17), torch.zeros(1, 1, 3, 17)
    image[..., 16], known[..., 0], known[..., 16] = 1, 1, 1
    filled = push_pull(image, known)
    torch.testing.assert_close(filled[0, 0], torch.linspace(0, 1, 17).expand(3, 17), atol=0.06, rtol=0)
    assert torch.equal(filled[..., [0, 16]], image[..., [0, 16]])


def test_where_nothing_is_known_all_is_mid_gray():
    assert (push_pull(torch.ones(1, 1, 4, 6), torch.zeros(1, 1, 4, 6)) == 0.5).all()


def test_a_seamless_composite_is_right_where_generated_images_differ_by_a_constant():
    truth = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0)) / 2
    mask = torch.zeros(2, 1, 20, 24)
    mask[:, :, 5:14, 7:19] = 1
    filled = composite_seamlessly(Observation(torch.where(mask > 0, torch.nan, truth), mask), truth + 0.25)
    torch.testing.assert_close(filled, truth)
    assert torch.equal(filled * (1 - mask), truth * (1 - mask))
    assert composite_seamlessly(Observation(truth), mask) is mask
    assert torch.equal(composite_seamlessly(Observation(truth, torch.ones_like(mask)), truth), truth)
