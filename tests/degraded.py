"""Random images and degradations for tests."""

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.images.observation import Observation


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=rng(seed))


def degrade(text: str, image: Tensor, seed: int = 0) -> Observation:
    return degradations.degrade(image, text, rng(seed))
