"""Putting known and generated pixels together, and filling missing ones from known ones near them."""

import torch
from torch import Tensor
from torch.nn import functional

from agerestore.images.observation import Observation

MASKED_VALUE = 0.5
INTERPOLATION_STEPS = 1, 2, 4, 8, 16  # pixels
INTERPOLATION_REACH = sum(INTERPOLATION_STEPS)
SMOOTHINGS = 16  # at each scale of push-pull, until a color is the mean of those around it


def fill_masked(observation: Observation) -> Tensor:
    """Fill missing pixels with mid-gray, which is 0 in the range of the networks.

    Args:
        observation: image (B, C, H, W) in [0, 1] and its mask.

    Returns:
        (B, C, H, W).
    """
    return observation.filled(MASKED_VALUE)


def composite(observation: Observation, generated: Tensor) -> Tensor:
    """Take missing pixels from generated images, and all others, bit for bit, from the damaged ones.

    Args:
        observation: image (B, C, H, W) and mask; without a mask ``generated`` comes back.
        generated: (B, C, H, W) in [0, 1].
    """
    if observation.mask is None:
        return generated
    return torch.where(observation.mask > 0, generated, observation.image)


def composite_seamlessly(observation: Observation, generated: Tensor) -> Tensor:
    """As `composite`, without an edge: what generated images lack of the known pixels is carried on into the holes.

    The difference at the rim of a hole is spread over it smoothly (`push_pull`), as a membrane (Pérez et al., "Poisson
    image editing", 2003). So a hole that differs by a constant from the known pixels is put right exactly.

    Args:
        observation: image (B, C, H, W) in [0, 1] and mask; without a mask ``generated`` comes back.
        generated: (B, C, H, W) in [0, 1].

    Returns:
        (B, C, H, W) in [0, 1] where pixels are missing; an image of which nothing is known is the generated one.
    """
    if observation.mask is None:
        return generated
    known = observation.known
    lacking = push_pull((observation.filled() - generated) * known, known)
    some = known.amax(dim=(1, 2, 3), keepdim=True)
    return composite(observation, (generated + lacking * some).clamp(0, 1))


def interpolate_masked(image: Tensor, mask: Tensor) -> Tensor:
    """Fill missing pixels with an average of known ones near: normalized convolution (Knutsson & Westin, 1993).

    Five triangular windows, each twice as wide as the one before and of a thousandth of its weight, are added, so that
    the nearest pixels weigh most. A pixel depends on those at most `INTERPOLATION_REACH` away; if none of them is
    known, it becomes 0.

    Args:
        image: (B, C, H, W) float, any range; the values of missing pixels do not matter.
        mask: (B, 1, H, W), 1 where missing.

    Returns:
        Like ``image``.
    """
    if mask.device.type == "cpu" and not mask.any():  # elsewhere the answer would have to be waited for
        return image
    window = torch.cat([torch.where(mask > 0, 0.0, image), 1 - mask], 1)
    near = torch.zeros_like(window)
    for order, step in enumerate(INTERPOLATION_STEPS):
        window = _widen(_widen(window, step, 2), step, 3)
        near += 1e-3**order * window
    average = near[:, :-1] / near[:, -1:].clamp_min(1e-30)
    return torch.where(mask > 0, average, image)


def _widen(x: Tensor, step: int, dim: int) -> Tensor:
    """Convolve with (1, 2, 1) / 4, ``step`` pixels apart: a triangle ``step`` pixels high becomes one twice as wide."""
    padded = functional.pad(x, [step, step, 0, 0] if dim == 3 else [0, 0, step, step])
    before, after = padded.narrow(dim, 0, x.shape[dim]), padded.narrow(dim, 2 * step, x.shape[dim])
    return x / 2 + (before + after) / 4


def push_pull(image: Tensor, known: Tensor) -> Tensor:
    """Fill missing pixels over any distance, from means over ever larger squares: push-pull (Gortler et al., 1996).

    Args:
        image: (B, C, H, W), any range.
        known: (B, 1, H, W), 1 where known, else 0; if nothing is, all becomes 0.5, which is mid-gray.
    """
    height, width = image.shape[2:]
    if max(height, width) == 1:
        return torch.where(known > 0, image, 0.5)
    summed = functional.avg_pool2d(
        torch.cat([image * known, known], 1), (min(height, 2), min(width, 2)), ceil_mode=True
    )
    coarse = push_pull(summed[:, :-1] / summed[:, -1:].clamp_min(1e-6), (summed[:, -1:] > 0).float())
    filled = torch.where(known > 0, image, functional.interpolate(coarse, size=(height, width), mode="bilinear"))
    for _ in range(SMOOTHINGS):
        around = functional.avg_pool2d(functional.pad(filled, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        filled = torch.where(known > 0, image, around)
    return filled
