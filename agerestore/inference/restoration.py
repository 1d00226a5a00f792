"""Encode-then-generate: a damaged picture's code lies among those of clean ones, and the generator draws it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cosine_similarity

from agerestore import device as devices
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.errors import OutOfDomainWarning, UsageError
from agerestore.images.arrays import Picture, read_form, read_mask
from agerestore.images.color import match_channels
from agerestore.images.composite import composite, fill_masked
from agerestore.images.observation import Observation
from agerestore.inference import ood
from agerestore.inference.letterbox import Letterbox
from agerestore.inference.photographs import restore_photograph
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.colorizer import Colorizer
from agerestore.models.latent import project_to_prior
from agerestore.models.photo import PhotoRestorer

REFINE_RATE = 0.02
REFINE_TRUST = 0.02  # weight of the cosine distance from the encoder's code; docs/experiments.md
COLOR_LIMIT = 30 / 255  # between channels


Degradation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Restored:
    """What restoring answers.

    Attributes:
        image: (B, C, H, W) in [0, 1] where it was generated; observed pixels of a masked picture as they were.
        score: (B,) domain score; above 1 the picture is unlike anything the model was trained on.
    """

    image: Tensor
    score: Tensor


def refine_code(
    model: Autoencoder, observation: Observation, code: Tensor, steps: int, degradation: Degradation | None = None
) -> Tensor:
    """Move codes, on the sphere if that is the prior, so that what they generate meets the observed pixels better.

    Minimizes, with Adam from ``code`` on, the mean squared error between D(g(z)) and the observation over observed
    pixels, plus `REFINE_TRUST` times the cosine distance from ``code``: what pixels do not say, the encoder does.

    Args:
        model: networks in eval mode.
        observation: image (B, C, S, S) and mask.
        code: (B, K + M).
        steps: gradient steps; 0 gives ``code`` back.
        degradation: D, what is known to have happened to the picture apart from the mask: (B, C, S, S) in [0, 1]
            -> the same, differentiable. None for the identity.
    """
    if steps == 0:
        return code
    known = observation.known
    with torch.enable_grad():
        z = code.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([z], lr=REFINE_RATE)
        for _ in range(steps):
            point = project_to_prior(model.config, z)
            image = model.generate(point)
            error = ((degradation(image) if degradation else image) - observation.image) * known
            # A sum over pictures: each has its own gradient, whatever else is in the batch.
            distance = 1 - cosine_similarity(point, code)
            loss = (error.square().flatten(1).mean(dim=1) + REFINE_TRUST * distance).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return project_to_prior(model.config, z.detach())


@torch.no_grad()
def restore_observation(
    model: Model,
    observation: Observation,
    settings: RestoreSettings = DEFAULTS,
    *,
    degradation: Degradation | None = None,
) -> Restored:
    """Restore a batch of damaged pictures of one size.

    Args:
        model: weights with their header.
        observation: image (B, 1 or 3, H, W) float in [0, 1], and mask (B, 1, H, W) of 0 and 1 or None. Values
            outside [0, 1], as unclipped noise gives, are taken as they are.
        settings: refinement (see `refine_code`), strength, precision and so on.
        degradation: what is known of the damage, for the refinement.

    Returns:
        Pictures of the size and channels that came in. With a mask, every observed pixel is what it was.

    Raises:
        UsageError: the model colors pictures, or has no encoder.
    """
    if isinstance(model.networks, PhotoRestorer):
        whole = restore_photograph(model.networks, observation, settings, fill=observation.mask is not None).image
        return Restored(composite(observation, whole), whole.new_zeros(len(whole)))
    if isinstance(model.networks, Colorizer):
        raise UsageError("these weights color pictures and restore none; use `agerestore colorize`")
    where = observation.image.device
    # Refinement follows gradients, which the networks for bf16 do not give.
    precision = (
        "fp32" if settings.latent_steps else devices.resolve_precision(settings.precision, devices.fastest(where))
    )
    networks = model.fused_bf16 if precision == "bf16" and where.type == "cpu" else model.fused
    assert isinstance(networks, Autoencoder)
    with devices.precision(precision, where):
        return _encode_then_generate(networks, model.header["domain"], observation, settings.latent_steps, degradation)


def _encode_then_generate(
    networks: Autoencoder,
    limits: Mapping[str, float],
    observation: Observation,
    steps: int,
    degradation: Degradation | None,
) -> Restored:
    config = networks.config
    frame = Letterbox.of(observation.image.shape[2], observation.image.shape[3], config.image_size)
    gray = Observation(match_channels(observation.image, config.channels), observation.mask)
    framed = frame.letterbox(gray)
    code = networks.encode(fill_masked(framed), robust=True)
    code = refine_code(networks, framed, code, steps, degradation)
    generated = networks.generate(code)
    score = ood.score(limits, ood.signals(networks, framed, code, generated))
    whole = match_channels(frame.unletterbox(generated), observation.image.shape[1])
    return Restored(composite(observation, whole), torch.maximum(score, _color_score(observation, config.channels)))


def _color_score(observation: Observation, channels: int) -> Tensor:
    """Color that a grayscale model could not keep, in units of `COLOR_LIMIT`; (B,).

    Measured on quarters of the picture, where independent noise in the channels has averaged out.
    """
    image = observation.image
    if channels == 3 or image.shape[1] == 1:
        return torch.zeros(len(image), device=image.device)
    quarters = adaptive_avg_pool2d(image, 2)  # (B, 3, 2, 2)
    spread = quarters.amax(dim=1) - quarters.amin(dim=1)
    return spread.flatten(1).amax(dim=1) / COLOR_LIMIT


def unsupported_options(
    model: Model, settings: RestoreSettings, samples: int = 0, uncertainty: bool = False, masked: bool = False
) -> list[str]:
    """Options that were given and that a model does not support: keywords in backticks, as in all messages.

    Args:
        model: weights with their header.
        settings: refinement, strength and so on.
        samples: how many other pictures are wanted.
        uncertainty: whether a map of the expected error is.
        masked: whether known pixels stay as they are.
    """
    given = {
        "latent_steps": settings.latent_steps > 0,
        "strength": settings.strength < 1,
        "sigma": settings.sigma is not None,
        "ensemble": settings.ensemble > 1,
        "tile": settings.tile is not None,
        "samples": samples > 0,
        "uncertainty": uncertainty,
    }
    heeded = {"latent_steps"}
    if isinstance(model.networks, PhotoRestorer):
        idle = {"latent_steps", *(["samples"] if model.networks.config.latent_dim == 0 else [])}
        heeded = given.keys() - idle - ({"strength", "sigma"} if masked else set())
    return [f"`{name}`" for name, was_given in given.items() if was_given and name not in heeded]


def restore(
    model: Model,
    image: Picture,
    mask: Any = None,
    *,
    refine: int = 0,
    strength: float = 1.0,
    sigma: float | None = None,
    ensemble: int = 1,
    precision: str = "auto",
    degradation: Degradation | None = None,
) -> Any:
    """Restore a picture, and answer in the form it came in.

    Args:
        model: what `agerestore.load` gives.
        image: a NumPy array (H, W) or (H, W, C), a Pillow image, or a tensor (H, W), (C, H, W) or (B, C, H, W);
            uint8, uint16, or float in [0, 1]. Floats outside that range, as unclipped noise gives, are taken as
            they are. Any size; a model of a domain works at its own.
        mask: nonzero where pixels are unknown, of the picture's size, in any of these forms. All other pixels come
            back bit for bit. None: the whole picture is drawn anew.
        refine: steps of latent refinement, for models of a domain; 0 is fast, 100 closer to the observed pixels.
            Helps where scattered pixels are missing, not where a whole region is.
        strength: for photographs: 0 leaves observed pixels as they are, 1 takes the estimate.
        sigma: for photographs: standard deviation of their noise, 0 to 255, if it is known: no more is removed.
        ensemble: for photographs: 2, 4 or 8 take the mean over as many turned and mirrored positions, in as many times
            the time (see `agerestore.inference.self_ensemble`).
        precision: ``fp32``, ``bf16`` or ``auto``, the faster one on the device; refinement is always in fp32.
        degradation: what is known to have happened to the picture, differentiable, for the refinement.

    Returns:
        A picture of the same form, depth, size and alpha.

    Raises:
        UsageError: a picture or mask that is not understood, or sizes that differ.

    Warns:
        OutOfDomainWarning: the picture is unlike anything the model was trained on.

    >>> import agerestore, numpy as np
    >>> one, hole = np.zeros((28, 28), np.uint8), np.zeros((28, 28), bool)
    >>> one[4:24, 13:16], hole[12:16] = 255, True
    >>> damaged = np.where(hole, 0, one).astype(np.uint8)
    >>> restored = agerestore.restore(agerestore.load("mnist"), damaged, hole)
    >>> bool((restored[~hole] == one[~hole]).all()), bool(restored[13, 14] > 128)
    (True, True)
    """
    form = read_form(image)
    unknown = read_mask(mask, form.image)
    observation = _on_its_device(model, form.image, unknown)
    settings = RestoreSettings(
        latent_steps=refine, strength=strength, sigma=sigma, ensemble=ensemble, precision=precision
    )
    answer = restore_observation(model, observation, settings, degradation=degradation)
    worst = float(answer.score.max())
    if worst > 1:
        warnings.warn(f"out of the model's domain ({worst:.1f} x its limit)", OutOfDomainWarning, stacklevel=2)
    return form.back(answer.image.to(form.image.device), unknown)


def domain_score(model: Model, image: Picture, mask: Any = None) -> list[float]:
    """How far each picture is from a model's domain: at most 1 inside it (see `agerestore.inference.ood`).

    Args:
        model: what `agerestore.load` gives.
        image: as for `restore`.
        mask: as for `restore`.
    """
    form = read_form(image)
    observation = _on_its_device(model, form.image, read_mask(mask, form.image))
    scores: list[float] = restore_observation(model, observation).score.tolist()
    return scores


def _on_its_device(model: Model, image: Tensor, mask: Tensor | None) -> Observation:
    """What was observed, on the device of the model."""
    return Observation(image, mask).to(devices.of(model.networks))
