"""Critics and the latent generator: networks of other systems than AGE, needed in training alone.

Critics give logits: D = sigmoid(logit) is the probability that their input is real.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from agerestore.config.networks import AutoencoderConfig
from agerestore.models.layers.dcgan import single
from agerestore.research.networks import mlp

Layers = Callable[[int, int, int, int], nn.Sequential]


class Critic(nn.Module):
    """Images (B, C, S, S) in [-1, 1], or codes (B, N) -> logits (B,) float32.

    Args:
        layers: the same -> (B, 1, ...).
    """

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B,) of inputs (B, ...)."""
        logit: Tensor = self.layers(x)
        return single(logit).flatten(0)


class JointCritic(nn.Module):
    """Images (B, C, S, S) in [-1, 1] and codes (B, N) -> logits (B,) float32.

    Without the dropout of the ALI paper, so that a run resumes exactly, from seeds alone.

    Args:
        layers: images -> (B, ``features``, ...).
        features: of an image.
        code_dim: N.
    """

    def __init__(self, layers: nn.Module, features: int, code_dim: int) -> None:
        super().__init__()
        self.layers = layers
        self.pair = mlp.layers(features + code_dim, features, 1, nn.LeakyReLU)

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        """Logits (B,) of pairs."""
        features = single(self.layers(image).flatten(1))  # (B, features)
        logit: Tensor = self.pair(torch.cat([features, code], 1))
        return single(logit).flatten(0)


class LatentGenerator(nn.Module):
    """AAAE's latent generator: noise (B, M) -> codes (B, M) float32 like those of an unregularized encoder."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, noise: Tensor) -> Tensor:
        """Codes (B, M) of noise (B, M)."""
        code: Tensor = self.layers(noise)
        return single(code)


def _hidden(config: AutoencoderConfig) -> int:
    """Units of the hidden layers of networks that see codes."""
    return config.width if config.architecture == "mlp" else 8 * config.width


def critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Critic of images: the discriminator of DCGAN, an encoder with one output."""
    return Critic(layers(config.image_size, config.channels, 1, config.width))


def code_critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Critic of styles (B, M), or of styles with a one-hot label where it is label-conditioned."""
    inputs = config.latent_dim + (config.critic_classes + 1 if config.critic_classes else 0)
    return Critic(mlp.layers(inputs, _hidden(config), 1))


def label_critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Critic of class probabilities (B, K)."""
    return Critic(mlp.layers(config.classes, _hidden(config), 1))


def joint_critic(config: AutoencoderConfig, layers: Layers) -> JointCritic:
    """Critic of pairs of an image and a code."""
    features = _hidden(config)
    trunk = layers(config.image_size, config.channels, features, config.width)
    return JointCritic(trunk, features, config.code_dim)


def latent_generator(config: AutoencoderConfig, layers: Layers) -> LatentGenerator:
    """The latent generator of AAAE."""
    return LatentGenerator(mlp.layers(config.latent_dim, _hidden(config), config.latent_dim))
