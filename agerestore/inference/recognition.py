"""Recognizing images of one domain of which little is left: does a model of that domain know what is lost?

`agerestore.inference.ood` asks whether a model explains an image, and an encoder and generator of a rich domain explain
much of any. Here the damaged image is compared with images of everything else, damaged alike: its code, and the two
features of `ood`, are projected onto the direction in which the two differ most (`ood_features.fit`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.inference import ood, ood_features
from agerestore.models.base import Model

DAMAGE = ("noise:sigma=140..255:clip=1", "hole:size=12..28", "holes:count=1..3:size=12..24")
ACCEPTED = 0.9  # share of damaged images of the domain below the limit
CHUNK = 250
SMALLEST = 1e-4  # of a feature, whose logarithm is taken


def statistics(model: Model) -> Mapping[str, Any]:
    """What `calibrate` gave for a model; empty for one that recognizes nothing."""
    found: Mapping[str, Any] = model.header.get("recognition", {})
    return found


def features(code: Tensor, measured: Mapping[str, Tensor]) -> Tensor:
    """Features (B, M + 2) of a code (B, M) and of what `ood.features` gives."""
    logarithms = [measured[name].clamp_min(SMALLEST).log() for name in ood.FEATURES]
    return torch.cat([normalize(code, dim=1), torch.stack(logarithms, 1)], 1)


@torch.no_grad()
def generate(model: Model, observation: Observation) -> tuple[Tensor, Tensor]:
    """Restore images of the model's size and score them.

    Args:
        model: one for which `statistics` are known.
        observation: image (B, C, S, S) in [0, 1] and mask.

    Returns:
        Generated images (B, C, S, S) in [0, 1], and the score (B,): at most 1 an image is of the domain.
    """
    generated, found = _measured(model, observation)
    return generated, ood_features.score(statistics(model), found)


def _measured(model: Model, observation: Observation) -> tuple[Tensor, Tensor]:
    networks = model.fused
    code = networks.encode(fill_masked(observation), robust=True)
    generated = networks.generate(code)
    return generated, features(code, ood.features(networks, observation, code, generated))


@torch.no_grad()
def calibrate(model: Model, inside: Sequence[Tensor], outside: Sequence[Tensor]) -> dict[str, Any]:
    """The statistics of a model, for the header of its file.

    Args:
        model: an encoder and a generator.
        inside: sets of images (N, C, S, S) in [0, 1] of its domain.
        outside: sets of images (K, C, S, S) in [0, 1] of anything else.
    """
    return ood_features.fit(
        [each for images in inside for each in _damaged_features(model, images)],
        [each for images in outside for each in _damaged_features(model, images)],
        ACCEPTED,
    )


def _damaged_features(model: Model, images: Tensor) -> Iterator[Tensor]:
    """The features (N, D) of images under each kind of damage."""
    from agerestore.degradations import degrade, parse  # for calibration alone: restoring does not wait for it

    for damage in map(parse, DAMAGE):
        generator = torch.Generator().manual_seed(0)
        parts = (degrade(part, damage, generator) for part in images.split(CHUNK))
        yield torch.cat([_measured(model, part)[1] for part in parts])
