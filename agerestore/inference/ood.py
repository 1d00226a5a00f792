"""Out-of-distribution (OOD) detection for encoder-generator pairs: is an image like those the model was trained on?

Two features, both small for a damaged image of the kind the model knows and large for any other:

``unexplained``
    Residual structure: the share of the image's coarse structure that the restored image does not explain, 0 to 1.
    Changes of contrast and brightness are allowed for, and so is what smoothing leaves of independent noise.
``reencoding``
    Cosine distance between the code of the damaged image and the clean encoder's code of the restored one.

Each is divided by its limit, which all but one in a thousand damaged validation images stay below. The score is the
larger of the two: above 1 an image is out of distribution.

`agerestore.inference.ood_features` does the same for colorizers; both have `features`, `score` and `calibrate`.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation

if TYPE_CHECKING:
    from agerestore.degradations import Step

FEATURES = ("unexplained", "reencoding")
QUANTILE = 0.999
SMOOTHING = 2.0  # standard deviation in pixels
NOISE_LEFT = 1 / (4 * math.pi * SMOOTHING**2)  # share of the energy of independent noise that smoothing leaves
EMPTY = 0.01**2  # energy below which an image has no structure


def _smooth(image: Tensor) -> Tensor:
    """Gaussian smoothing of (B, C, H, W), zero outside."""
    reach = int(3 * SMOOTHING)
    x = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-x.square() / (2 * SMOOTHING**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, -1)
    image = F.conv2d(image, kernel[..., None, :], padding=(0, reach), groups=image.shape[1])
    return F.conv2d(image, kernel[..., :, None], padding=(reach, 0), groups=image.shape[1])


def features(networks: Any, observation: Observation, code: Tensor, restored: Tensor) -> dict[str, Tensor]:
    """The two features of each image.

    Args:
        networks: encoder and generator, in eval mode.
        observation: image (B, C, S, S) in [0, 1] and mask.
        code: (B, K + M), the robust encoder's code of it.
        restored: (B, C, S, S), what the generator made of that code.

    Returns:
        Name -> (B,).
    """
    return {
        "unexplained": residual_structure(observation, restored),
        "reencoding": 1 - F.cosine_similarity(code, networks.encode(restored)),
    }


def residual_structure(observation: Observation, restored: Tensor) -> Tensor:
    """Share (B,) of the known coarse structure that ``restored`` (B, C, S, S) does not explain; 0 to about 1.

    The restored image is first fitted to the known pixels by least squares, with a gain of at least 0 and an offset:
    clipped noise and salt-and-pepper lift black and lower white.
    """
    known = observation.known.expand_as(restored)
    count = known.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)

    def centered(image: Tensor) -> Tensor:
        return (image - (image * known).sum(dim=(1, 2, 3), keepdim=True) / count) * known

    image, explanation = centered(observation.image), centered(restored)
    product, square = ((explanation * other).sum(dim=(1, 2, 3), keepdim=True) for other in (image, explanation))
    gain = (product / square.clamp_min(1e-8)).clamp_min(0)
    rest = image - gain * explanation
    noise = NOISE_LEFT * _energy(rest)
    unexplained_energy, energy = ((_energy(_smooth(each)) - noise).clamp_min(0) for each in (rest, image))
    return (unexplained_energy + EMPTY) / (energy + EMPTY)


def _energy(image: Tensor) -> Tensor:
    return image.square().mean(dim=(1, 2, 3))


def score(limits: Mapping[str, float], measured: Mapping[str, Tensor]) -> Tensor:
    """OOD score (B,) of what `features` gives; at most 1 in distribution.

    Args:
        limits: of each feature, as `calibrate` gives them.
        measured: of each image.
    """
    return torch.stack([measured[name] / limits[name] for name in FEATURES]).amax(dim=0)


@torch.no_grad()
def calibrate(networks: Any, truth: Tensor, damage: "tuple[Step, ...]") -> dict[str, float]:
    """Limits of the features over clean images and damaged ones.

    Args:
        networks: encoder and generator, in eval mode.
        truth: (N, C, S, S) validation images in [0, 1].
        damage: the degradations that the robust encoder was trained on.
    """
    from agerestore.degradations import degrade  # for training alone: restoring does not wait for it

    generator = torch.Generator().manual_seed(0)
    rows: list[dict[str, Tensor]] = []
    for part in truth.split(250):
        for observation in (Observation(part), degrade(part, damage, generator)):
            code = networks.encode(fill_masked(observation), robust=True)
            rows.append(features(networks, observation, code, networks.generate(code)))
    return {name: float(torch.cat([row[name] for row in rows]).quantile(QUANTILE)) for name in FEATURES}
