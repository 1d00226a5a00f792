"""Encoder and generator of two hidden linear layers, as in the AAE paper, where ``width`` is 1000 units.

Images are in [-1, 1].
"""

from torch import Tensor, nn


class Shape(nn.Module):
    """(B, ...) -> (B, *shape)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Reshape a batch."""
        return x.reshape(len(x), *self.shape)


def layers(inputs: int, width: int, outputs: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """(B, inputs) -> (B, outputs) through two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, outputs)
    )


def encoder_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Image (B, channels, S, S) in [-1, 1] -> (B, latent_dim, 1, 1), S = ``image_size``."""
    pixels = channels * image_size**2
    return nn.Sequential(Shape(pixels), *layers(pixels, width, latent_dim), Shape(latent_dim, 1, 1))


def generator_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Code (B, latent_dim, 1, 1) -> image (B, channels, S, S) in [-1, 1], S = ``image_size``."""
    shape = (channels, image_size, image_size)
    hidden = layers(latent_dim, width, channels * image_size**2)
    return nn.Sequential(Shape(latent_dim), *hidden, nn.Tanh(), Shape(*shape))
