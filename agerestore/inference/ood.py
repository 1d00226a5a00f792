"""Is a picture in a model's domain? An encoder-generator pair can tell, and says so instead of inventing.

Two signals, both small for a damaged picture of the kind the model was trained on and large for a foreign one:

``unexplained``
    Share of the picture's coarse structure that the restored one does not explain, 0 to 1. A change of contrast and
    brightness is allowed for, and so is what independent noise leaves after smoothing; a shape that is not in the
    domain is not.
``reencoding``
    Cosine distance of the code of the damaged picture from the clean encoder's code of the restored one.

Each is divided by its limit, the largest value but for one in a thousand among damaged validation pictures; the
score is the larger of the two, so above 1 a picture is out of the domain.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import degradations
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.models.age import Autoencoder

SIGNALS = ("unexplained", "reencoding")
QUANTILE = 0.999
SMOOTHING = 2.0  # standard deviation in pixels
NOISE_LEFT = 1 / (4 * math.pi * SMOOTHING**2)  # share of the energy of independent noise that smoothing leaves
EMPTY = 0.01**2  # energy below which a picture holds no structure to speak of


def _smooth(image: Tensor) -> Tensor:
    """Gaussian smoothing of (B, C, H, W), zero outside."""
    reach = int(3 * SMOOTHING)
    x = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-x.square() / (2 * SMOOTHING**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, -1)
    image = F.conv2d(image, kernel[..., None, :], padding=(0, reach), groups=image.shape[1])
    return F.conv2d(image, kernel[..., :, None], padding=(reach, 0), groups=image.shape[1])


def signals(model: Autoencoder, observation: Observation, code: Tensor, restored: Tensor) -> dict[str, Tensor]:
    """The two signals of each picture.

    Args:
        model: networks in eval mode.
        observation: image (B, C, S, S) in [0, 1] and mask.
        code: (B, M), the robust encoder's code of it.
        restored: (B, C, S, S), what the generator drew from that code.

    Returns:
        name -> (B,).
    """
    return {
        "unexplained": unexplained(observation, restored),
        "reencoding": 1 - F.cosine_similarity(code, model.encode(restored)),
    }


def unexplained(observation: Observation, restored: Tensor) -> Tensor:
    """Share of the observed coarse structure that ``restored`` (B, C, S, S) leaves unexplained; (B,), 0 to about 1.

    The restored picture is first fitted to the observed pixels by least squares, with a gain of at least 0 and an
    offset: clipped noise and salt-and-pepper lift black and lower white.
    """
    known = observation.known.expand_as(restored)
    count = known.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)

    def centered(image: Tensor) -> Tensor:
        return (image - (image * known).sum(dim=(1, 2, 3), keepdim=True) / count) * known

    picture, explanation = centered(observation.image), centered(restored)
    product, square = ((explanation * other).sum(dim=(1, 2, 3), keepdim=True) for other in (picture, explanation))
    gain = (product / square.clamp_min(1e-8)).clamp_min(0)
    rest = picture - gain * explanation
    noise = NOISE_LEFT * _energy(rest)
    unexplained_energy, energy = ((_energy(_smooth(image)) - noise).clamp_min(0) for image in (rest, picture))
    return (unexplained_energy + EMPTY) / (energy + EMPTY)


def _energy(image: Tensor) -> Tensor:
    return image.square().mean(dim=(1, 2, 3))


def score(limits: Mapping[str, float], measured: Mapping[str, Tensor]) -> Tensor:
    """Domain score (B,): at most 1 inside the domain."""
    return torch.stack([measured[name] / limits[name] for name in SIGNALS]).amax(dim=0)


@torch.no_grad()
def calibrate(model: Autoencoder, truth: Tensor, damage: tuple[degradations.Step, ...]) -> dict[str, float]:
    """Limits of the signals over clean pictures and damaged ones.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) validation pictures in [0, 1].
        damage: what the robust encoder was tuned on.
    """
    generator = torch.Generator().manual_seed(0)
    rows: list[dict[str, Tensor]] = []
    for part in truth.split(250):
        for observation in (Observation(part), degradations.degrade(part, damage, generator)):
            code = model.encode(fill_masked(observation), robust=True)
            rows.append(signals(model, observation, code, model.generate(code)))
    return {name: float(torch.cat([row[name] for row in rows]).quantile(QUANTILE)) for name in SIGNALS}
