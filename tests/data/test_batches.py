"""Batches of images: how they are varied."""

import torch
from torch import nn

from agerestore.data import variations
from agerestore.data.variations import random_affine, random_shift


def test_each_picture_is_moved_as_a_whole_its_edges_fill_the_gap_and_every_place_occurs():
    pictures = torch.rand(400, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    moved = random_shift(pictures, 1, torch.Generator().manual_seed(0))
    padded = nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    places = torch.stack([padded[:, :, y : y + 6, x : x + 6] for y in range(3) for x in range(3)])
    found = (places == moved).all(dim=(2, 3, 4))  # (9, 400)
    assert found.any(dim=0).all()
    assert found.any(dim=1).all()
    assert torch.equal(moved, random_shift(pictures, 1, torch.Generator().manual_seed(0)))
    assert torch.equal(random_shift(pictures, 0, torch.Generator()), pictures)


def test_views_leave_even_pictures_alone_and_turn_others_each_in_its_own_way(monkeypatch):
    even = torch.full((3, 1, 16, 16), 0.4)
    torch.testing.assert_close(random_affine(even, seed=0), even)
    picture = torch.zeros(1, 1, 16, 16)
    picture[:, :, 4:12, 6:9] = 1
    views = random_affine(picture.expand(8, -1, -1, -1), seed=0)
    assert torch.equal(views, random_affine(picture.expand(8, -1, -1, -1), seed=0))
    assert len(views.flatten(1).unique(dim=0)) == 8
    assert not torch.equal(views, random_affine(picture.expand(8, -1, -1, -1), seed=1))
    for limit in ("ROTATION", "SCALING", "SHEAR", "TRANSLATION"):
        monkeypatch.setattr(variations, limit, 0.0)
    torch.testing.assert_close(random_affine(picture, seed=0), picture, atol=1e-5, rtol=0)
