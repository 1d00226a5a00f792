"""Lab, and colors put onto a lightness: closed forms first, then what is promised of every picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from pictures import SRGB

from agerestore.analysis.color_mode import color_mode
from agerestore.images import io
from agerestore.images.color import lab_to_displayable, lab_to_rgb, rgb_to_lab
from agerestore.images.color import lightness as lightness_of
from agerestore.images.formats.metadata import Metadata
from agerestore.images.photo import Photo
from agerestore.images.pixels import on_8_bit_scale
from agerestore.inference import chroma_upsampling
from agerestore.inference.chroma_upsampling import color_pixels, lightness

SIZES = [(1, 1), (7, 5), (1, 40), (33, 1), (61, 83)]


def picture(values):
    """(N, 3) -> (1, 3, 1, N)."""
    return torch.as_tensor(values, dtype=torch.float32).T[None, :, None]


def grid(steps):
    axis = torch.linspace(0, 1, steps)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).flatten(1).view(1, 3, 1, -1)


def noisy(height, width, channels=1, dtype=np.uint8, seed=0):
    peak = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, peak, (height, width, channels), endpoint=True).astype(dtype)


def drawn_chroma(height, width, spread, seed=0):
    return np.random.default_rng(seed).uniform(-spread, spread, (2, height, width)).astype(np.float32)


def gray_level(light):
    """The level, 0 to 255, of the gray that has a lightness (H, W)."""
    lab = torch.from_numpy(light)[None, None] * torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    return lab_to_rgb(lab)[0, 0].numpy() * 255


def with_chroma(photo, chroma):
    return photo.recolored(color_pixels(photo.pixels, chroma))


def carry_up(chroma, light):
    """The chroma (2, H, W) that a lightness (H, W) is given, computed in one go."""
    size = chroma_upsampling._guide_size(light.shape, chroma.shape[1:])
    guide = cv2.resize(light, size[::-1], interpolation=cv2.INTER_AREA).reshape(size)
    lines = chroma_upsampling._grown(chroma_upsampling._lines(chroma, guide), *light.shape)
    return chroma_upsampling._evaluate(lines, torch.from_numpy(light)).numpy()


# --- Lab -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 0.002, 0.01, 0.18, 0.5, 0.73, 1])
def test_gray_has_no_chroma(level):
    lab = rgb_to_lab(picture([[level] * 3])).flatten()
    assert lab[1:].abs().max() < 2e-4
    linear = level / 12.92 if level < 0.04 else ((level + 0.055) / 1.055) ** 2.4
    expected = 116 * linear ** (1 / 3) - 16 if linear > (6 / 29) ** 3 else linear * (29 / 3) ** 3
    assert lab[0] == pytest.approx(expected, abs=1e-3)


def test_the_primaries_are_where_they_are_published():
    """B. Lindbloom's calculator (brucelindbloom.com), sRGB under D65."""
    colors = picture([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    published = [
        [53.24, 80.09, 67.20],
        [87.73, -86.18, 83.18],
        [32.30, 79.19, -107.86],
        [91.11, -48.09, -14.13],
        [60.32, 98.23, -60.82],
        [97.14, -21.55, 94.48],
    ]
    torch.testing.assert_close(rgb_to_lab(colors), picture(published), atol=0.02, rtol=0)


def test_it_equals_kornia():
    kornia_lab = pytest.importorskip("kornia.color").rgb_to_lab
    torch.testing.assert_close(rgb_to_lab(grid(17)), kornia_lab(grid(17)), atol=0.02, rtol=0)


def test_a_dense_grid_comes_back():
    rgb = grid(52)
    back = lab_to_rgb(rgb_to_lab(rgb))
    assert (back - rgb).abs().max() < 1 / 65535
    assert torch.equal((back * 255).round(), (rgb * 255).round())


def test_both_ways_have_finite_gradients_everywhere():
    rgb = grid(6).requires_grad_()
    lab_to_rgb(rgb_to_lab(rgb)).sum().backward()
    torch.testing.assert_close(rgb.grad, torch.ones_like(rgb.grad), atol=2e-3, rtol=0)
    rgb = grid(4).double().mul(0.9).add(0.05).requires_grad_()
    assert torch.autograd.gradcheck(rgb_to_lab, (rgb,))


def test_lightness_is_the_first_of_lab():
    torch.testing.assert_close(lightness_of(grid(9)), rgb_to_lab(grid(9))[:, :1])


def test_what_srgb_does_not_have_keeps_lightness_and_hue():
    generator = torch.Generator().manual_seed(0)
    light = torch.rand(1, 1, 50, 60, generator=generator) * 100
    wanted = torch.cat([light, torch.randn(1, 2, 50, 60, generator=generator) * 80], dim=1)
    rgb = lab_to_displayable(wanted)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    found = rgb_to_lab(rgb)
    assert (found[:, :1] - light).abs().max() < 0.02
    across = wanted[:, 1] * found[:, 2] - wanted[:, 2] * found[:, 1]
    assert (across / wanted[:, 1:].norm(dim=1)).abs().max() < 0.2
    shrunk = found[:, 1:].norm(dim=1) / wanted[:, 1:].norm(dim=1)
    assert shrunk.max() < 1.01
    # as much as there is: a little more has no place in sRGB
    more = torch.cat([light, wanted[:, 1:] * (shrunk[:, None] + 0.01)], dim=1)
    outside = (lab_to_rgb(more) - 0.5).abs().amax(dim=1) > 0.5
    assert (outside | (shrunk > 0.98)).all()


def test_colors_that_srgb_has_are_left_alone():
    torch.testing.assert_close(lab_to_displayable(rgb_to_lab(grid(20))), grid(20), atol=2e-5, rtol=0)


# --- colors put onto a picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_lightness_stays_whatever_the_chroma(size, channels, dtype):
    photo = Photo(noisy(*size, channels, dtype), noisy(*size, 1, dtype, seed=1)[..., 0])
    colored = with_chroma(photo, drawn_chroma(8, 6, 150))
    assert colored.pixels.shape == (*size, 3)
    assert colored.pixels.dtype == dtype
    assert colored.alpha is photo.alpha
    assert np.abs(lightness(colored.pixels) - lightness(photo.pixels)).max() <= 100 / 255
    assert np.abs(gray_level(lightness(colored.pixels)) - gray_level(lightness(photo.pixels))).max() <= 1


def test_every_level_of_gray_stays_itself_without_chroma():
    for dtype, within in ((np.uint8, 0), (np.uint16, 1)):
        levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(256, -1, 1)
        pixels = with_chroma(Photo(levels), np.zeros((2, 4, 4), np.float32)).pixels
        assert np.abs(pixels.astype(int) - levels).max() <= within


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("small", [(1, 1), (3, 4), (64, 48)])
def test_uniform_chroma_stays_uniform(size, small):
    chroma = np.full((2, *small), 20, np.float32) * np.array([1, -0.5], np.float32)[:, None, None]
    light = np.random.default_rng(0).uniform(0, 100, size).astype(np.float32)
    carried = carry_up(chroma, light)
    assert carried.shape == (2, *size)
    np.testing.assert_allclose(carried, np.broadcast_to(chroma[:, :1, :1], carried.shape), atol=1e-3)


def test_strips_equal_the_whole(monkeypatch):
    photo = Photo(noisy(90, 70))
    chroma = drawn_chroma(16, 12, 60)
    whole = with_chroma(photo, chroma).pixels
    for pixels in (1, 70, 1000):
        monkeypatch.setattr(chroma_upsampling, "STRIP_PIXELS", pixels)
        assert np.array_equal(with_chroma(photo, chroma).pixels, whole)


def test_the_picture_has_the_chroma_that_is_carried_up():
    light = np.linspace(50, 75, 40 * 50).reshape(40, 50).astype(np.float32)
    photo = Photo(gray_level(light).round().astype(np.uint8)[..., None])
    chroma = drawn_chroma(5, 6, 12)
    lab = rgb_to_lab(with_chroma(photo, chroma).to_tensor())[0].numpy()
    np.testing.assert_allclose(lab[1:], carry_up(chroma, lightness(photo.pixels)), atol=1.5)


@pytest.mark.parametrize(("at", "left"), [(30, 0.5), (32, 0.65), (35, 0.5)])  # 32 lies between two small pixels
def test_chroma_stops_at_an_edge_of_the_lightness(at, left):
    """Of a step between two paints, in a picture with noise, bilinear interpolation leaves a band on each side."""
    step = (np.arange(64) >= at).astype(np.float32) * np.ones((64, 1), np.float32)
    light = 35 + 40 * step + np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)
    truth = np.stack([40 * step - 20, 15 - 30 * step])
    small = np.stack([cv2.resize(plane, (8, 8), interpolation=cv2.INTER_AREA) for plane in truth])
    bilinear = np.stack([cv2.resize(plane, (64, 64), interpolation=cv2.INTER_LINEAR) for plane in small])
    bleeding = np.abs(carry_up(small, light) - truth).mean()
    assert bleeding < left * np.abs(bilinear - truth).mean()


def test_chroma_of_another_shape_or_without_numbers_is_refused():
    photo = Photo(noisy(4, 4))
    for shape in ((4, 4), (3, 4, 4), (2, 0, 4)):
        with pytest.raises(ValueError, match="shape"):
            with_chroma(photo, np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="finite"):
        with_chroma(photo, np.full((2, 2, 2), np.nan, np.float32))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_colored_gray_file_can_be_written_and_says_the_same(tmp_path, suffix):
    source = tmp_path / f"gray{suffix}"
    io.write(source, Photo(noisy(20, 30) // 4 + 96))
    photo = io.read(source)
    photo = replace(photo, metadata=replace(photo.metadata, dpi=(300.0, 300.0), icc_profile=SRGB))
    colored = with_chroma(photo, np.full((2, 3, 3), 20, np.float32))
    assert replace(colored.metadata, jpeg_tables=photo.metadata.jpeg_tables) == photo.metadata
    io.write(tmp_path / f"colored{suffix}", colored)
    lab = rgb_to_lab(io.read(tmp_path / f"colored{suffix}").to_tensor())
    assert lab[:, 1:].mean() == pytest.approx(20, abs=1.5)


def test_a_profile_for_gray_goes():
    profile = SRGB[:16] + b"GRAY" + SRGB[20:]
    photo = Photo(noisy(4, 4), metadata=Metadata(icc_profile=profile, dpi=(72.0, 72.0)))
    colored = with_chroma(photo.in_srgb_gray(), np.zeros((2, 1, 1), np.float32))
    assert colored.metadata == Metadata(dpi=(72.0, 72.0))


# --- reading the lightness -------------------------------------------------------------------------------------------


def test_all_forms_of_one_picture_have_one_lightness():
    levels = noisy(9, 11)
    forms = [levels, levels.repeat(3, axis=2), levels.astype(np.uint16) * 257]
    found = [lightness(each) for each in forms]
    for each in found:
        np.testing.assert_allclose(each, found[0], atol=1e-4)
    np.testing.assert_allclose(gray_level(found[0]), levels[..., 0], atol=1e-3)
    sized = lightness(forms[2], (3, 11))
    assert sized.shape == (3, 11)


def scene(seed=0):
    """A smooth landscape of levels, (240, 320)."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).normal(size=(240, 320)), 12)
    return (field - field.min()) / np.ptp(field) * 220 + 20


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_sepia_and_color_are_told_apart(dtype):
    levels, scale = scene(), np.iinfo(dtype).max // 255
    toned = levels[..., None] + np.array([20, 0, -25]) * (1 - (levels[..., None] / 127.5 - 1) ** 2)
    paints = np.stack([scene(1), scene(2), scene(3)], axis=2)
    pictures = {"gray": levels[..., None].repeat(3, 2), "sepia": toned, "color": paints}
    for kind, pixels in pictures.items():
        assert color_mode(on_8_bit_scale((pixels.clip(0, 255).round() * scale).astype(dtype))) == kind
    assert color_mode(on_8_bit_scale((levels[..., None] * scale).astype(dtype))) == "gray"
