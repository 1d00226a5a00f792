"""Black-and-white prints made of color photographs."""

import torch

from agerestore.data import film
from agerestore.data.datasets import PhotoSet
from agerestore.images.color import lightness


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_any_change_it_is_the_lightness_itself(monkeypatch):
    monkeypatch.setattr(film, "AS_IT_IS", 1.1)
    monkeypatch.setattr(film, "CHANGED", 0.0)
    rgb = torch.rand(4, 3, 8, 8, generator=generator())
    torch.testing.assert_close(film.black_and_white(rgb, generator()), lightness(rgb), atol=1e-3, rtol=0)


def test_an_emulsion_leaves_gray_as_it_is_and_darkens_what_it_does_not_see(monkeypatch):
    monkeypatch.setattr(film, "AS_IT_IS", -1.0)
    monkeypatch.setattr(film, "CHANGED", 0.0)
    gray = torch.full((3, 3, 4, 4), 0.4)
    torch.testing.assert_close(film.black_and_white(gray, generator()), lightness(gray), atol=1e-2, rtol=0)
    monkeypatch.setattr(film, "RED", (0.0, 0.0))  # orthochromatic: a red lip is black
    red = torch.tensor([0.8, 0.0, 0.0]).view(1, 3, 1, 1).expand(3, -1, 4, 4)
    assert float(film.black_and_white(red, generator()).max()) < 1


def test_prints_differ_and_stay_in_range():
    rgb = torch.rand(1, 3, 16, 16, generator=generator()).expand(64, -1, -1, -1)
    made = film.black_and_white(rgb, generator())
    assert made.shape == (64, 1, 16, 16)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 100
    assert len({round(float(each.mean()), 2) for each in made}) > 40


def test_views_are_large_parts_of_one_photograph():
    ramp = torch.arange(200).view(1, 1, 200).expand(3, 100, 200).to(torch.uint8)
    views = PhotoSet((ramp,)).views(200, 32, generator())
    assert views.shape == (200, 3, 32, 32)
    span = (views[:, 0, 0, -1].int() - views[:, 0, 0, 0].int()).abs() * 32 / 31
    assert 40 < int(span.min()) < 60  # half of the short side
    assert 130 < int(span.max()) <= 175  # up to WIDEST_VIEW of it
    assert 0.3 < float((views[:, 0, 0, -1] < views[:, 0, 0, 0]).float().mean()) < 0.7  # mirrored


def test_a_small_picture_is_shown_whole():
    small = torch.zeros(3, 64, 64, dtype=torch.uint8)
    small[:, 0] = small[:, -1] = 255
    views = PhotoSet((small,)).views(20, 128, generator())
    assert (views[:, :, 0] > 100).all()
    assert (views[:, :, -1] > 100).all()
