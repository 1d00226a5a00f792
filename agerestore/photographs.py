"""Photographs of any size, restored by the centre of the conditional AGE."""

import torch
from torch import Tensor

from agerestore import device as devices
from agerestore.framing import match_channels
from agerestore.networks import PhotoModel
from agerestore.observation import Observation


@torch.no_grad()
def restore_photograph(model: PhotoModel, observation: Observation, precision: str = "auto") -> Tensor:
    """The best single estimate of clean photographs.

    Args:
        model: networks in eval mode.
        observation: image (B, 1 or 3, H, W) and mask.
        precision: ``fp32``, ``bf16`` or ``auto``: the faster one on the device; what is added to the picture is
            added in fp32 in any case.

    Returns:
        (B, 1 or 3, H, W) in [0, 1]; observed pixels, too, are estimates.
    """
    where = observation.image.device
    with devices.precision(precision, where, auto=devices.fastest(where)):
        colour = match_channels(observation.image, 3).contiguous(memory_format=torch.channels_last)
        estimate, _ = model.estimate(colour, observation.mask)
    return match_channels(estimate, observation.image.shape[1]).clamp(0, 1)
