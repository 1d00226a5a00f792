"""Objectives by name: configuration -> loss terms. Update steps and networks: `agerestore.config.presets.DEFAULTS`."""

import math
from collections.abc import Callable
from typing import NamedTuple

from agerestore import distributed
from agerestore.config.extensions import look_up
from agerestore.config.training import TrainConfig
from agerestore.losses import age, colorization, conditional_age
from agerestore.losses.base import Objective
from agerestore.losses.divergence import divergence_from, ideal


class System(NamedTuple):
    """A function of named terms, and all the names it knows."""

    objective: Objective
    terms: tuple[str, ...]


# `NetworkConfig.adversarial_loss` -> what makes the AGE terms of unconditional ones, and their names
CONDITIONS: dict[str, tuple[Callable[[age.AGE], Objective], tuple[str, ...]]] = {
    "age": (lambda game: game, age.TERMS),
    "conditional_age": (conditional_age.ConditionalAGE, conditional_age.TERMS),
    "colorization": (colorization.ColorAGE, colorization.TERMS),
}


def _age(config: TrainConfig) -> System:
    """The AGE game, under the condition that the networks want."""
    network = config.network
    best = ideal(config.divergence, network.latent_dim, network.prior)
    ceiling = math.inf if config.margin is None else best + config.margin
    divergence = distributed.gathered(divergence_from(network.prior, config.divergence))
    game = age.AGE(divergence, config.match_x, config.match_z, ceiling)
    make, terms = CONDITIONS[network.adversarial_loss]
    return System(make(game), terms)


OBJECTIVES: dict[str, Callable[[TrainConfig], System]] = {"age": _age}


def build_objective(config: TrainConfig) -> System:
    """The loss terms of the objective that a configuration names: built in, or one of `agerestore.research`."""
    make: Callable[[TrainConfig], System] = look_up(config.objective, OBJECTIVES, "objectives", "OBJECTIVES")
    return make(config)
