"""Latent refinement: gradient steps on the code of a damaged image, after the encoder's guess."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from agerestore.images.observation import Observation
from agerestore.models.latent import project_to_prior

RATE = 0.02  # of Adam
TRUST = 0.02  # weight of the cosine distance from the encoder's code

Degradation = Callable[[Tensor], Tensor]


def refine_code(
    networks: Any, observation: Observation, code: Tensor, steps: int, degradation: Degradation | None = None
) -> Tensor:
    """Move codes, on the sphere if that is the prior, until the images generated from them fit the known pixels better.

    Minimizes, with Adam from ``code`` on, the mean squared error between D(g(z)) and the known pixels plus `TRUST`
    times the cosine distance of z from ``code``: what the pixels leave open, the encoder decides.

    Args:
        networks: encoder and generator, in eval mode.
        observation: image (B, C, S, S) and mask.
        code: (B, K + M).
        steps: gradient steps; 0 gives ``code`` back.
        degradation: D, the known degradation of the image apart from the mask: (B, C, S, S) in [0, 1] -> the same,
            differentiable. None for the identity.

    Returns:
        (B, K + M).
    """
    if steps == 0:
        return code
    known = observation.known
    with torch.enable_grad():
        z = code.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([z], lr=RATE)
        for _ in range(steps):
            point = project_to_prior(networks.config, z)
            image = networks.generate(point)
            error = ((degradation(image) if degradation else image) - observation.image) * known
            # Summed over images: the gradient of each does not depend on the others in the batch.
            distance = 1 - cosine_similarity(point, code)
            loss = (error.square().flatten(1).mean(dim=1) + TRUST * distance).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    refined: Tensor = project_to_prior(networks.config, z.detach())
    return refined
