"""The networks: an encoder and a generator, and those that they play against.

Each is built from a `NetworkConfig`, a `PhotoConfig` or a `ColorConfig`.
"""

import copy
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from agerestore.config.networks import ColorConfig, NetworkConfig, PhotoConfig
from agerestore.errors import UsageError
from agerestore.models import colorizer, photo
from agerestore.models.colorizer import ColorModel
from agerestore.models.layers import dcgan, resnet, spectral
from agerestore.models.layers.dcgan import Encoder, Generator, initialize
from agerestore.models.photo import PhotoModel
from agerestore.research.networks import critics, mlp

__all__ = [
    "NETWORKS", "Autoencoder", "ColorModel", "Encoder", "Generator", "Model", "PhotoModel", "build", "for_use",
]  # fmt: skip

# architecture -> functions that make the layers of (encoder, generator)
NETWORKS = {
    "dcgan": (dcgan.encoder_layers, dcgan.generator_layers),
    "resnet": (resnet.encoder_layers, resnet.generator_layers),
    "mlp": (mlp.encoder_layers, mlp.generator_layers),
}


class Autoencoder(nn.Module):
    """An encoder and a generator that meet on the sphere or another prior, with pictures in [0, 1] at its methods.

    Attributes:
        config: everything needed to build the networks again.
        encoder: for clean pictures; None where a system has none.
        generator: the generator.
        latent_generator: makes codes of what is drawn from the prior; None where that is a code itself.
        robust_encoder: a copy of the encoder, tuned on damaged pictures; None until `add_robust_encoder`.
    """

    def __init__(
        self, config: NetworkConfig, encoder: nn.Module | None, generator: nn.Module, **others: nn.Module
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.generator = generator
        self.robust_encoder: nn.Module | None = None
        self.latent_generator: nn.Module | None = None
        for name, network in others.items():
            setattr(self, name, network)

    def add_robust_encoder(self) -> None:
        """Give the model a robust encoder that starts as a copy of the clean one; kept if there is one already."""
        if self.robust_encoder is None:
            self.robust_encoder = copy.deepcopy(self.encoder)

    def encode(self, image: Tensor, robust: bool = False) -> Tensor:
        """Picture (B, C, S, S) in [0, 1] -> code (B, K + M). ``robust`` takes the encoder tuned on damaged ones.

        Raises:
            UsageError: the system has no encoder.
        """
        encoder = self.robust_encoder if robust and self.robust_encoder is not None else self.encoder
        if encoder is None:
            raise UsageError("these weights draw pictures but encode none: their system has no encoder; use others")
        code: Tensor = encoder(image * 2 - 1)
        return code

    def generate(self, code: Tensor) -> Tensor:
        """Code (B, K + M) -> picture (B, C, S, S) in [0, 1]."""
        image: Tensor = self.generator(code)
        return (image + 1) / 2

    def codes_of(self, drawn: Tensor) -> Tensor:
        """Draws (B, K + M) from the prior (see `agerestore.models.latent.sample_codes`) -> codes (B, K + M)."""
        return drawn if self.latent_generator is None else self.latent_generator(drawn)

    def without_critics(self) -> "Autoencoder":
        """The same networks, shared, but those that nobody needs once they are trained."""
        kept = tuple(name for name in self.config.players if not name.endswith("critic"))
        others = {name: getattr(self, name) for name in kept if name not in ("encoder", "generator")}
        model = Autoencoder(self.config.model_copy(update={"players": kept}), self.encoder, self.generator, **others)
        model.robust_encoder = self.robust_encoder
        return model


Model = Autoencoder | PhotoModel | ColorModel


def build(config: NetworkConfig | PhotoConfig | ColorConfig, seed: int = 0) -> Model:
    """Build freshly initialized networks, equal for equal ``seed``; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config, PhotoConfig):
            return _build_photo(config)
        return _build_color(config) if isinstance(config, ColorConfig) else _build_pair(config)


def for_use(model: Model, trained: Collection[str]) -> Model:
    """What of the networks of a run is for anyone: no critics, nothing that was not ``trained``, and plain weights."""
    if isinstance(model, PhotoModel):
        return model if "generator" in trained else model.alone()
    if isinstance(model, ColorModel):
        return model if model.paints is None or "paints" in trained else model.without_paints()
    kept = model.without_critics()
    spectral.measure(kept)  # in training a step behind
    spectral.bake(kept)
    return kept


def _encoder(config: NetworkConfig, layers: critics.Layers) -> Encoder:
    spread = config.latent_dim if config.posterior == "gaussian" else 0
    made = layers(config.image_size, config.channels, config.code_dim + spread, config.width)
    if "latent_generator" in config.players:  # which has to find the shape of the codes, but not their size as well
        made.append(nn.BatchNorm2d(config.code_dim + spread, affine=False))
    return Encoder(made, config.prior, config.classes, config.latent_dim, config.spread)


def _generator(config: NetworkConfig, layers: critics.Layers) -> Generator:
    heads = nn.Linear(config.classes, config.latent_dim, bias=False) if config.heads else None
    seen = config.latent_dim if config.heads else config.code_dim
    return Generator(layers(config.image_size, config.channels, seen, config.width), heads)


# player -> the function that makes it of a configuration and the layers of an encoder
PLAYERS: dict[str, Callable[[NetworkConfig, critics.Layers], nn.Module]] = {
    "encoder": _encoder,
    "latent_generator": critics.latent_generator,
    "critic": critics.critic,
    "code_critic": critics.code_critic,
    "label_critic": critics.label_critic,
    "joint_critic": critics.joint_critic,
}


def _build_pair(config: NetworkConfig) -> Autoencoder:
    encoder_layers, generator_layers = NETWORKS[config.architecture]
    networks: dict[str, nn.Module] = {
        name: _generator(config, generator_layers) if name == "generator" else PLAYERS[name](config, encoder_layers)
        for name in config.players
    }
    for network in networks.values():
        initialize(network)
    if config.spectral and "encoder" in networks:
        spectral.normalize(networks["encoder"])
    return Autoencoder(config, networks.pop("encoder", None), networks.pop("generator"), **networks)


def _build_photo(config: PhotoConfig) -> PhotoModel:
    model = PhotoModel(config)
    photo.initialize(model)
    return model


def _build_color(config: ColorConfig) -> ColorModel:
    model = ColorModel(config)
    colorizer.initialize(model)
    return model
