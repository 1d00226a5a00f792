import math
import sys

import pytest
import torch

from agerestore.errors import UsageError
from agerestore.evaluation import benchmark
from agerestore.evaluation.baselines.classical import (
    BASELINES,
    applicable,
    bilateral,
    blur_threshold,
    gaussian_blur,
    grid,
    median,
    navier_stokes,
    non_local_means,
    telea,
    total_variation,
    tune,
    wavelet,
)
from agerestore.evaluation.baselines.fitted import FITTED
from agerestore.evaluation.baselines.linear import LinearEstimator
from agerestore.images.observation import Observation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def block_mask(count=1, size=16):
    mask = torch.zeros(count, 1, size, size)
    mask[:, :, 5:9, 6:10] = 1
    return mask


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [name for name in BASELINES if name != "blur-threshold"])
def test_flat_pictures_stay_as_they_are(name, channels):
    row = BASELINES[name]
    color = torch.tensor([200, 100, 20][:channels]) / 255  # far from gray: swapped channels would show
    image = color[None, :, None, None].expand(2, channels, 16, 16)
    observation = Observation(image, block_mask(2) if row.fills_holes else None)
    restored = row.method(observation, **row.settings[-1])
    assert restored.dtype == torch.float32
    rounds = name == "telea" or (name == "non-local-means" and channels == 3)  # inside OpenCV
    torch.testing.assert_close(restored, image, atol=2.01 / 255 if rounds else 1e-6, rtol=0)


def test_median_removes_a_speck_and_keeps_an_edge():
    clean = torch.zeros(1, 1, 12, 12)
    clean[..., 6:] = 1
    damaged = clean.clone()
    damaged[0, 0, 4, 2] = 1
    assert torch.equal(median(Observation(damaged)), clean)


def test_median_twice_is_the_median_of_the_median():
    image = torch.rand(3, 1, 16, 16, generator=generator())
    once = median(Observation(image))
    twice = BASELINES["median-twice"].method(Observation(image))
    assert torch.equal(twice, median(Observation(once)))
    assert not torch.equal(twice, once)


def test_gaussian_blur_spreads_a_point_as_a_gaussian():
    image = torch.zeros(1, 1, 15, 15)
    image[0, 0, 7, 7] = 1
    spread = gaussian_blur(Observation(image), sigma=1.0)[0, 0, 7]
    kernel = torch.tensor([math.exp(-(d**2) / 2) for d in range(-3, 4)])
    kernel /= kernel.sum()
    torch.testing.assert_close(spread[4:11], kernel[3] * kernel, atol=1.5 / 255, rtol=0)


def test_blur_threshold_recovers_ink_on_paper_from_unclipped_noise():
    clean = torch.zeros(1, 1, 24, 24)
    clean[..., 8:16, 4:20] = 1
    damaged = clean + 0.3 * torch.randn(clean.shape, generator=generator())
    restored = blur_threshold(Observation(damaged), sigma=1.0, threshold=0.5)
    assert set(restored.unique().tolist()) == {0.0, 1.0}
    assert (restored != clean).float().mean() < 0.02


def test_non_local_means_takes_noise_from_a_flat_picture():
    damaged = 0.5 + 0.1 * torch.randn(1, 1, 32, 32, generator=generator())
    assert non_local_means(Observation(damaged), h=40).std() < 0.03


def test_bilateral_keeps_an_edge_that_is_far_above_its_color_sigma():
    image = torch.full((1, 3, 9, 12), 50 / 255)
    image[..., 6:] = 150 / 255
    assert torch.equal(bilateral(Observation(image), color=10, space=2), image)


def test_bilateral_with_a_boundless_color_sigma_is_a_gaussian_blur():
    image = torch.rand(2, 3, 21, 24, generator=generator())
    blurred = gaussian_blur(Observation(image), sigma=3)[..., 6:-6, 6:-6]
    restored = bilateral(Observation(image), color=1e6, space=3)[..., 6:-6, 6:-6]
    torch.testing.assert_close(restored, blurred, atol=0.02, rtol=0)  # a disc of two sigmas against a square


def test_total_variation_moves_the_sides_of_a_step_by_weight_over_width():
    # Least (u - f)^2 / 2 + w |grad u| for a step between n columns a side: each side gives way by w / n.
    image = torch.full((1, 3, 5, 8), 0.25)
    image[..., 4:] = 0.75
    expected = torch.where(image < 0.5, 0.3, 0.7)
    torch.testing.assert_close(total_variation(Observation(image), weight=0.2), expected, atol=0.002, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_wavelet_takes_pure_noise_for_noise(channels):
    damaged = 0.5 + 0.1 * torch.randn(1, channels, 64, 64, generator=generator())
    assert wavelet(Observation(damaged)).std() < 0.02


def test_wavelet_leaves_pictures_alone_that_have_no_detail_to_estimate_noise_from():
    pictures = torch.zeros(2, 1, 16, 16)
    pictures[1, ..., 5:11] = 1  # bars have no diagonal detail
    torch.testing.assert_close(wavelet(Observation(pictures)), pictures, atol=1e-6, rtol=0)


@pytest.mark.parametrize("method", [wavelet, lambda observation: total_variation(observation, weight=5.0)])
def test_noise_beyond_the_range_is_averaged_before_it_is_clipped(method):
    damaged = 0.9 + 0.5 * torch.randn(1, 1, 64, 64, generator=generator())
    assert damaged.clamp(0, 1).mean() < 0.8
    assert method(Observation(damaged)).mean() == pytest.approx(0.9, abs=0.03)


DENOISERS = ["non-local-means", "bilateral", "wavelet", "total-variation"]


def waves(channels, height, width):
    """A smooth picture (1, C, H, W), of another phase in every channel."""
    rows, columns = torch.arange(height)[:, None] / 9, torch.arange(width) / 11
    return torch.stack([0.5 + 0.3 * torch.sin(rows + phase) * torch.cos(columns) for phase in range(channels)])[None]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", DENOISERS)
def test_noise_on_a_smooth_picture_falls_by_several_decibels(name, channels):
    truth = waves(channels, 61, 75)  # odd sides
    damaged = truth + 0.1 * torch.randn(truth.shape, generator=generator())
    row = BASELINES[name]
    choice = tune(row.method, row.settings, Observation(damaged), truth)
    assert choice.psnr > 20 + 5  # noise of sigma 0.1 is 20 dB


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (7, 40)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", DENOISERS)
def test_denoisers_take_any_size_and_give_pictures(name, channels, size):
    row = BASELINES[name]
    image = 0.5 + torch.randn(2, channels, *size, generator=generator())
    for setting in (row.settings[0], row.settings[-1]):
        restored = row.method(Observation(image), **setting)
        assert restored.shape == image.shape
        assert restored.dtype == torch.float32
        assert restored.min() >= 0
        assert restored.max() <= 1


@pytest.mark.parametrize(
    ("module", "package", "names"),
    [("skimage", "scikit-image", ["wavelet", "total-variation"]), ("pywt", "PyWavelets", ["wavelet"])],
)
def test_without_an_optional_library_all_leaves_out_what_by_name_is_refused(module, package, names, monkeypatch):
    observation = Observation(torch.zeros(1, 1, 16, 16))
    there, suitable = benchmark.available_baselines(), applicable(observation)
    monkeypatch.setitem(sys.modules, module, None)
    assert benchmark.available_baselines() == [name for name in there if name not in names]
    assert applicable(observation) == [name for name in suitable if name not in names]
    for name in names:
        row = BASELINES[name]
        with pytest.raises(UsageError, match=f"^{name} needs {package}: pip install {package}$"):
            row.method(observation, **row.settings[0])
        with pytest.raises(UsageError, match=f"^{name} needs {package}"):
            benchmark.benchmark_restoration(None, None, ["noise"], baselines=["median", name])


@pytest.mark.parametrize("method", [telea, navier_stokes])
def test_inpainting_keeps_observed_pixels_and_never_looks_into_the_hole(method):
    mask = block_mask(2)
    image = (torch.rand(2, 3, 16, 16, generator=generator()) * 255).round() / 255
    nothing = method(Observation(image.masked_fill(mask > 0.5, float("nan")), mask))
    white = method(Observation(image.masked_fill(mask > 0.5, 1.0), mask))
    assert torch.equal(nothing, white)
    known = (mask < 0.5).expand_as(image)
    assert torch.equal(nothing[known], image[known])


@pytest.mark.parametrize("method", [telea, navier_stokes])
def test_inpainting_without_a_mask_is_refused(method):
    with pytest.raises(UsageError, match="needs a mask"):
        method(Observation(torch.zeros(1, 1, 8, 8)))


def test_applicable_methods_follow_mask_and_color():
    gray, color, mask = torch.zeros(1, 1, 16, 16), torch.zeros(1, 3, 16, 16), block_mask()
    whole = [*DENOISERS, "median", "median-twice", "gaussian-blur"]
    assert applicable(Observation(gray)) == [*whole, "blur-threshold"]
    assert applicable(Observation(color)) == whole
    assert applicable(Observation(gray, mask)) == applicable(Observation(color, mask))
    assert applicable(Observation(gray, mask)) == ["telea", "navier-stokes"]


def brighten(observation, offset):
    return observation.image + offset


def test_best_finds_the_setting_nearest_to_the_truth():
    image = torch.zeros(2, 1, 4, 4)
    choice = tune(brighten, grid(offset=[0.0, 51 / 255, 102 / 255]), Observation(image), image + 60 / 255)
    assert choice.setting == {"offset": 51 / 255}
    torch.testing.assert_close(choice.restored, image + 51 / 255)
    assert choice.psnr == pytest.approx(20 * math.log10(255 / 9), abs=1e-3)


def test_best_averages_decibels_of_pictures_and_bounds_perfect_ones():
    image = torch.zeros(2, 1, 4, 4)
    truth = torch.stack([image[0], image[0] + 0.1])  # 100 dB, as perfect, and 20 dB
    assert tune(brighten, grid(offset=[0.0]), Observation(image), truth).psnr == pytest.approx(60, abs=1e-4)


def test_best_takes_the_first_of_equals():
    image = torch.full((1, 1, 4, 4), 0.5)
    settings = grid(offset=[-0.2, 0.2])
    assert tune(brighten, settings[::-1], Observation(image), image).setting == settings[1]


def test_tuning_refuses_a_truth_of_another_shape():
    with pytest.raises(UsageError, match="one clean image for every damaged one"):
        tune(brighten, grid(offset=[0.0]), Observation(torch.zeros(2, 1, 4, 4)), torch.zeros(1, 1, 4, 4))


def pictures(count, seed):
    """Pictures (count, 1, 8, 8) of ten components of very different strength, inside [0, 1]."""
    basis = torch.linalg.qr(torch.randn(64, 10, generator=generator(99)))[0]
    codes = torch.randn(count, 10, generator=generator(seed)) * torch.linspace(0.6, 0.2, 10)
    return (0.5 + codes @ basis.T).clamp(0, 1).reshape(-1, 1, 8, 8)


def noisy(clean, seed):
    return clean + 0.1 * torch.randn(clean.shape, generator=generator(seed))


def error(restored, truth):
    return float((restored - truth).square().mean())


def test_fitted_methods_beat_classical_ones_on_pictures_like_those_of_training():
    clean, truth = pictures(2000, 1), pictures(200, 2)
    damaged, observation = Observation(noisy(clean, 3)), Observation(noisy(truth, 4))
    classical = [
        tune(BASELINES[name].method, BASELINES[name].settings, observation, truth).restored
        for name in ("median", "gaussian-blur")
    ]
    for fit in FITTED.values():
        restored = fit(damaged, clean)(observation)
        assert error(restored, truth) < 0.5 * min(error(other, truth) for other in classical)


def test_pca_finds_the_number_of_components():
    clean = pictures(2000, 1)
    fitted = FITTED["pca"](Observation(noisy(clean, 3)), clean)
    assert fitted.keywords == {"count": 10}


@pytest.mark.parametrize("name", list(FITTED))
def test_fitted_methods_fill_holes_they_have_not_seen(name):
    clean, truth, mask = pictures(500, 1), pictures(50, 2), torch.zeros(500, 1, 8, 8)
    mask[:, :, :4, :4] = 1
    restorer = FITTED[name](Observation(clean * (1 - mask), mask), clean)
    other = mask[:50].flip(-1, -2)
    restored = restorer(Observation(truth * (1 - other), other))
    unknown = other > 0.5
    assert error(restored[unknown], truth[unknown]) < 0.1 * float(truth[unknown].var())


@pytest.mark.parametrize("name", list(FITTED))
def test_fitted_methods_allow_for_noise_next_to_the_hole(name):
    clean, truth = pictures(1000, 1), pictures(100, 2)
    mask = (torch.rand(1000, 1, 8, 8, generator=generator(5)) < 0.3).float()
    restorer = FITTED[name](Observation(noisy(clean, 3), mask), clean)
    damaged = noisy(truth, 4)
    known = mask[:100] < 0.5
    restored = restorer(Observation(damaged, mask[:100]))
    assert error(restored[known], truth[known]) < 0.5 * error(damaged[known], truth[known])


def test_wiener_makes_do_with_few_pictures():
    clean, truth = pictures(80, 1), pictures(100, 2)
    damaged, observation = Observation(noisy(clean, 3)), Observation(noisy(truth, 4))
    plain = LinearEstimator.fit(damaged.image.flatten(1), clean.flatten(1))
    restored = FITTED["wiener"](damaged, clean)(observation)
    assert error(restored, truth) < 0.5 * error(plain(observation), truth)


def test_wiener_learns_damage_that_is_no_noise():
    clean, truth = pictures(3000, 1), pictures(50, 2)
    negative = FITTED["wiener"](Observation(1 - clean), clean)
    assert error(negative(Observation(1 - truth)), truth) < 1e-4
