"""`agerestore.sample` and `agerestore.interpolate`."""

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from agerestore import device as devices
from agerestore.api.models import AnyModel, named_model
from agerestore.config.checks import check_whole
from agerestore.errors import UsageError
from agerestore.images import pixels
from agerestore.images.arrays import open_one
from agerestore.images.raster import WHOLE
from agerestore.inference import sampler


def sample(
    num_samples: int = 64, *, model: AnyModel = "mnist", seed: int = 0, precision: str = "auto"
) -> NDArray[np.uint8]:
    """Generate images from codes drawn from the prior.

    Args:
        num_samples: N.
        model: an encoder-generator pair.
        seed: of the codes.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.

    Returns:
        (N, H, W, C) uint8.

    Raises:
        UsageError: a number that is none, or a model that does not generate images from codes.
    """
    check_whole(0, num_samples=num_samples)
    check_whole(seed=seed)
    loaded = named_model(model)
    generator = torch.Generator(loaded.device).manual_seed(seed)
    with devices.precision(precision, loaded.device):
        return pixels.of_tensor(sampler.sample(loaded, num_samples, generator))


def interpolate(
    a: Any,
    b: Any,
    *,
    model: AnyModel = "mnist",
    steps: int = 9,
    spacing: Literal["image", "code"] = "image",
    precision: str = "auto",
) -> NDArray[np.uint8]:
    """Generate the images between two, through the latent space.

    Args:
        a: see `restore`.
        b: likewise.
        model: an encoder-generator pair.
        steps: N, both ends included.
        spacing: equal steps between images, or between codes as in the papers.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.

    Returns:
        (N, H, W, C) uint8; at its ends the reconstructions of ``a`` and ``b``.

    Raises:
        UsageError: an image or option that is not understood, or a model that does not generate images from codes.
    """
    check_whole(1, steps=steps)
    if spacing not in ("image", "code"):
        raise UsageError(f"`spacing` {spacing!r} is unknown; choose image or code")
    loaded = named_model(model)
    first, last = (open_one(each).read(WHOLE, loaded.device).image for each in (a, b))
    with devices.precision(precision, loaded.device):
        return pixels.of_tensor(sampler.interpolate(loaded, first, last, steps, spacing == "image"))
