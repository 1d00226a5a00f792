"""Objectives by name: configuration -> loss terms. Update steps and networks: `agerestore.config.presets.DEFAULTS`."""

import math
from collections.abc import Callable

from agerestore import distributed
from agerestore.config.extensions import look_up
from agerestore.config.training import TrainConfig
from agerestore.losses import age, colorization, conditional_age, photo_colorization
from agerestore.losses.base import LossTerms, Objective
from agerestore.losses.divergence import divergence_from, ideal

# `NetworkConfig.adversarial_loss` -> what makes its terms of those without a condition, and all their names
CONDITIONS: dict[str, tuple[Callable[[age.AGE], Objective], tuple[str, ...]]] = {
    "age": (lambda unconditional: unconditional, age.TERMS),
    "conditional_age": (conditional_age.ConditionalAGE, conditional_age.TERMS),
    "colorization": (colorization.ColorAGE, colorization.TERMS),
    "photo_colorization": (photo_colorization.PhotoColorAGE, photo_colorization.TERMS),
}


def _age(config: TrainConfig) -> LossTerms:
    """The AGE losses, under the condition that the networks have."""
    network = config.network
    best = ideal(config.divergence, network.latent_dim, network.prior)
    ceiling = math.inf if config.margin is None else best + config.margin
    divergence = distributed.gathered(divergence_from(network.prior, config.divergence))
    unconditional = age.AGE(divergence, config.match_x, config.match_z, ceiling)
    make, names = CONDITIONS[network.adversarial_loss]
    return LossTerms(make(unconditional), names)


OBJECTIVES: dict[str, Callable[[TrainConfig], LossTerms]] = {"age": _age}


def build_objective(config: TrainConfig) -> LossTerms:
    """The loss terms of the objective that a configuration names: built in, or one of `agerestore.research`."""
    make: Callable[[TrainConfig], LossTerms] = look_up(config.objective, OBJECTIVES, "objectives", "OBJECTIVES")
    return make(config)
