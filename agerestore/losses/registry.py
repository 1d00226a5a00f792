"""Every system by name: configuration -> its terms. Turns and networks: `agerestore.config.presets.SYSTEMS`."""

import math
from collections.abc import Callable
from typing import NamedTuple

from agerestore import distributed
from agerestore.config.networks import ColorConfig, NetworkConfig, PhotoConfig
from agerestore.config.training import TrainConfig
from agerestore.losses import age, colorization, conditional_age
from agerestore.losses.base import Objective
from agerestore.losses.divergence import divergence_from, ideal
from agerestore.research.objectives import aaae, aae, ali, gan, vae


class System(NamedTuple):
    """A function of named terms, and all the names it knows."""

    objective: Objective
    terms: tuple[str, ...]


def _age(config: TrainConfig) -> System:
    """The AGE game, under the condition that the networks want."""
    network = config.network
    best = ideal(config.divergence, network.latent_dim, network.prior)
    ceiling = math.inf if config.margin is None else best + config.margin
    divergence = distributed.gathered(divergence_from(network.prior, config.divergence))
    game = age.AGE(divergence, config.match_x, config.match_z, ceiling)
    if isinstance(network, PhotoConfig):
        return System(conditional_age.ConditionalAGE(game), conditional_age.TERMS)
    if isinstance(network, ColorConfig):
        return System(colorization.ColorAGE(game), colorization.TERMS)
    return System(game, age.TERMS)


def _aae(config: TrainConfig, given: bool = False) -> System:
    assert isinstance(config.network, NetworkConfig)
    network = config.network
    return System(aae.AAE(config.match_x, network.classes, network.told, given, config.style_noise), aae.TERMS)


OBJECTIVES: dict[str, Callable[[TrainConfig], System]] = {
    "age": _age,
    "dcgan": lambda config: System(gan.dcgan_terms, gan.TERMS),
    "vae": lambda config: System(vae.VAE(config.sigma), vae.TERMS),
    "ali": lambda config: System(ali.ali_terms, ali.TERMS),
    "aae": _aae,
    # The six uses of an adversarial autoencoder differ in networks and turns; one of them also in what is drawn from.
    "aae-labels": _aae,
    "aae-supervised": lambda config: _aae(config, given=True),
    "aae-semi": _aae,
    "aae-clusters": _aae,
    "aae-reduction": _aae,
    "aaae": lambda config: System(aaae.AAAE(config.match_x), aaae.TERMS),
}
