"""The networks: an encoder and a generator, built from a `NetworkConfig`."""

import copy

import torch
from torch import Tensor, nn

from agerestore.config import ColorConfig, NetworkConfig, PhotoConfig
from agerestore.networks import coloring, dcgan, photo, resnet
from agerestore.networks.coloring import ColorModel
from agerestore.networks.dcgan import Encoder, Generator, initialise
from agerestore.networks.photo import PhotoModel

__all__ = ["NETWORKS", "Autoencoder", "ColorModel", "Encoder", "Generator", "Model", "PhotoModel", "build"]

# architecture -> functions that make the layers of (encoder, generator)
NETWORKS = {
    "dcgan": (dcgan.encoder_layers, dcgan.generator_layers),
    "resnet": (resnet.encoder_layers, resnet.generator_layers),
}


class Autoencoder(nn.Module):
    """An encoder and a generator that meet on the sphere, with pictures in [0, 1] at its public methods.

    Attributes:
        config: everything needed to build the networks again.
        encoder: the encoder of the game, for clean pictures.
        generator: the generator.
        robust_encoder: a copy of the encoder tuned on damaged pictures; the encoder itself until then.
    """

    def __init__(self, config: NetworkConfig, encoder: nn.Module, generator: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.generator = generator
        self.robust_encoder: nn.Module | None = None

    def add_robust_encoder(self) -> None:
        """Give the model a robust encoder that starts as a copy of the clean one; kept if there is one already."""
        if self.robust_encoder is None:
            self.robust_encoder = copy.deepcopy(self.encoder)

    def encode(self, image: Tensor, robust: bool = False) -> Tensor:
        """Picture (B, C, S, S) in [0, 1] -> code (B, M). ``robust`` takes the encoder tuned on damaged ones."""
        encoder = self.robust_encoder if robust and self.robust_encoder is not None else self.encoder
        code: Tensor = encoder(image * 2 - 1)
        return code

    def generate(self, code: Tensor) -> Tensor:
        """Code (B, M) -> picture (B, C, S, S) in [0, 1]."""
        image: Tensor = self.generator(code)
        return (image + 1) / 2


Model = Autoencoder | PhotoModel | ColorModel


def build(config: NetworkConfig | PhotoConfig | ColorConfig, seed: int = 0) -> Model:
    """Build freshly initialised networks, equal for equal ``seed``; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config, PhotoConfig):
            return _build_photo(config)
        return _build_color(config) if isinstance(config, ColorConfig) else _build_pair(config)


def _build_pair(config: NetworkConfig) -> Autoencoder:
    make_encoder, make_generator = NETWORKS[config.architecture]
    sizes = (config.image_size, config.channels, config.latent_dim, config.width)
    encoder, generator = Encoder(make_encoder(*sizes), config.prior), Generator(make_generator(*sizes))
    for network in (encoder, generator):
        initialise(network)
    return Autoencoder(config, encoder, generator)


def _build_photo(config: PhotoConfig) -> PhotoModel:
    model = PhotoModel(config)
    photo.initialise(model)
    return model


def _build_color(config: ColorConfig) -> ColorModel:
    model = ColorModel(config)
    coloring.initialise(model)
    return model
