"""Batches of images: how they are varied."""

import torch
from torch import nn

from agerestore.batches import shifted


def test_each_picture_is_moved_as_a_whole_its_edges_fill_the_gap_and_every_place_occurs():
    pictures = torch.rand(400, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    moved = shifted(pictures, 1, torch.Generator().manual_seed(0))
    padded = nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    places = torch.stack([padded[:, :, y : y + 6, x : x + 6] for y in range(3) for x in range(3)])
    found = (places == moved).all(dim=(2, 3, 4))  # (9, 400)
    assert found.any(dim=0).all()
    assert found.any(dim=1).all()
    assert torch.equal(moved, shifted(pictures, 1, torch.Generator().manual_seed(0)))
    assert torch.equal(shifted(pictures, 0, torch.Generator()), pictures)
