"""Measures of quality, against closed forms and scikit-image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from agerestore.errors import UsageError
from agerestore.metrics.distribution import frechet_distance
from agerestore.metrics.image import colorfulness, psnr, quantize, ssim


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_quantize_clips_and_rounds():
    image = torch.tensor([-3, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7])
    assert (quantize(image) * 255).tolist() == [0, 0, 1, 255, 255]
    levels = torch.arange(256) / 255
    assert torch.equal(quantize(levels), levels)


def test_psnr_of_a_known_error_is_per_picture():
    x = torch.rand(3, 3, 8, 9, generator=rng())
    y = x + torch.tensor([0.1, 0.01, 0.0]).view(3, 1, 1, 1)
    assert psnr(x, y).tolist() == pytest.approx([20, 40, math.inf], abs=1e-3)


def test_psnr_of_noise_is_that_of_its_sigma():
    x = torch.rand(1, 3, 300, 300, generator=rng())
    noisy = x + 25 / 255 * torch.randn(x.shape, generator=rng(1))
    assert psnr(x, noisy).item() == pytest.approx(20 * math.log10(255 / 25), abs=0.05)


def test_psnr_under_a_mask_counts_the_masked_pixels_alone():
    x, y, mask = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    y[:, :, :2] = 0.1
    y[:, :, 2:] = 0.5
    mask[0, :, :2] = 1
    values = psnr(x, y, mask)
    assert values[0].item() == pytest.approx(20, abs=1e-4)
    assert values[1].isnan()
    assert psnr(x, y, torch.ones(2, 1, 4, 4, dtype=torch.bool)).tolist() == pytest.approx(psnr(x, y).tolist())


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_pictures_of_other_shapes_are_refused_rather_than_broadcast(measure):
    with pytest.raises(UsageError, match="cannot compare images"):
        measure(torch.zeros(2, 3, 16, 16), torch.zeros(2, 1, 16, 16))


@pytest.mark.parametrize("size", [(11, 11), (32, 32), (40, 23)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("noise", [0.02, 0.4])
def test_ssim_equals_scikit_image(size, channels, noise):
    row, col = torch.meshgrid(*(torch.linspace(0, 3, side) for side in size), indexing="ij")
    x = (0.5 + 0.5 * torch.sin(3 * row) * torch.cos(2 * col)).expand(2, channels, *size)
    y = x + noise * torch.randn(x.shape, generator=rng())
    expected = [
        structural_similarity(
            a.numpy().astype(np.float64),
            b.numpy().astype(np.float64),
            channel_axis=0,
            gaussian_weights=True,
            use_sample_covariance=False,
            data_range=1,
        )
        for a, b in zip(x, y, strict=True)
    ]
    assert ssim(x, y).tolist() == pytest.approx(expected, abs=1e-4)


def test_ssim_of_equal_pictures_is_one_and_of_flat_ones_is_the_luminance_term():
    x = torch.rand(2, 3, 20, 20, generator=rng())
    assert ssim(x, x).tolist() == pytest.approx([1, 1], abs=1e-6)
    flat = ssim(torch.full((1, 1, 16, 16), 0.25), torch.full((1, 1, 16, 16), 0.75)).item()
    assert flat == pytest.approx((2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4), abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (10, 10), (5, 7)])
def test_ssim_of_small_pictures_is_within_its_range(size):
    x, y = torch.rand(2, 4, 3, *size, generator=rng())
    assert ssim(x, x).tolist() == pytest.approx([1] * 4, abs=1e-5)
    assert (ssim(x, y).abs() <= 1).all()
    assert (ssim(x, y) < 0.999).all()


def test_colorfulness_of_known_pictures():
    gray = torch.rand(1, 1, 6, 6, generator=rng())
    assert colorfulness(gray).tolist() == [0]
    assert colorfulness(gray.expand(1, 3, 6, 6)).tolist() == pytest.approx([0], abs=1e-4)
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    # one color: no spread, rg = 255, yb = 127.5
    assert colorfulness(red).item() == pytest.approx(0.3 * math.hypot(255, 127.5), rel=1e-5)
    half = red.clone()
    half[..., :2] = 0
    # half red, half black: rg is 0 or 255, yb 0 or 127.5, spread and mean are half of these
    assert colorfulness(half).item() == pytest.approx(1.3 * math.hypot(127.5, 63.75), rel=1e-5)


def test_frechet_distance_at_equal_covariance_is_that_of_the_means():
    features = torch.randn(50, 6, generator=rng())
    shift = torch.tensor([1.0, -2, 0, 0.5, 3, 0])
    assert frechet_distance(features, features).item() == pytest.approx(0, abs=1e-5)
    assert frechet_distance(features, features + shift).item() == pytest.approx(shift.square().sum().item(), rel=1e-5)


def test_frechet_distance_of_known_diagonal_covariances():
    """Corners of boxes of half sides a and b: the squared difference of the standard deviations, summed."""
    corners = torch.cartesian_prod(*3 * [torch.tensor([-1.0, 1.0])])
    a, b = torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 2, 0])
    correction = 8 / 7  # sample covariance of eight rows
    expected = correction * (a - b).square().sum()
    assert frechet_distance(corners * a, corners * b).item() == pytest.approx(expected.item(), rel=1e-6)


def test_frechet_distance_is_symmetric_and_unchanged_by_rotation():
    a, b = torch.randn(2, 40, 5, generator=rng(), dtype=torch.float64)
    b = 2 * b @ torch.diag(torch.arange(1.0, 6, dtype=torch.float64)) + 1
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=rng(2), dtype=torch.float64))
    distance = frechet_distance(a, b).item()
    assert distance > 1
    assert frechet_distance(b, a).item() == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(a @ turn, b @ turn).item() == pytest.approx(distance, rel=1e-9)


def test_frechet_distance_takes_fewer_pictures_than_features():
    few = torch.randn(3, 20, generator=rng())
    assert frechet_distance(few, few).item() == pytest.approx(0, abs=1e-4)
    with pytest.raises(UsageError, match="two images or more"):
        frechet_distance(few[:1], few)
    with pytest.raises(UsageError, match="one network"):
        frechet_distance(few, few[:, :5])
