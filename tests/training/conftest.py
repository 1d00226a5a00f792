"""Images that tiny networks learn something from."""

import pytest
import torch

from agerestore.data.datasets import ImageSet


@pytest.fixture
def images():
    """Squares of several sizes and places: something to learn."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.zeros(60, 1, 32, 32, dtype=torch.uint8)
    for picture in pictures:
        side, top, left = torch.randint(4, 16, (3,), generator=generator).tolist()
        picture[0, top : top + side, left : left + side] = 255
    return ImageSet(pictures)
