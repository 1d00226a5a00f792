"""Objectives of the systems that AGE is compared with: AAE, AAAE, ALI, VAE, DCGAN. Loaded by name."""

from collections.abc import Callable

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.training import TrainConfig
from agerestore.losses.base import LossTerms
from agerestore.research.objectives import aaae, aae, ali, gan, vae


def _aae(config: TrainConfig, label_conditioned: bool = False) -> LossTerms:
    network = config.network
    assert isinstance(network, AutoencoderConfig)
    terms = aae.AAE(config.match_x, network.classes, network.critic_classes, label_conditioned, config.style_noise)
    return LossTerms(terms, aae.TERMS)


OBJECTIVES: dict[str, Callable[[TrainConfig], LossTerms]] = {
    "dcgan": lambda config: LossTerms(gan.dcgan_terms, gan.TERMS),
    "vae": lambda config: LossTerms(vae.VAE(config.sigma), vae.TERMS),
    "ali": lambda config: LossTerms(ali.ali_terms, ali.TERMS),
    "aae": _aae,
    # The uses of an AAE differ in networks and update steps, and one in that its decoder is conditioned on the label.
    "aae-labels": _aae,
    "aae-supervised": lambda config: _aae(config, label_conditioned=True),
    "aae-semi": _aae,
    "aae-clusters": _aae,
    "aae-reduction": _aae,
    "aaae": lambda config: LossTerms(aaae.AAAE(config.match_x), aaae.TERMS),
}
