"""Putting observed and generated pixels together."""

import torch
from torch import Tensor

from agerestore.observation import Observation

UNKNOWN_VALUE = 0.5


def fill_unknown(observation: Observation) -> Tensor:
    """The damaged picture as an encoder gets it: mid-grey, 0 in the networks' range, where nothing is known.

    Args:
        observation: image (B, C, H, W) in [0, 1] and its mask.

    Returns:
        (B, C, H, W).
    """
    if observation.mask is None:
        return observation.image
    return torch.where(observation.mask > 0, UNKNOWN_VALUE, observation.image)


def composite(observation: Observation, generated: Tensor) -> Tensor:
    """Keep what was observed and fill the rest: with a mask, observed pixels come back bit-exact.

    Args:
        observation: image (B, C, H, W) and mask; without a mask nothing is trusted and ``generated`` comes back.
        generated: (B, C, H, W) in [0, 1].
    """
    if observation.mask is None:
        return generated
    return torch.where(observation.mask > 0, generated, observation.image)
