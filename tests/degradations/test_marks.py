"""Strokes, scratches and dust: their area, width and tone."""

import pytest
import torch
from degraded import degrade, picture, rng

from agerestore.degradations import degrade as degrade_tensor
from agerestore.degradations import parse


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


def test_scratches_are_as_thin_as_asked_for():
    """A line of width w under any angle holds about w pixels per pixel of its length."""
    counts = degrade("scratches:width=3:coverage=0.01:known=1", picture(1, 1, 300, 300)).mask[0, 0]
    opened = torch.nn.functional.avg_pool2d(counts[None, None], 5, 1).max()
    assert counts.sum() == 900
    assert opened < 1  # no 5 x 5 square fits into lines 3 pixels wide


def test_as_many_scratches_as_are_asked_for_are_laid_on_a_large_picture():
    damaged = degrade_tensor(
        torch.full((1, 1, 1200, 1600), 0.5), parse("scratches:width=1:coverage=0.3:known=1"), rng()
    )
    assert damaged.mask.mean().item() == pytest.approx(0.3, abs=0.005)
