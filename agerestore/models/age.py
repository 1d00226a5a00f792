"""The AGE model: an encoder and a generator without condition, for images of one domain and size.

After Ulyanov, Vedaldi, Lempitsky, "It Takes (Only) Two: Adversarial Generator-Encoder Networks", AAAI 2018. Restoring
is one pass: the encoder finds a code near those of clean images, the generator draws that image. The systems that AGE
is compared with (`agerestore.research`) are built here, too; what only they need is loaded by name.
"""

import copy
from collections.abc import Callable, Collection
from typing import ClassVar

from torch import Tensor, nn

from agerestore.config.extensions import look_up
from agerestore.config.networks import AutoencoderConfig
from agerestore.errors import UsageError
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.models.base import ModelNetworks
from agerestore.models.layers import dcgan, resnet, spectral
from agerestore.models.layers.dcgan import Encoder, Generator

Layers = Callable[[int, int, int, int], nn.Sequential]  # image size, channels, numbers of a code, width

# architecture -> functions that make the layers of (encoder, generator); more in `agerestore.research.networks`
ARCHITECTURES: dict[str, tuple[Layers, Layers]] = {
    "dcgan": (dcgan.encoder_layers, dcgan.generator_layers),
    "resnet": (resnet.encoder_layers, resnet.generator_layers),
}


class Autoencoder(ModelNetworks):
    """An encoder and a generator that meet on the sphere or another prior.

    Attributes:
        encoder: for clean images; None where a system has none.
        generator: the generator.
        latent_generator: makes codes of draws from the prior; None where a draw is a code itself.
        robust_encoder: a copy of the encoder, tuned on damaged images; None until `add_networks` adds it.
    """

    late_networks: ClassVar[tuple[str, ...]] = ("robust_encoder",)
    onnx_outputs: ClassVar[tuple[str, ...]] = ("estimate",)

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config)
        self.encoder: nn.Module | None = None
        self.robust_encoder: nn.Module | None = None
        self.latent_generator: nn.Module | None = None
        for name in config.players:
            setattr(self, name, _network(name, config))

    def initialize(self) -> None:
        """As DCGAN; then spectral norms, if the configuration has them."""
        for network in self.children():
            dcgan.initialize(network)
        if self.config.spectral and self.encoder is not None:
            spectral.add_spectral_norm(self.encoder)

    @property
    def verbs(self) -> frozenset[str]:
        """Samples need the generator alone; all else an encoder, too."""
        return frozenset({"sample", *(() if self.encoder is None else ("restore", "interpolate"))})

    @property
    def supports(self) -> frozenset[str]:
        """The mask, and latent refinement with what is known of the degradation."""
        return frozenset({"mask", "latent_steps", "degradation"})

    def add_networks(self, names: Collection[str]) -> None:
        """Give the model a robust encoder that starts as a copy of the clean one; kept if there is one already."""
        if "robust_encoder" in names and self.robust_encoder is None:
            self.robust_encoder = copy.deepcopy(self.encoder)

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """Encode-then-generate with the robust encoder; missing pixels become mid-gray first."""
        return self.generate(self.encode(fill_masked(Observation(image, mask)), robust=True))

    def encode(self, image: Tensor, robust: bool = False) -> Tensor:
        """Image (B, C, S, S) in [0, 1] -> code (B, K + M). ``robust`` takes the encoder tuned on damaged images.

        Raises:
            UsageError: the system has no encoder.
        """
        encoder = self.robust_encoder if robust and self.robust_encoder is not None else self.encoder
        if encoder is None:
            raise UsageError("these weights sample images but encode none: their system has no encoder; use others")
        code: Tensor = encoder(image * 2 - 1)
        return code

    def generate(self, code: Tensor) -> Tensor:
        """Code (B, K + M) -> image (B, C, S, S) in [0, 1]."""
        image: Tensor = self.generator(code)  # type: ignore[operator]  # one of the players
        return (image + 1) / 2

    def codes_of(self, drawn: Tensor) -> Tensor:
        """Draws (B, K + M) from the prior (see `agerestore.models.latent.sample_codes`) -> codes (B, K + M)."""
        return drawn if self.latent_generator is None else self.latent_generator(drawn)

    def strip_for_inference(self, trained: Collection[str]) -> "Autoencoder":
        """No critics, and plain weights in place of spectrally normalized ones."""
        players = tuple(name for name in self.config.players if not name.endswith("critic"))
        kept = self.sharing({*players, "robust_encoder"}, players=players)
        spectral.set_exact_sigma(kept)  # in training the estimate is one step behind
        spectral.remove_spectral_norm(kept)
        return kept


def _network(player: str, config: AutoencoderConfig) -> nn.Module:
    encoder_layers, generator_layers = look_up(config.architecture, ARCHITECTURES, "networks", "ARCHITECTURES")
    if player == "generator":
        return _generator(config, generator_layers)
    make = look_up(player, {"encoder": _encoder}, "networks", "PLAYERS")
    network: nn.Module = make(config, encoder_layers)
    return network


def _encoder(config: AutoencoderConfig, layers: Layers) -> Encoder:
    outputs = config.code_dim + (config.latent_dim if config.posterior == "gaussian" else 0)
    made = layers(config.image_size, config.channels, outputs, config.width)
    if "latent_generator" in config.players:  # it then has to match the shape of the codes, but not also their scale
        made.append(nn.BatchNorm2d(outputs, affine=False))
    return Encoder(made, config.prior, config.classes, config.latent_dim, config.logit_scale)


def _generator(config: AutoencoderConfig, layers: Layers) -> Generator:
    if not config.class_embeddings:
        return Generator(layers(config.image_size, config.channels, config.code_dim, config.width))
    embeddings = nn.Linear(config.classes, config.latent_dim, bias=False)
    return Generator(layers(config.image_size, config.channels, config.latent_dim, config.width), embeddings)
