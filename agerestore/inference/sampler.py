"""Images out of the latent space: samples of the prior, and interpolations between two images."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from agerestore.images.color import match_channels
from agerestore.images.observation import Observation
from agerestore.inference.letterbox import Letterbox
from agerestore.models.base import Model
from agerestore.models.latent import interpolate_codes, sample_codes

BATCH = 256  # images generated at once
OVERSAMPLING = 8  # steps on which the change of images is measured, for each step that is asked for


def sample(model: Model, count: int, generator: torch.Generator) -> Tensor:
    """Generate images from codes drawn from the prior.

    Args:
        model: an encoder-generator pair.
        count: N.
        generator: source of randomness, on the device of the model.

    Returns:
        (N, C, S, S) in [0, 1].

    Raises:
        UsageError: the model generates nothing without an image.
    """
    return torch.cat(list(sample_batches(model, count, generator)))


def sample_batches(model: Model, count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """The images of `sample`, generated at most `BATCH` at a time, so that memory holds any number of them."""
    model.require("sample")
    codes = sample_codes(model.networks.config, count, generator)
    return (_generate(model, part) for part in codes.split(BATCH))


@torch.no_grad()
def _generate(model: Model, codes: Tensor) -> Tensor:
    images: Tensor = model.networks.generate(model.networks.codes_of(codes))
    return images


@torch.no_grad()
def interpolate(model: Model, a: Tensor, b: Tensor, steps: int, even: bool = False) -> Tensor:
    """Generate the images between two: along the great circle of their codes, or the straight line off the sphere.

    Args:
        model: an encoder-generator pair.
        a: (1, 1 or 3, H, W) in [0, 1].
        b: likewise, of any size.
        steps: N, with the reconstructions of ``a`` and ``b`` at the ends.
        even: space codes so that images change evenly, instead of evenly themselves.

    Returns:
        (N, C, S, S) in [0, 1].

    Raises:
        UsageError: the model has no encoder of images.
    """
    model.require("interpolate")
    networks = model.networks
    start, end = (networks.encode(_letterboxed(model, image)) for image in (a, b))

    def images_at(places: Tensor) -> Tensor:
        images: Tensor = networks.generate(interpolate_codes(networks.config, start, end, places[:, None]))
        return images

    places = torch.linspace(0, 1, steps, device=a.device)
    if even:
        finely = torch.linspace(0, 1, OVERSAMPLING * (steps - 1) + 1, device=a.device)
        places = _even_places(finely, images_at(finely), steps)
    return images_at(places)


def _even_places(places: Tensor, images: Tensor, steps: int) -> Tensor:
    """Places (steps,) between which images change alike, from images (N, C, S, S) at finer places (N,)."""
    change = (images[1:] - images[:-1]).square().mean(dim=(1, 2, 3)).sqrt()
    total = torch.cat([change.new_zeros(1), change.cumsum(0)])  # (N,)
    wanted = torch.linspace(0, 1, steps, device=total.device) * total[-1]
    after = torch.searchsorted(total, wanted).clamp(1, len(total) - 1)
    share = (wanted - total[after - 1]) / (total[after] - total[after - 1]).clamp_min(1e-12)
    return places[after - 1] + share.clamp(0, 1) * (places[after] - places[after - 1])


def _letterboxed(model: Model, image: Tensor) -> Tensor:
    """(1, C, S, S), the image as the networks take it."""
    config: Any = model.networks.config
    box = Letterbox.of(image.shape[2], image.shape[3], config.image_size)
    return box.letterbox(Observation(match_channels(image, config.channels))).image
