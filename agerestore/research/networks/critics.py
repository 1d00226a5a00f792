"""Networks that other systems than AGE need beside an encoder and a generator; no one needs them to restore.

Critics answer logits: D = sigmoid(logit) is the probability that what they are shown is real.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from agerestore.config.networks import AutoencoderConfig
from agerestore.models.layers.dcgan import single
from agerestore.research.networks import mlp

Layers = Callable[[int, int, int, int], nn.Sequential]


class Critic(nn.Module):
    """Images (B, C, S, S) in [-1, 1], or codes (B, N) -> logits (B,) float32."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        logit: Tensor = self.layers(x)
        return single(logit).flatten(0)


class JointCritic(nn.Module):
    """Images (B, C, S, S) in [-1, 1] and codes (B, N) -> logits (B,) float32.

    The dropout of the ALI paper is left out: a run is to resume exactly, from seeds alone.
    """

    def __init__(self, layers: nn.Module, features: int, code_dim: int) -> None:
        super().__init__()
        self.layers = layers
        self.pair = mlp.layers(features + code_dim, features, 1, nn.LeakyReLU)

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        """See the class."""
        features = single(self.layers(image).flatten(1))  # (B, features)
        logit: Tensor = self.pair(torch.cat([features, code], 1))
        return single(logit).flatten(0)


class LatentGenerator(nn.Module):
    """Noise (B, M) -> codes (B, M) float32 such as an encoder gives whose codes nobody regularized."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, noise: Tensor) -> Tensor:
        """See the class."""
        code: Tensor = self.layers(noise)
        return single(code)


def _hidden(config: AutoencoderConfig) -> int:
    """Units of the hidden layers of those that see codes."""
    return config.width if config.architecture == "mlp" else 8 * config.width


def critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Of images: the discriminator of DCGAN, which is the encoder with one output."""
    return Critic(layers(config.image_size, config.channels, 1, config.width))


def code_critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Of styles, and of the label that each is said to have: one of `told`, or none."""
    inputs = config.latent_dim + (config.critic_classes + 1 if config.critic_classes else 0)
    return Critic(mlp.layers(inputs, _hidden(config), 1))


def label_critic(config: AutoencoderConfig, layers: Layers) -> Critic:
    """Of class probabilities."""
    return Critic(mlp.layers(config.classes, _hidden(config), 1))


def joint_critic(config: AutoencoderConfig, layers: Layers) -> JointCritic:
    """Of pairs of an image and a code."""
    features = _hidden(config)
    trunk = layers(config.image_size, config.channels, features, config.width)
    return JointCritic(trunk, features, config.code_dim)


def latent_generator(config: AutoencoderConfig, layers: Layers) -> LatentGenerator:
    """From noise to codes."""
    return LatentGenerator(mlp.layers(config.latent_dim, _hidden(config), config.latent_dim))
