"""Operators: closed forms, and identity parameters that leave every bit."""

import math

import numpy as np
import pytest
import torch
from degraded import degrade, picture, rng
from PIL import Image

from agerestore.degradations import apply, draw, parse
from agerestore.degradations import degrade as degrade_tensor


def test_noise_has_its_sigma_and_is_not_clipped():
    flat = torch.full((1, 1, 400, 400), 0.5)
    noise = degrade("noise:sigma=50", flat).image - flat
    assert noise.std().item() == pytest.approx(50 / 255, rel=0.02)
    assert abs(noise.mean().item()) < 0.002
    assert noise.max() > 0.5


def test_clipped_noise_stays_in_the_range():
    image = degrade("noise:sigma=128:clip=1", picture(1, 3, 32, 32)).image
    assert (image.min().item(), image.max().item()) == (0, 1)


def test_poisson_noise_has_the_variance_of_counts_plus_that_of_reading():
    flat = torch.full((1, 1, 400, 400), 0.5)
    image = degrade("poisson:peak=100:sigma=10", flat).image
    assert image.var().item() == pytest.approx(0.5 / 100 + (10 / 255) ** 2, rel=0.03)
    assert image.mean().item() == pytest.approx(0.5, abs=0.001)


def test_saltpepper_turns_its_share_of_the_pixels_half_black_half_white():
    image = degrade("saltpepper:amount=0.3", torch.full((1, 3, 400, 400), 0.5)).image
    assert (image == 0).float().mean().item() == pytest.approx(0.15, abs=0.005)
    assert (image == 1).float().mean().item() == pytest.approx(0.15, abs=0.005)
    assert torch.equal(image[:, 0], image[:, 1])


def test_hole_is_centered_and_has_its_area():
    observed = degrade("hole:size=14", picture(2, 1, 32, 32))
    expected = torch.zeros(2, 1, 32, 32)
    expected[..., 9:23, 9:23] = 1
    assert torch.equal(observed.mask, expected)


def test_holes_have_their_area_and_stay_inside():
    observed = degrade("holes:count=1:size=7", picture(50, 1, 20, 30))
    assert observed.mask.sum((1, 2, 3)).eq(49).all()
    assert degrade("holes:count=1:size=99", picture(1, 1, 20, 30)).mask.sum() == 20 * 20
    assert degrade("holes:count=0", picture(1, 1, 20, 30)).mask.sum() == 0


def test_holes_reach_every_pixel():
    assert degrade("holes:count=1:size=2", picture(500, 1, 4, 5)).mask.amax(0).eq(1).all()


def test_missing_hides_its_share_of_the_pixels():
    mask = degrade("missing:fraction=0.3", picture(1, 3, 400, 400)).mask
    assert mask.mean().item() == pytest.approx(0.3, abs=0.005)


def test_blur_answers_an_impulse_with_a_gaussian():
    impulse = torch.zeros(1, 1, 41, 41)
    impulse[..., 20, 20] = 1
    answer = degrade("blur:sigma=2", impulse).image[0, 0]
    bell = [math.exp(-((i - 20) ** 2) / 8) if abs(i - 20) <= 8 else 0 for i in range(41)]
    bell = torch.tensor(bell) / sum(bell)
    torch.testing.assert_close(answer, torch.outer(bell, bell), atol=1e-7, rtol=0)
    assert answer.sum().item() == pytest.approx(1, abs=1e-5)  # the mean is kept


def test_motion_spreads_a_vertical_line_sideways_and_leaves_it_lengthwise():
    line = torch.zeros(1, 1, 21, 21)
    line[..., 10] = 1
    across = degrade("motion:length=5:angle=0", line).image
    expected = torch.zeros_like(line)
    expected[..., 8:13] = 0.2
    torch.testing.assert_close(across, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(degrade("motion:length=5:angle=90", line).image, line, atol=1e-6, rtol=0)


def test_resample_is_pillows_bicubic_down_and_up():
    image = picture(1, 1, 30, 45)
    plane = Image.fromarray(image[0, 0].numpy())
    expected = plane.resize((15, 10), Image.Resampling.BICUBIC).resize((45, 30), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(degrade("resample:scale=3", image).image[0, 0], np.asarray(expected), atol=2e-6)


def test_fading_lifts_black_dims_white_and_tones():
    colors = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    image = degrade("fading:contrast=0.5:lift=0.2:sepia=0", colors).image
    torch.testing.assert_close(image[0, 0, 0], torch.tensor([0.2, 0.6]))
    sepia = degrade("fading:contrast=1:lift=0:sepia=1", colors).image[0, :, 0, 1]
    torch.testing.assert_close(sepia, torch.tensor([1.351, 1.203, 0.937]) / 1.351)


def test_grain_has_its_sigma_and_correlates_over_its_size():
    flat = torch.full((1, 3, 500, 500), 0.5)
    grain = (degrade("grain:sigma=20:size=1", flat).image - flat)[0]
    assert torch.equal(grain[0], grain[2])
    grain = grain[0, 10:-10, 10:-10]
    assert grain.std().item() == pytest.approx(20 / 255, rel=0.02)
    neighbors = (grain[:, 1:] * grain[:, :-1]).mean() / grain.square().mean()
    assert neighbors.item() == pytest.approx(math.exp(-1 / 4), abs=0.02)


@pytest.mark.parametrize("color", [0.36, 1])
def test_grain_in_color_is_as_strong_and_alike_in_channels_as_far_as_it_is_gray(color):
    flat = torch.full((1, 3, 400, 400), 0.5)
    red, _, blue = (degrade(f"grain:sigma=20:size=0.5:color={color}", flat).image - flat)[0] * 255
    assert red.std().item() == pytest.approx(20, rel=0.03)
    assert ((red * blue).mean() / (red.std() * blue.std())).item() == pytest.approx(1 - color, abs=0.02)


@pytest.mark.parametrize(
    "text",
    [
        "noise:sigma=0",
        "poisson:peak=0:sigma=0",
        "saltpepper:amount=0",
        "blur:sigma=0",
        "motion:length=1",
        "resample:scale=1",
        "fading:contrast=1:lift=0:sepia=0",
        "grain:sigma=0",
        "scratches:coverage=0",
        "dust:coverage=0",
        "border:width=0:bed=0",
        "cracks:coverage=0",
        "cracks:opacity=0",
        "craquelure:opacity=0",
        "creases:count=0",
        "creases:shade=0:wear=0",
        "film-grain:sigma=0",
        "mottling:strength=0",
        "scuffs:coverage=0",
        "specks:coverage=0",
        "specks:opacity=0",
        "stains:strength=0",
        "tears:count=0",
        "toning:color=1:warmth=0:contrast=1:gamma=1",
        "vignetting:strength=0",
        "noise:chance=0",
    ],
)
@pytest.mark.parametrize("shape", [(4, 3, 17, 9), (1, 1, 8, 8)])
def test_identity_parameters_leave_every_bit(text, shape):
    image = picture(*shape)
    assert torch.equal(degrade(text, image).image, image)


def test_identity_parameters_leave_an_image_of_a_degraded_batch():
    image = picture(16, 3, 17, 9)
    drawn = draw(parse("blur:sigma=0..3"), 16, (17, 9), rng())
    drawn[0].parameters["sigma"][5] = 0
    assert torch.equal(apply(image, drawn).image[5], image[5])


@pytest.mark.parametrize("size", [0.8, 4, 20])
def test_grain_is_as_strong_at_the_border_as_inside(size):
    flat = torch.full((60, 1, 48, 48), 0.5)
    grain = degrade_tensor(flat, parse(f"grain:sigma=20:size={size}"), rng(3)).image - flat
    border = torch.cat([grain[..., :2].flatten(), grain[..., -2:].flatten(), grain[..., :2, :].flatten()])
    assert border.square().mean().sqrt().item() == pytest.approx(20 / 255, rel=0.15)
    assert grain[..., 0, 0].square().mean().sqrt().item() == pytest.approx(20 / 255, rel=0.3)
