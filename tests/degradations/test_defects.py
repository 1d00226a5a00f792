"""Where defects can be seen: on flat ground exactly where they are, and nowhere once they are hidden."""

import pytest
import torch
from degraded import degrade, picture, rng

from agerestore.degradations import apply, draw, find_defects, from_json, parse, to_json


def found(text, image, seed=0):
    drawn = draw(parse(text), len(image), image.shape[2:], rng(seed))
    return find_defects(image, drawn), drawn


def test_strong_defects_on_flat_ground_are_marked_to_the_pixel():
    image = torch.full((3, 3, 60, 80), 0.5)
    defects, drawn = found("scratches", image)
    changed = (apply(image, drawn).image != image).any(1, keepdim=True)
    assert torch.equal(defects.masks["scratches"], changed)
    assert not defects.faint.any()


@pytest.mark.parametrize("hidden", ["fading:contrast=0:lift=0.5", "border:width=60:bed=0", "noise:sigma=250"])
def test_what_later_steps_hide_is_no_defect(hidden):
    image = torch.full((1, 1, 60, 80), 0.5)
    text = "specks:coverage=0.05:opacity=0.8"
    seen = found(text, image)[0].masks["specks"].sum()
    assert seen > 100
    assert found(f"{text},{hidden}", image)[0].masks["specks"].sum() < 0.2 * seen


def test_faint_marks_are_neither_asked_for_nor_forbidden():
    defects, _ = found("cracks:opacity=0.1:coverage=0.1:dark=0:relief=0", torch.full((1, 3, 80, 80), 0.7))
    assert defects.faint.sum() > 50
    assert not (defects.faint & defects.masks["cracks"]).any()


def test_only_defects_are_marked():
    image = picture(2, 3, 40, 40)
    defects, drawn = found("stains,toning,border,film-grain,vignetting,jpeg", image)
    assert defects.masks == {}
    assert not defects.faint.any()
    assert torch.equal(defects.observation.image, apply(image, drawn).image)


def test_a_pixel_belongs_to_the_defect_that_was_laid_on_last():
    image = torch.full((1, 1, 50, 50), 0.5)
    defects, _ = found("scratches:coverage=0.3,specks:coverage=0.3:radius=3:opacity=1:hairs=0", image)
    both = [defects.masks[kind] for kind in ("scratches", "specks")]
    assert not (both[0] & both[1]).any()
    assert all(mask.sum() > 100 for mask in both)


@pytest.mark.parametrize("text", ["old-print", "old-print,scratches:known=1", "cracks|tears:known=1|toning"])
def test_the_observation_is_that_of_apply_and_a_batch_that_of_its_images(text):
    image = picture(5, 3, 40, 52)
    before = image.clone()
    whole, drawn = found(text, image, 4)
    expected = apply(image, drawn)
    assert torch.equal(image, before)
    assert torch.equal(whole.observation.image, expected.image)
    assert (whole.observation.mask is None) == (expected.mask is None)
    assert expected.mask is None or torch.equal(whole.observation.mask, expected.mask)
    for index in range(5):
        alone = find_defects(image[index : index + 1], from_json(to_json(drawn, index)))
        assert torch.equal(alone.faint[0], whole.faint[index])
        for kind, mask in whole.masks.items():
            assert torch.equal(mask[index], alone.masks.get(kind, torch.zeros_like(mask[:1]))[0])


def test_marks_of_a_damaged_print_are_where_it_differs_from_the_sound_one():
    image = torch.nn.functional.interpolate(picture(1, 3, 8, 8), size=(120, 160), mode="bicubic").clamp(0, 1)
    rows = to_json(draw(parse("toning,cracks:opacity=1,tears,jpeg:quality=80"), 1, (120, 160), rng(2)), 0)
    defects = find_defects(image, from_json(rows))
    sound = apply(image, from_json([row for row in rows if row["kind"] not in ("cracks", "tears")])).image
    far = (defects.observation.image - sound).abs().amax(1, keepdim=True) > 0.04
    marked = defects.masks["cracks"] | defects.masks["tears"]
    assert marked.any()
    assert not (marked & ~far).any()


def test_a_gray_print_has_the_defects_of_a_colored_one():
    gray = torch.full((1, 1, 70, 70), 0.5)
    one, three = (found("creases,tears", each)[0] for each in (gray, gray.expand(-1, 3, -1, -1)))
    alike = [(one.masks[kind] == three.masks[kind]).float().mean() for kind in one.masks]
    assert min(alike) > 0.95
    assert degrade("creases", gray).image.shape == gray.shape
