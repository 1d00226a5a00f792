"""Drawing and applying: the batch, the seed, missing pixels, images of any size, stored records."""

import json

import pytest
import torch
from degraded import degrade, picture, rng
from hypothesis import given, settings
from hypothesis import strategies as st

from agerestore.degradations import ALIASES, KINDS, apply, draw, from_json, parse, to_json
from agerestore.degradations import degrade as degrade_tensor
from agerestore.errors import UsageError

UNKNOWN = ("holes", "hole", "missing", "strokes", "scratches:known=1")


EVERYTHING = [
    *KINDS,
    *ALIASES,
    "scratches:known=0..1",
    "cracks:known=0..1,tears:known=0..1:chance=0.5",
    "noise|saltpepper|hole|blur,jpeg",
]


EVERYTHING += [f"{file}:top=0..15:left=0..15:enlarged=1..3" for file in ("jpeg", "webp")]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", EVERYTHING)
def test_a_stored_degradation_is_replayed_bit_for_bit_whatever_the_batch(text, channels):
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


def test_images_of_a_batch_are_degraded_differently():
    noise = degrade("noise:sigma=50", torch.zeros(2, 1, 100, 100)).image
    correlation = torch.corrcoef(noise.flatten(1))[0, 1]
    assert abs(correlation.item()) < 0.04


def test_every_image_gets_one_alternative_all_equally_often():
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


@pytest.mark.parametrize("kind", UNKNOWN)
def test_missing_pixels_are_zero_and_the_others_as_they_were(kind):
    image = picture(4, 3, 32, 32) + 1  # so that no pixel is 0 by itself
    observed = degrade(kind, image)
    assert 0 < observed.mask.mean() < 1
    assert observed.mask.shape == (4, 1, 32, 32)
    if not kind.startswith("scratches"):
        assert torch.equal(observed.image, image * (1 - observed.mask))
    assert torch.equal((observed.image == 0).all(1, keepdim=True).float(), observed.mask)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in UNKNOWN])
def test_other_kinds_make_no_missing_pixels(kind):
    assert degrade(kind, picture(3, 1, 16, 16)).mask is None


def test_a_chance_is_the_share_of_the_images_that_get_a_step():
    image = torch.full((1000, 1, 2, 2), 0.5)
    drawn = draw(parse("fading:lift=1:chance=0.3,fading:lift=1:chance=0"), 1000, (2, 2), rng())
    assert len(drawn) == 1
    got = drawn[0].indices
    assert 250 < len(got) < 350
    assert torch.equal(apply(image, drawn).image.eq(1).all(3).all(2).all(1).nonzero().flatten(), got)
    assert to_json(drawn, int(set(range(1000)).difference(got.tolist()).pop())) == []


def test_a_chance_of_one_draws_what_is_drawn_without():
    image = picture(3, 1, 9, 9)
    assert torch.equal(degrade("noise:chance=1", image).image, degrade("noise", image).image)


def test_missing_pixels_stay_zero_through_later_steps_and_join_those_of_the_caller():
    image, mask = picture(1, 1, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    mask[..., 0] = True
    drawn = draw(parse("hole:size=4,noise:sigma=50,blur"), 1, (32, 32), rng())
    observed = apply(image, drawn, mask)
    assert observed.mask.sum() == 16 + 32
    assert torch.equal(observed.image == 0, observed.mask > 0)


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


def test_no_step_returns_the_image():
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
def test_a_broken_record_is_refused_in_one_line(row, says):
    with pytest.raises(UsageError, match=says) as raised:
        from_json([row])
    assert "\n" not in str(raised.value)


def test_degrade_draws_and_applies():
    image, steps = picture(3, 1, 20, 24), parse("noise:sigma=5..50,hole:size=4")
    expected = apply(image, draw(steps, 3, (20, 24), rng(7)))
    found = degrade_tensor(image, steps, rng(7))
    assert torch.equal(found.image, expected.image)
    assert torch.equal(found.mask, expected.mask)
