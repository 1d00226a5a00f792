"""Features of images from a trained encoder, computed and standardized part by part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.metrics.autoencoder import CHUNK
from agerestore.models.base import Model
from agerestore.models.layers.dcgan import Encoder
from agerestore.models.layers.resnet import ResidualBlock
from agerestore.research.experiments.context import autoencoder_of

BLOCKS = 3
SMALLEST_DEVIATION = 1e-6  # of a feature that is the same for all images


@dataclass(frozen=True)
class LabeledFeatures:
    """Features (N, D) float32 of images, and their labels (N,) int64."""

    features: Tensor
    labels: Tensor


@dataclass(frozen=True)
class FeatureReader:
    """Computes features of images: mean 0 and standard deviation 1 / sqrt(D) each, so that a row has about unit length.

    Attributes:
        encoder: in eval mode.
        mean: (D,) of the raw features.
        length: (D,) their standard deviation, times sqrt(D).
        chunk: images whose features are in memory at a time.
    """

    encoder: Encoder
    mean: Tensor
    length: Tensor
    chunk: int = CHUNK

    @classmethod
    def over(cls, encoder: Encoder, images: Tensor, chunk: int = CHUNK) -> Self:
        """A reader that standardizes by images (N, C, S, S) uint8, which are gone through twice."""
        count = len(images)
        mean = sum((part.double().sum(0) for part in _raw(encoder, images, chunk)), torch.zeros(())) / count
        around = (part.double().sub_(mean).square_().sum(0) for part in _raw(encoder, images, chunk))
        deviation = (sum(around, torch.zeros(())) / count).sqrt().clamp_min(SMALLEST_DEVIATION)
        return cls(encoder, mean.float(), (deviation * len(mean) ** 0.5).float(), chunk)

    def parts(self, images: Tensor) -> Iterator[Tensor]:
        """Features (B, D) float32 of images (N, C, S, S) uint8, at most ``chunk`` at a time, in their order."""
        for part in _raw(self.encoder, images, self.chunk):
            yield (part - self.mean) / self.length


def encoder_of(model: Model, images: ImageSet) -> Encoder:
    """The convolutional encoder of a model for such images.

    Raises:
        UsageError: the model is for other images, or has no convolutional encoder.
    """
    networks = autoencoder_of(model)
    size, channels = networks.config.image_size, networks.config.channels
    if images.images.shape[1:] != (channels, size, size) or not isinstance(networks.encoder, Encoder):
        raise UsageError("these weights encode no color images of 32x32: choose the model of an AGE on SVHN")
    encoder: Encoder = networks.encoder
    return encoder


def activations(encoder: Encoder, images: Tensor) -> Tensor:
    """Features of images (B, C, S, S) in [-1, 1]: outputs of the last `BLOCKS` blocks and the code, (B, D)."""
    found, x = [], images
    assert isinstance(encoder.layers, nn.Sequential)
    for layer in encoder.layers:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU | ResidualBlock):
            found.append(x.flatten(1).clone())  # the next layer may compute in place
    return torch.cat([*found[-BLOCKS:], encoder(images)], 1)


@torch.no_grad()
def _raw(encoder: Encoder, images: Tensor, chunk: int) -> Iterator[Tensor]:
    for part in images.split(chunk):
        yield activations(encoder, part.float() / 255 * 2 - 1)
