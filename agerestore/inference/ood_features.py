"""Out-of-distribution (OOD) detection for colorizers, from the inner features of their generator.

Features are projected onto the direction in which images of the domain differ most from outliers (Fisher's linear
discriminant). Without images of outliers, those of the domain are rotated, taken apart and enlarged: synthetic outliers
differ from the domain in much the same way (Golan and El-Yaniv, "Deep anomaly detection using geometric
transformations", 2018). `agerestore.inference.ood` does the same for encoder-generator pairs.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

QUANTILE = 0.97  # of validation images, which are accepted
FOLDS = 5
CHUNK = 100
FEWEST = 4 * FOLDS  # images of the domain to fit anything on


def features(networks: Any, lightness: Tensor) -> Tensor:
    """Features (B, D) of lightness (B, 1, S, S) in [0, 100]."""
    return torch.cat([networks.features(part) for part in lightness.split(CHUNK)])


def score(statistics: Mapping[str, Any], measured: Tensor) -> Tensor:
    """OOD score (B,) of what `features` gives, (B, D); at most 1 in distribution.

    Args:
        statistics: as `calibrate` gives them; without any, the score is 0.
        measured: of each image.
    """
    if not statistics:
        return measured.new_zeros(len(measured))
    weights = torch.from_numpy(np.frombuffer(base64.b64decode(statistics["weights"]), "<f4").copy())
    return (measured @ weights.to(measured.device) - float(statistics["offset"])).clamp_min(0)


@torch.no_grad()
def calibrate(networks: Any, inside: Sequence[Tensor], outside: Sequence[Tensor] | None = None) -> dict[str, Any]:
    """The statistics of a colorizer's domain, for the header of its file.

    Args:
        networks: of a colorizer, in eval mode.
        inside: sets of lightness (N, 1, S, S) of images of the domain.
        outside: sets of lightness (K, 1, S, S) of outliers; `synthetic_outliers` if None.
    """
    if outside is None:
        outside = [made for each in inside for made in synthetic_outliers(each)]
    return fit([features(networks, each) for each in inside], [features(networks, each) for each in outside])


def fit(inside: Sequence[Tensor], outside: Sequence[Tensor], accepted: float = QUANTILE) -> dict[str, Any]:
    """Fit the discriminant and its limit.

    Each set weighs as much as the others of its side, however many images it has. The limit is found by
    cross-validation: the features of each fold are projected onto the direction found from the others.

    Args:
        inside: sets of features (N, D) of images of the domain.
        outside: sets of features (K, D) of outliers; synthetic ones in the order of the images they are made of.
        accepted: share of the images of the domain below the limit.

    Returns:
        ``weights``, base64 of D float32, and ``offset``, of a linear function that is 1 at the limit. Empty with fewer
        than `FEWEST` images of the domain.
    """
    if sum(map(len, inside)) < FEWEST:
        return {}
    projected = []
    for fold in range(FOLDS):
        weights, mean = _discriminant(*([_without(each, fold) for each in side] for side in (inside, outside)))
        projected += [(each[fold::FOLDS] - mean) @ weights for each in inside]
    weights, mean = _discriminant(inside, outside)
    weights = weights / torch.cat(projected).quantile(accepted).clamp_min(1e-6)
    packed = base64.b64encode(weights.cpu().numpy().astype("<f4").tobytes()).decode()
    return {"weights": packed, "offset": float(mean @ weights)}


def synthetic_outliers(images: Tensor) -> list[Tensor]:
    """(N, C, S, S) -> four alike: rotated by a quarter, upside down, with quarters interchanged, a part enlarged."""
    size = images.shape[2]
    part = images[:, :, size // 8 : size // 8 + size // 2, size // 8 : size // 8 + size // 2]
    enlarged = F.interpolate(part, scale_factor=2, mode="bilinear")
    return [images.rot90(1, (2, 3)), images.flip(2), images.roll((size // 2,) * 2, (2, 3)), enlarged]


def _without(measured: Tensor, fold: int) -> Tensor:
    return measured[torch.arange(len(measured), device=measured.device) % FOLDS != fold]


def _discriminant(inside: Sequence[Tensor], outside: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Fisher's direction (D,) from sets of features (N, D) to others (K, D), and the mean (D,) of the first."""
    means, covariances = zip(*map(_moments, (inside, outside)), strict=True)
    mean, away = means
    covariance = torch.stack(covariances).mean(dim=0)
    scale = covariance.diagonal().sqrt().clamp_min(1e-6)
    size, count = len(scale), sum(map(len, (*inside, *outside)))
    unsure = size / (size + count)  # the fewer the images, the more correlations are shrunk
    shrunk = torch.lerp(covariance / scale / scale[:, None], torch.eye(size, device=scale.device), unsure)
    return torch.linalg.solve(shrunk, (away - mean) / scale) / scale, mean


def _moments(sets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of sets of features (N, D) that weigh alike."""
    mean = torch.stack([each.mean(dim=0) for each in sets]).mean(dim=0)
    return mean, torch.stack([(each - mean).T @ (each - mean) / len(each) for each in sets]).mean(dim=0)
