"""Old prints: what marks cover, how wide they are, and the closed forms of tone, grain and vignetting."""

import math

import pytest
import torch
from degraded import degrade, picture, rng

from agerestore.degradations import KINDS, apply, brush, cracks, draw, from_json, layers, operators, parse, to_json

DEFECTS = ["cracks", "craquelure", "creases", "scuffs", "specks", "tears"]


def flat(height, width, channels=3, value=0.5):
    return torch.full((1, channels, height, width), float(value))


@pytest.mark.parametrize("size", [(24, 36), (200, 260), (1100, 1500)])
@pytest.mark.parametrize("kind", ["cracks:width=3", "cracks:width=0.5:flaking=0", "scuffs", "specks"])
def test_marks_touch_their_share_of_the_pixels_on_small_and_large_images(kind, size):
    text = f"{kind}:coverage=0.02:opacity=1:known=1"
    touched = int(degrade(text, flat(*size)).mask.sum())
    wanted = round(0.02 * size[0] * size[1])
    assert wanted <= touched <= wanted + 100  # the last disc touches a few more


@pytest.mark.parametrize("radius", [0.5, 1, 1.5, 4])
def test_a_line_covers_its_width(radius):
    path = torch.tensor([[20.3, -9.0], [20.3, 70.0]], dtype=torch.float64)
    discs = brush.line(path, torch.full((2,), radius, dtype=torch.float64), dark=0)
    light, dark = brush.paint((41, 61), 41 * 61, lambda wanted: discs)
    torch.testing.assert_close(light.sum(0), torch.full((61,), 2.0 * radius), atol=0.06, rtol=0)
    assert dark.sum() == 0


def test_the_brush_stops_at_the_disc_that_touches_the_last_pixel_wanted():
    single = torch.tensor([[2.0, column, 0.5, 0, 1] for column in range(20)], dtype=torch.float64)
    light, _ = brush.paint((5, 20), 7, lambda wanted: single)
    assert torch.equal(light[2], (torch.arange(20) < 7).float())
    nothing, _ = brush.paint((5, 20), 7, lambda wanted: single[:0])  # marks that touch nothing come to an end
    assert nothing.sum() == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", DEFECTS)
def test_what_is_marked_as_missing_is_what_was_changed(kind, channels):
    image = flat(90, 120, channels)
    for seed in range(4):
        (row,) = to_json(draw(parse(kind), 1, (90, 120), rng(seed)), 0)
        changed = (apply(image, from_json([row])).image != image).any(1, keepdim=True)
        observed = apply(image, from_json([{**row, "known": 1}]))
        assert torch.equal(observed.mask > 0, changed)
        assert 0 < changed.float().mean() < 0.7


def test_marks_are_light_or_dark_as_far_as_asked_for():
    for kind in ("cracks:relief=0", "scuffs", "specks"):
        light = degrade(f"{kind}:coverage=0.05:dark=0:opacity=0.7", flat(100, 100)).image
        dark = degrade(f"{kind}:coverage=0.05:dark=1:opacity=0.7", flat(100, 100)).image
        if kind != "scuffs":  # which have a burr of the other tone
            assert light.min() == 0.5
            assert dark.max() == 0.5
        assert light.mean() > 0.5 > dark.mean()


def test_cells_of_craquelure_have_their_borders_halfway():
    """Points in the middle of all squares: the cells are the squares."""
    place = 1 + 3 * torch.rand(2, 40, 50, generator=rng())
    points, label = torch.full((2, 6, 6), 0.5), torch.full((6, 6), 0.2)
    expected = (0.5 - (place % 1 - 0.5).abs()).amin(0)
    torch.testing.assert_close(cracks._distance_to_border(place, points, label), expected, atol=1e-5, rtol=0)
    assert cracks._distance_to_border(place, points, label * 0.5).isinf().all()  # borders that are left out


def test_a_crease_is_lit_on_one_side_and_in_shadow_on_the_other():
    image = degrade("creases:count=1:width=3:shade=0.2:wear=0", flat(200, 200, 1)).image - 0.5
    assert image.max().item() == pytest.approx(0.2, abs=0.01)
    assert image.min().item() == pytest.approx(-0.2, abs=0.01)
    assert abs(image.sum().item()) < 0.05 * image.abs().sum().item()
    assert (image != 0).float().mean() < 2.5 * 2 * 3 * 1.5 * math.hypot(200, 200) / 200**2


def test_behind_a_tear_is_what_is_said_with_paper_around():
    found = [degrade("tears:count=3:reach=40:behind=0:rim=3", flat(200, 200), seed).image for seed in range(6)]
    image = torch.cat(found)
    assert image.min() < 0.1
    assert image.max() > 0.7
    bare = torch.cat([degrade("tears:count=3:reach=40:rim=0", flat(200, 200), seed).image for seed in range(6)])
    assert (bare != 0.5).sum() < (image != 0.5).sum()


def test_toning_follows_its_curve_and_tones_white_as_stated():
    values = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    curved = degrade("toning:contrast=0.8:gamma=0.5", values).image
    torch.testing.assert_close(curved, 0.5 + 0.8 * (values.sqrt() - 0.5))
    white = torch.ones(1, 3, 1, 1)
    for warmth, expected in ((1, [1, 0.88, 0.66]), (-1, [0.88, 0.98, 1]), (0, [1, 1, 1])):
        toned = degrade(f"toning:color=0:warmth={warmth}:contrast=1:gamma=1", white).image
        torch.testing.assert_close(toned.flatten(), torch.tensor(expected, dtype=torch.float32))
    gray = degrade("toning:color=0:warmth=0", picture(2, 3, 8, 8)).image
    torch.testing.assert_close(gray, gray[:, :1].expand_as(gray), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("value", "share"), [(0.5, 1), (0, 0.4), (1, 0.4)])
def test_film_grain_is_strongest_at_middle_gray(value, share):
    grain = degrade("film-grain:sigma=20:size=0.6", flat(400, 400, 3, value)).image - value
    assert torch.equal(grain[:, 0], grain[:, 2])
    assert grain.std().item() == pytest.approx(share * 20 / 255, rel=0.03)


def test_vignetting_darkens_or_bleaches_the_edges_alone():
    for strength, sign in ((0.8, -1), (-0.8, 1)):
        change = sign * (degrade(f"vignetting:strength={strength}", flat(120, 160)).image - 0.5)
        assert change.min() == 0  # somewhere nothing changes
        assert change.max().item() == pytest.approx(0.5 * 0.8 * 0.8 * min(1.2, 1), abs=0.12)


def test_smooth_noise_is_white_noise_blurred_by_a_gaussian():
    width = torch.tensor([1.2])
    reach = math.ceil(4 * 1.2)
    white = torch.randn(1, 1, 30 + 2 * reach, 40 + 2 * reach, generator=rng())
    expected = operators.gaussian_blur(white, width)[0, 0, reach:-reach, reach:-reach]
    expected = expected / operators.gaussian_kernel(width).square().sum()
    torch.testing.assert_close(layers.smooth_noise(rng(), (30, 40), 1.2), expected.float(), atol=5e-6, rtol=0)


def test_mottling_has_its_deviation_and_size():
    shade = degrade("mottling:strength=0.05:size=12", flat(1200, 1200, 1)).image - 0.5
    assert shade.std().item() == pytest.approx(0.05, rel=0.15)
    apart = (shade[..., 12:] * shade[..., :-12]).mean() / shade.square().mean()
    assert apart.item() == pytest.approx(math.exp(-1 / 4), abs=0.1)


def test_stains_are_brown_or_bleached():
    image = torch.cat([degrade("stains:strength=0.4", flat(150, 200), seed).image for seed in range(8)])
    dark = (image < 0.5).all(1)
    red, green, blue = image.transpose(0, 1)[:, dark]
    assert dark.any()
    assert (image > 0.5).any()
    assert (red >= green - 0.05).all()
    assert (red >= blue).all()


def test_a_border_is_as_wide_as_asked_for_and_leaves_what_is_inside():
    image = picture(1, 3, 200, 200)
    for seed in range(4):
        framed = degrade("border:width=20:bed=0", image, seed).image
        changed = (framed != image).any(1)[0]
        assert not changed[30:-30, 30:-30].any()
        assert 0.15 < changed.float().mean() < 0.4  # two sides have 0.19 or 0.2, four 0.36


def test_defects_are_the_kinds_that_are_said_to_be():
    assert [name for name, kind in sorted(KINDS.items()) if kind.defect] == sorted([*DEFECTS, "dust", "scratches"])
