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

A model that colours has no restored picture to compare with. There the inner features of its generator tell, along the
one direction in which pictures of the domain differ most from foreign ones (Fisher's linear discriminant). Where no
foreign pictures are given, pictures of the domain are turned, taken apart and enlarged: what is foreign differs from
them in much the same way (Golan and El-Yaniv, "Deep anomaly detection using geometric transformations", 2018).
"""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore import degrade
from agerestore.composite import fill_unknown
from agerestore.networks import Autoencoder, ColorModel
from agerestore.observation import Observation

SIGNALS = ("unexplained", "reencoding")
QUANTILE = 0.999
SMOOTHING = 2.0  # standard deviation in pixels
NOISE_LEFT = 1 / (4 * math.pi * SMOOTHING**2)  # share of the energy of independent noise that smoothing leaves
EMPTY = 0.01**2  # energy below which a picture holds no structure to speak of

FEATURE_QUANTILE = 0.97  # of validation pictures: the others are refused
FOLDS = 5
CHUNK = 100
FEWEST = 4 * FOLDS  # pictures that tell anything


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
    known = torch.ones_like(restored) if observation.mask is None else (1 - observation.mask).expand_as(restored)
    count = known.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)

    def centred(image: Tensor) -> Tensor:
        return (image - (image * known).sum(dim=(1, 2, 3), keepdim=True) / count) * known

    picture, explanation = centred(observation.image), centred(restored)
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
def calibrate(model: Autoencoder, truth: Tensor, damage: tuple[degrade.Step, ...]) -> dict[str, float]:
    """Limits of the signals over clean pictures and damaged ones.

    Args:
        model: networks in eval mode.
        truth: (N, C, S, S) validation pictures in [0, 1].
        damage: what the robust encoder was tuned on.
    """
    generator = torch.Generator().manual_seed(0)
    rows: list[dict[str, Tensor]] = []
    for part in truth.split(250):
        drawn = degrade.draw(damage, len(part), (part.shape[2], part.shape[3]), generator)
        for observation in (Observation(part), degrade.apply(part, drawn)):
            code = model.encode(fill_unknown(observation), robust=True)
            rows.append(signals(model, observation, code, model.generate(code)))
    return {name: float(torch.cat([row[name] for row in rows]).quantile(QUANTILE)) for name in SIGNALS}


def made_foreign(pictures: Tensor) -> list[Tensor]:
    """(N, C, S, S) -> four alike: turned by a quarter, upside down, with quarters interchanged, a part enlarged."""
    size = pictures.shape[2]
    part = pictures[:, :, size // 8 : size // 8 + size // 2, size // 8 : size // 8 + size // 2]
    enlarged = F.interpolate(part, scale_factor=2, mode="bilinear")
    return [pictures.rot90(1, (2, 3)), pictures.flip(2), pictures.roll((size // 2,) * 2, (2, 3)), enlarged]


def calibrate_features(inside: Sequence[Tensor], outside: Sequence[Tensor]) -> dict[str, Any]:
    """What tells pictures of the domain from others by their features, for the header of a model.

    Each set weighs as much as the others of its side, however many pictures it has. The limit is that of pictures from
    which the direction was not found: each is held against that of the other folds.

    Args:
        inside: features (N, D) of sets of pictures of the domain.
        outside: features (K, D) of sets of foreign pictures; those made of the pictures of the domain in their order.

    Returns:
        ``weights``, base64 of D float32, and ``offset``, of a linear function that is 1 at the limit. Nothing where
        there are fewer than `FEWEST` pictures of the domain.
    """
    if sum(map(len, inside)) < FEWEST:
        return {}
    projected = []
    for fold in range(FOLDS):
        weights, mean = _discriminant(*([_without(each, fold) for each in side] for side in (inside, outside)))
        projected += [(each[fold::FOLDS] - mean) @ weights for each in inside]
    weights, mean = _discriminant(inside, outside)
    weights = weights / torch.cat(projected).quantile(FEATURE_QUANTILE).clamp_min(1e-6)
    packed = base64.b64encode(weights.cpu().numpy().astype("<f4").tobytes()).decode()
    return {"weights": packed, "offset": float(mean @ weights)}


@torch.no_grad()
def calibrate_colors(
    model: ColorModel, inside: Sequence[Tensor], foreign: Sequence[Tensor] | None = None
) -> dict[str, Any]:
    """The domain of a model that colours, by `calibrate_features`.

    Args:
        model: networks in eval mode.
        inside: lightness (N, 1, S, S) of sets of pictures of the domain.
        foreign: that of others, (K, 1, S, S); without any, those of `made_foreign` are taken.
    """

    def features(lightness: Tensor) -> Tensor:
        return torch.cat([model.features(part) for part in lightness.split(CHUNK)])

    outside = [made for each in inside for made in made_foreign(each)] if foreign is None else foreign
    return calibrate_features([features(each) for each in inside], [features(each) for each in outside])


def _without(features: Tensor, fold: int) -> Tensor:
    return features[torch.arange(len(features), device=features.device) % FOLDS != fold]


def feature_score(statistics: Mapping[str, Any], features: Tensor) -> Tensor:
    """Domain score (B,) of features (B, D), at most 1 inside the domain that `calibrate_features` has found."""
    weights = torch.from_numpy(np.frombuffer(base64.b64decode(statistics["weights"]), "<f4").copy())
    return (features @ weights.to(features.device) - float(statistics["offset"])).clamp_min(0)


def _discriminant(inside: Sequence[Tensor], outside: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Fisher's direction (D,) from sets of features (N, D) to others (K, D), and the mean (D,) of the first."""
    means, covariances = zip(*map(_moments, (inside, outside)), strict=True)
    mean, away = means
    covariance = torch.stack(covariances).mean(dim=0)
    scale = covariance.diagonal().sqrt().clamp_min(1e-6)
    size, count = len(scale), sum(map(len, (*inside, *outside)))
    unsure = size / (size + count)  # the fewer the pictures, the less the correlations are believed
    shrunk = torch.lerp(covariance / scale / scale[:, None], torch.eye(size, device=scale.device), unsure)
    return torch.linalg.solve(shrunk, (away - mean) / scale) / scale, mean


def _moments(sets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of sets of features (N, D) that weigh alike."""
    mean = torch.stack([each.mean(dim=0) for each in sets]).mean(dim=0)
    return mean, torch.stack([(each - mean).T @ (each - mean) / len(each) for each in sets]).mean(dim=0)
