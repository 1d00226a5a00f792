"""DCGAN encoder and generator at 32 and 64 pixels, layer for layer as in the official AGE code.

``width`` counts the channels of the first encoder layer: 64 in the paper. Images are in [-1, 1] here.
"""

import torch
from torch import Tensor, nn

from agerestore.config import Prior
from agerestore.latent import project


def _down(inputs: int, outputs: int, norm: bool = True) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return [conv, *([nn.BatchNorm2d(outputs)] if norm else []), nn.LeakyReLU(0.2, inplace=True)]


def _up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=stride, padding=padding, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def initialise(module: nn.Module) -> None:
    """DCGAN initialisation: convolutions N(0, 0.02), batch norms N(1, 0.02) with bias 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)


def encoder_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Image (B, channels, S, S) in [-1, 1] -> (B, latent_dim, 1, 1), S = ``image_size`` of 32 or 64."""
    w = width
    trunk = _down(channels, w, norm=False) + _down(w, 2 * w) + _down(2 * w, 4 * w)
    if image_size == 64:
        head: list[nn.Module] = [*_down(4 * w, 8 * w), nn.Conv2d(8 * w, latent_dim, 4)]
    else:
        head = [nn.Conv2d(4 * w, latent_dim, 4, stride=2, padding=1), nn.AvgPool2d(2)]
    return nn.Sequential(*trunk, *head)


def generator_layers(image_size: int, channels: int, latent_dim: int, width: int) -> nn.Sequential:
    """Code (B, latent_dim, 1, 1) -> image (B, channels, S, S) in [-1, 1], S = ``image_size`` of 32 or 64."""
    w = width
    trunk = _up(latent_dim, 8 * w, stride=1, padding=0) + _up(8 * w, 4 * w) + _up(4 * w, 2 * w)
    if image_size == 64:
        last = nn.ConvTranspose2d(w, channels, 4, stride=2, padding=1, bias=False)
        head: list[nn.Module] = [*_up(2 * w, w), last]
    else:
        head = [*_up(2 * w, 2 * w), nn.Conv2d(2 * w, channels, 1)]
    return nn.Sequential(*trunk, *head, nn.Tanh())


def _single(x: Tensor) -> Tensor:
    """In single precision, or in double if it is that already."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Encoder(nn.Module):
    """Image (B, C, S, S) in [-1, 1] -> code (B, M) float32, on the unit sphere if ``prior`` is ``sphere``."""

    def __init__(self, layers: nn.Module, prior: Prior = "sphere") -> None:
        super().__init__()
        self.layers = layers
        self.prior = prior

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        code = _single(self.layers(image).flatten(1))  # (B, M); projected and compared in fp32 under autocast too
        return project(code) if self.prior == "sphere" else code


class Generator(nn.Module):
    """Code (B, M) -> image (B, C, S, S) float32 in [-1, 1]."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, code: Tensor) -> Tensor:
        """See the class."""
        return _single(self.layers(code[:, :, None, None]))
