"""Pictures out of the latent space: samples, and walks from one picture to another."""

import torch
from torch import Tensor

from agerestore.errors import UsageError
from agerestore.images.color import match_channels
from agerestore.images.observation import Observation
from agerestore.inference.letterbox import Letterbox
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import interpolate_codes, sample_codes

FINER = 8  # steps of the walk on which it is measured how pictures change, for each that is asked for


@torch.no_grad()
def sample(model: Model, count: int, generator: torch.Generator) -> Tensor:
    """Draw pictures.

    Args:
        model: of a system without a condition.
        count: N.
        generator: source of randomness, on the device of the model.

    Returns:
        (N, C, S, S) in [0, 1].

    Raises:
        UsageError: the model draws nothing without a picture.
    """
    networks = _unconditional(model)
    return networks.generate(networks.codes_of(sample_codes(networks.config, count, generator)))


@torch.no_grad()
def interpolate(model: Model, a: Tensor, b: Tensor, steps: int, even: bool = False) -> Tensor:
    """Walk from one picture to another: along the great circle between their codes, or straight if off the sphere.

    Args:
        model: of a system without a condition, with an encoder.
        a: (1, 1 or 3, H, W) in [0, 1].
        b: likewise, of any size.
        steps: N, with both ends, which are reconstructions of ``a`` and ``b``.
        even: go at the speed at which pictures change evenly, instead of that at which codes do.

    Returns:
        (N, C, S, S) in [0, 1].

    Raises:
        UsageError: the model has no codes of pictures.
    """
    networks = _unconditional(model)
    start, end = (networks.encode(_framed(networks, picture)) for picture in (a, b))

    def walk(places: Tensor) -> Tensor:
        return networks.generate(interpolate_codes(networks.config, start, end, places[:, None]))

    places = torch.linspace(0, 1, steps, device=a.device)
    if even:
        finely = torch.linspace(0, 1, FINER * (steps - 1) + 1, device=a.device)
        places = _evenly(finely, walk(finely), steps)
    return walk(places)


def _evenly(places: Tensor, pictures: Tensor, steps: int) -> Tensor:
    """Places (steps,) between which pictures change alike, of a walk (N, C, S, S) at finer places (N,)."""
    change = (pictures[1:] - pictures[:-1]).square().mean(dim=(1, 2, 3)).sqrt()
    way = torch.cat([change.new_zeros(1), change.cumsum(0)])  # (N,), how much has changed so far
    wanted = torch.linspace(0, 1, steps, device=way.device) * way[-1]
    after = torch.searchsorted(way, wanted).clamp(1, len(way) - 1)
    share = (wanted - way[after - 1]) / (way[after] - way[after - 1]).clamp_min(1e-12)
    return places[after - 1] + share.clamp(0, 1) * (places[after] - places[after - 1])


def _unconditional(model: Model) -> Autoencoder:
    if not isinstance(model.networks, Autoencoder):
        raise UsageError("these weights draw nothing without a picture; name others with -m, such as mnist")
    return model.networks


def _framed(networks: Autoencoder, picture: Tensor) -> Tensor:
    """(1, C, S, S), the picture as the networks see it."""
    frame = Letterbox.of(picture.shape[2], picture.shape[3], networks.config.image_size)
    return frame.letterbox(Observation(match_channels(picture, networks.config.channels))).image
