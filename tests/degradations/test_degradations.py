"""Degradations: closed forms, replay, independence of the batch, every kind on every size."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agerestore.degradations import ALIASES, KINDS, apply, describe, draw, from_json, parse, to_json
from agerestore.degradations import degrade as degrade_batch
from agerestore.errors import UsageError
from agerestore.metrics.image import psnr, quantize

UNKNOWN = ("holes", "hole", "missing", "strokes", "scratches:known=1")
EVERYTHING = [*KINDS, *ALIASES, "scratches:known=0..1", "noise|saltpepper|hole|blur,jpeg"]
EVERYTHING += [f"{file}:top=0..15:left=0..15:enlarged=1..3" for file in ("jpeg", "webp")]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(*shape, seed=1):
    return torch.rand(shape, generator=rng(seed))


def degrade(text, image, seed=0):
    return degrade_batch(image, text, rng(seed))


def smooth_picture(height=100, width=130):
    """Color gradients, a disc and stripes: what JPEG is made for, with edges."""
    row, col = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    disc = ((row - 0.5) ** 2 + (col - 0.4) ** 2 < 0.06).float()
    stripes = 0.5 + 0.5 * torch.sin(40 * col + 25 * row**2)
    return torch.stack([0.7 * row + 0.3 * disc, 0.5 * col + 0.4 * stripes * row, 0.9 - 0.6 * disc * col])[None]


# the language


def test_parse_reads_kinds_parameters_and_order():
    noise, holes = parse(" noise:sigma=50 , holes:count=2:size=14 ")
    assert (noise.kind, noise.ranges["sigma"], noise.ranges["clip"]) == ("noise", (50, 50), (0, 0))
    assert (holes.kind, holes.ranges) == ("holes", {"count": (2, 2), "size": (14, 14)})


def test_parse_takes_defaults_and_ranges():
    assert parse("noise")[0].ranges["sigma"] == (0, 55)
    assert parse("noise:sigma=0.5..2.5")[0].ranges["sigma"] == (0.5, 2.5)


def test_parse_numbers_the_alternatives_and_spells_out_aliases():
    steps = parse("noise,jpeg|hole|old-photo")
    assert [step.alternative for step in steps[:4]] == [0, 0, 1, 2]
    assert [step.kind for step in steps[3:]] == ["grain", "fading", "blur", "scratches", "dust", "jpeg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nose", "unknown degradation 'nose'; there are: blur, dust"),
        ("", "unknown degradation ''"),
        ("noise|", "unknown degradation ''"),
        ("noise:sigm=3", "'noise' has no parameter 'sigm'; it has: sigma, clip"),
        ("noise:sigma", "noise:sigma=.nothing. is not valid"),
        ("noise:sigma=much", "noise:sigma=much is not valid; it takes a number from 0 to 255"),
        ("noise:sigma=nan", "is not valid"),
        ("noise:sigma=-1", "is not valid"),
        ("noise:sigma=5..", "is not valid"),
        ("noise:sigma=50..5", "runs backwards; write 5..50"),
        ("noise:sigma=5:sigma=6", "twice"),
        ("holes:count=1.5", "a whole number from 0 to 1000"),
        ("jpeg:quality=inf", "is not valid"),
        ("old-photo:sigma=3", "takes no parameters"),
    ],
)
def test_parse_names_what_is_wrong_in_one_line(text, says):
    with pytest.raises(UsageError, match=says) as raised:
        parse(text)
    assert "\n" not in str(raised.value)


# closed forms


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


def decoded(image, suffix, quality):
    """What Pillow makes of an image (1, C, H, W) that it writes and reads."""
    pixels = (255 * image[0]).round().byte().permute(1, 2, 0).squeeze(2).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, suffix, quality=quality)
    back = np.asarray(Image.open(file).convert("RGB" if suffix == "webp" else None))
    back = back.reshape(*pixels.shape[:2], -1)[..., : image.shape[1]]
    return torch.from_numpy(back.copy()).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("quality", [1, 10, 30, 75, 95, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows(quality, channels):
    image = smooth_picture()[:, :channels]  # 100 x 130: no multiple of 16
    assert torch.equal(degrade(f"jpeg:quality={quality}", image).image, decoded(image, "jpeg", quality))


@pytest.mark.parametrize("quality", [10, 30, 75, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_with_a_gradient_is_like_pillows_and_as_lossy(quality, channels):
    image = smooth_picture()[:, :channels].requires_grad_()
    found = degrade(f"jpeg:quality={quality}", image).image
    found.square().sum().backward()
    assert image.grad.isfinite().all()
    assert image.grad.abs().max() > 0
    image, ours = image.detach(), quantize(found.detach())
    real = decoded(image, "jpeg", quality)
    assert psnr(ours, real).item() > 35
    assert psnr(ours, image).item() == pytest.approx(psnr(real, image).item(), abs=0.5)


@pytest.mark.parametrize("quality", [2, 30, 75, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_webp_is_pillows(quality, channels):
    image = smooth_picture()[:, :channels]
    assert torch.equal(degrade(f"webp:quality={quality}", image).image, decoded(image, "webp", quality))


def test_what_is_too_long_for_webp_is_refused():
    with pytest.raises(UsageError, match="webp: such files have at most 16383 pixels a side"):
        degrade("webp", torch.zeros(1, 1, 2, 16384))
    assert degrade("webp", torch.zeros(1, 1, 2, 16383)).image.shape == (1, 1, 2, 16383)


@pytest.mark.parametrize(("file", "alike"), [("jpeg", 35), ("webp", 33)])  # the whole picture tells WebP its steps
def test_a_picture_cropped_after_it_was_compressed_has_its_blocks_elsewhere(file, alike):
    pixels = (255 * smooth_picture()[0]).round().byte().permute(1, 2, 0).numpy()
    coded = io.BytesIO()
    Image.fromarray(np.pad(pixels, ((3, 29), (5, 25), (0, 0)), "edge")).save(coded, file, quality=20)
    real = torch.from_numpy(np.asarray(Image.open(coded))[3:103, 5:135].copy()).permute(2, 0, 1)[None] / 255
    cropped, whole = (degrade(f"{file}:quality=20{cut}", smooth_picture()).image for cut in (":top=3:left=5", ""))
    assert psnr(cropped, real).item() > alike
    assert psnr(whole, real).item() < psnr(cropped, real).item() - 3


@pytest.mark.parametrize("file", ["jpeg", "webp"])
def test_a_picture_enlarged_after_it_was_compressed_is_pillows(file):
    bicubic = Image.Resampling.BICUBIC
    picture = Image.fromarray((255 * smooth_picture()[0]).round().byte().permute(1, 2, 0).numpy())
    coded = io.BytesIO()
    picture.resize((65, 50), bicubic).save(coded, file, quality=20)
    larger = np.asarray(Image.open(coded).resize(picture.size, bicubic)).copy()
    real = torch.from_numpy(larger).permute(2, 0, 1)[None] / 255
    enlarged = degrade(f"{file}:quality=20:enlarged=2", smooth_picture()).image
    assert psnr(enlarged, real).item() > 35
    assert psnr(degrade(f"{file}:quality=20", smooth_picture()).image, real).item() < 30


@pytest.mark.parametrize("kind", ["scratches:width=1", "scratches:width=4", "dust"])
def test_marks_cover_their_share_exactly_and_are_almost_white_or_black(kind):
    gray = torch.full((5, 3, 90, 120), 0.5)
    image = degrade(f"{kind}:coverage=0.05", gray).image
    marked = (image != 0.5).all(1)
    assert marked.sum((1, 2)).tolist() == [540] * 5
    tones = image.transpose(0, 1)[:, marked]
    assert (tones.sub(0.5).abs() >= 0.4).all()
    assert (tones < 0.5).any()
    assert (tones > 0.5).any()
    assert image.isclose(image[:, :1]).all()


def test_scratches_are_as_thin_as_they_are_told():
    """A line of width w under any angle holds about w pixels per pixel of its length."""
    counts = degrade("scratches:width=3:coverage=0.01:known=1", picture(1, 1, 300, 300)).mask[0, 0]
    opened = torch.nn.functional.avg_pool2d(counts[None, None], 5, 1).max()
    assert counts.sum() == 900
    assert opened < 1  # no 5 x 5 square fits into lines 3 pixels wide


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
    ],
)
@pytest.mark.parametrize("shape", [(4, 3, 17, 9), (1, 1, 8, 8)])
def test_identity_parameters_leave_every_bit(text, shape):
    image = picture(*shape)
    assert torch.equal(degrade(text, image).image, image)


def test_identity_parameters_leave_a_picture_beside_damaged_ones():
    image = picture(16, 3, 17, 9)
    drawn = draw(parse("blur:sigma=0..3"), 16, (17, 9), rng())
    drawn[0].parameters["sigma"][5] = 0
    assert torch.equal(apply(image, drawn).image[5], image[5])


# drawing, replay and the batch


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_drawn_within_their_ranges(kind):
    (drawn,) = draw(parse(kind), 200, (32, 32), rng())
    for name, parameter in KINDS[kind].parameters.items():
        values = drawn.parameters[name].float()
        values = values[values > 0] if name in KINDS[kind].listed else values  # a size of 0 is no box
        assert values.min() >= parameter.low
        assert values.max() <= parameter.high
        spread = parameter.high - parameter.low
        assert values.max() - values.min() >= 0.8 * spread


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", EVERYTHING)
def test_a_stored_picture_is_replayed_bit_for_bit_whatever_the_batch(text, channels):
    image = picture(7, channels, 31, 18)
    drawn = draw(parse(text), 7, (31, 18), rng(3))
    whole = apply(image, drawn)
    for index in (0, 3, 6):
        alone = apply(image[index : index + 1], from_json(json.loads(json.dumps(to_json(drawn, index)))))
        assert torch.equal(alone.image[0], whole.image[index])
        if alone.mask is not None:
            assert torch.equal(alone.mask[0], whole.mask[index])
        elif whole.mask is not None:
            assert whole.mask[index].sum() == 0


@pytest.mark.parametrize("text", EVERYTHING)
def test_the_generator_alone_decides(text):
    image = picture(6, 3, 33, 20)
    first, again, other = (degrade(text, image, seed).image for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert text == "hole" or not torch.equal(first, other)


def test_pictures_of_a_batch_are_damaged_differently():
    noise = degrade("noise:sigma=50", torch.zeros(2, 1, 100, 100)).image
    correlation = torch.corrcoef(noise.flatten(1))[0, 1]
    assert abs(correlation.item()) < 0.04


def test_every_picture_suffers_one_alternative_all_equally_often():
    image = torch.full((600, 1, 6, 6), 0.5)
    drawn = draw(parse("saltpepper:amount=1|hole:size=6|noise:sigma=0,fading:lift=1"), 600, (6, 6), rng())
    assert [step.kind for step in drawn] == ["saltpepper", "hole", "noise", "fading"]
    assert torch.equal(drawn[2].indices, drawn[3].indices)
    pictures = torch.cat([step.indices for step in drawn[:3]])
    assert torch.equal(pictures.sort().values, torch.arange(600))
    assert all(150 < len(step.indices) < 250 for step in drawn)
    observed = apply(image, drawn)
    assert observed.mask[drawn[1].indices].eq(1).all()
    assert observed.mask.sum() == 36 * len(drawn[1].indices)
    assert observed.image[drawn[3].indices].eq(1).all()
    assert [row["kind"] for row in to_json(drawn, int(drawn[3].indices[0]))] == ["noise", "fading"]


# unknown pixels


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_pixels_are_zero_and_the_others_as_they_were(kind):
    image = picture(4, 3, 32, 32) + 1  # so that no pixel is 0 by itself
    observed = degrade(kind, image)
    assert 0 < observed.mask.mean() < 1
    assert observed.mask.shape == (4, 1, 32, 32)
    if not kind.startswith("scratches"):
        assert torch.equal(observed.image, image * (1 - observed.mask))
    assert torch.equal((observed.image == 0).all(1, keepdim=True).float(), observed.mask)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in UNKNOWN])
def test_other_kinds_make_no_unknown_pixels(kind):
    assert degrade(kind, picture(3, 1, 16, 16)).mask is None


def test_unknown_pixels_stay_zero_through_later_steps_and_join_those_of_the_caller():
    image, mask = picture(1, 1, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    mask[..., 0] = True
    drawn = draw(parse("hole:size=4,noise:sigma=50,blur"), 1, (32, 32), rng())
    observed = apply(image, drawn, mask)
    assert observed.mask.sum() == 16 + 32
    assert torch.equal(observed.image == 0, observed.mask > 0)


# any picture


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3]), st.integers(1, 3), st.integers(0, 99))
def test_every_kind_takes_every_size(height, width, channels, batch, seed):
    image = picture(batch, channels, height, width, seed=seed)
    before = image.clone()
    for text in EVERYTHING:
        observed = degrade(text, image, seed)
        assert observed.image.shape == image.shape
        assert observed.image.dtype == torch.float32
        assert observed.image.isfinite().all()
        assert observed.mask is None or observed.mask.shape == (batch, 1, height, width)
    assert torch.equal(image, before)


def test_nothing_to_do_gives_the_picture_back():
    image = picture(2, 3, 5, 5)
    observed = apply(image, [])
    assert torch.equal(observed.image, image)
    assert observed.mask is None


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"kind": "nose"}, "step 1 of the stored degradation is of no known kind"),
        ("noise", "no known kind"),
        ({"kind": "noise", "seed": 1, "sigma": 5}, "clip"),
        ({"kind": "noise", "version": 1, "seed": 1, "sigma": 5}, "clip"),
        ({"kind": "grain", "version": 1, "seed": 1, "sigma": 5, "size": 1}, "color"),  # only older records lack it
        (
            {"kind": "noise", "version": 2, "seed": 1, "sigma": 5, "clip": 0},
            "knows versions up to 1; update agerestore",
        ),
        ({"kind": "jpeg", "version": "two", "seed": 1, "quality": 5}, "version two of jpeg"),
        ({"kind": "noise", "seed": 1, "sigma": "a lot", "clip": 0}, "damaged"),
        ({"kind": "noise", "seed": 1, "sigma": [1, 2], "clip": 0}, "sigma has the wrong number of values"),
        ({"kind": "noise", "seed": 1, "sigma": -5, "clip": 0}, "sigma is not within 0 to 255"),
        ({"kind": "noise", "seed": 1, "sigma": float("nan"), "clip": 0}, "sigma is not within"),
        ({"kind": "holes", "seed": 1, "count": 1, "size": 3, "top": [1], "left": [1]}, "size has the wrong"),
        (
            {"kind": "holes", "seed": 1, "count": 1, "size": [3], "top": [1, 2], "left": [1]},
            "not equally many",
        ),
    ],
)
def test_a_damaged_record_is_refused_in_one_line(row, says):
    with pytest.raises(UsageError, match=says) as raised:
        from_json([row])
    assert "\n" not in str(raised.value)


def test_describe_has_a_line_for_each_kind_parameter_and_alias():
    entries = {entry.name: entry for entry in describe()}
    kinds = [name for name in entries if name in KINDS]
    assert kinds == sorted(KINDS)
    assert set(entries) == {*KINDS, *ALIASES, *(f"{name}:{key}" for name in KINDS for key in KINDS[name].parameters)}
    assert entries["noise:sigma"][1:3] == ("0..55", "0..255")
    assert entries["hole:size"].default == "14"
    for name, _, _, text in entries.values():
        assert text
        assert parse(name.partition(":")[0])  # every name is a degradation
    for name, default, limits, _ in entries.values():
        for value in filter(None, (default, limits)):
            assert parse(f"{name}={value}")


@pytest.mark.parametrize("size", [0.8, 4, 20])
def test_grain_is_as_strong_at_the_border_as_inside(size):
    flat = torch.full((60, 1, 48, 48), 0.5)
    grain = degrade_batch(flat, parse(f"grain:sigma=20:size={size}"), rng(3)).image - flat
    border = torch.cat([grain[..., :2].flatten(), grain[..., -2:].flatten(), grain[..., :2, :].flatten()])
    assert border.square().mean().sqrt().item() == pytest.approx(20 / 255, rel=0.15)
    assert grain[..., 0, 0].square().mean().sqrt().item() == pytest.approx(20 / 255, rel=0.3)


def test_as_many_scratches_as_are_asked_for_are_laid_on_a_large_picture():
    damaged = degrade_batch(torch.full((1, 1, 1200, 1600), 0.5), parse("scratches:width=1:coverage=0.3:known=1"), rng())
    assert damaged.mask.mean().item() == pytest.approx(0.3, abs=0.005)


def test_damage_is_what_is_drawn_and_then_applied():
    image, steps = picture(3, 1, 20, 24), parse("noise:sigma=5..50,hole:size=4")
    expected = apply(image, draw(steps, 3, (20, 24), rng(7)))
    found = degrade_batch(image, steps, rng(7))
    assert torch.equal(found.image, expected.image)
    assert torch.equal(found.mask, expected.mask)


def test_the_language_needs_no_kornia():
    script = (
        "import sys; from agerestore import degradations\n"
        "degradations.parse('old-photo'); degradations.describe()\n"
        "heavy = {'kornia', 'torchvision', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
