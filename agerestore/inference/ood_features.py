"""Is a picture in the domain of a model that colors? The inner features of its generator tell.

It has no restored picture to compare with, as `domain` has. Its features tell, along the one direction in which
pictures of the domain differ most from foreign ones (Fisher's linear discriminant). Where no foreign pictures are
given, pictures of the domain are turned, taken apart and enlarged: what is foreign differs from them in much the same
way (Golan and El-Yaniv, "Deep anomaly detection using geometric transformations", 2018).
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.models.colorizer import Colorizer

QUANTILE = 0.97  # of validation pictures: the others are refused
FOLDS = 5
CHUNK = 100
FEWEST = 4 * FOLDS  # pictures that tell anything


def synthetic_outliers(pictures: Tensor) -> list[Tensor]:
    """(N, C, S, S) -> four alike: turned by a quarter, upside down, with quarters interchanged, a part enlarged."""
    size = pictures.shape[2]
    part = pictures[:, :, size // 8 : size // 8 + size // 2, size // 8 : size // 8 + size // 2]
    enlarged = F.interpolate(part, scale_factor=2, mode="bilinear")
    return [pictures.rot90(1, (2, 3)), pictures.flip(2), pictures.roll((size // 2,) * 2, (2, 3)), enlarged]


def calibrate(inside: Sequence[Tensor], outside: Sequence[Tensor]) -> dict[str, Any]:
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
    weights = weights / torch.cat(projected).quantile(QUANTILE).clamp_min(1e-6)
    packed = base64.b64encode(weights.cpu().numpy().astype("<f4").tobytes()).decode()
    return {"weights": packed, "offset": float(mean @ weights)}


@torch.no_grad()
def calibrate_colors(
    model: Colorizer, inside: Sequence[Tensor], foreign: Sequence[Tensor] | None = None
) -> dict[str, Any]:
    """The domain of a model that colors, by `calibrate`.

    Args:
        model: networks in eval mode.
        inside: lightness (N, 1, S, S) of sets of pictures of the domain.
        foreign: that of others, (K, 1, S, S); without any, those of `synthetic_outliers` are taken.
    """

    def features(lightness: Tensor) -> Tensor:
        return torch.cat([model.features(part) for part in lightness.split(CHUNK)])

    outside = [made for each in inside for made in synthetic_outliers(each)] if foreign is None else foreign
    return calibrate([features(each) for each in inside], [features(each) for each in outside])


def _without(features: Tensor, fold: int) -> Tensor:
    return features[torch.arange(len(features), device=features.device) % FOLDS != fold]


def score(statistics: Mapping[str, Any], features: Tensor) -> Tensor:
    """Domain score (B,) of features (B, D), at most 1 inside the domain that `calibrate` has found."""
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
