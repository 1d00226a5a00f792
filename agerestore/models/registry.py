"""The kinds of models there are, and fresh networks of any of them."""

import torch

from agerestore.config.networks import NetworkConfig
from agerestore.models.age import Autoencoder
from agerestore.models.base import ModelNetworks
from agerestore.models.colorizer import Colorizer
from agerestore.models.detector import DefectDetector
from agerestore.models.photo import PhotoRestorer
from agerestore.models.photo_colorizer import PhotoColorizer

KINDS: dict[str, type[ModelNetworks]] = {
    "autoencoder": Autoencoder,
    "photo": PhotoRestorer,
    "colorizer": Colorizer,
    "detector": DefectDetector,
    "photo-colorizer": PhotoColorizer,
}


def build(config: NetworkConfig, seed: int = 0) -> ModelNetworks:
    """Build freshly initialized networks, equal for equal ``seed``; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = KINDS[config.kind](config)
        networks.initialize()
    return networks
