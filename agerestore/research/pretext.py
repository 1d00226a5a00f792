"""Features from a pretext task: a small network learns to tell which transformation an image went through.

To tell an image from one that is upside down, blurred or half another, a network has to know what images look like. A
Fréchet distance in its features compares samples with images where a set has no labels. It must not be called FID.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.metrics.features import SIZE, Classifier, train_transformation_network

IMAGES = 1500  # that it is trained on, each under every transformation
NOISE = 0.1  # standard deviation, in a range of 1
EPOCHS = 3


@dataclass(frozen=True)
class TransformationClassifier:
    """The trained network, for images of 32 or 64 pixels."""

    classifier: Classifier

    def features(self, images: Tensor) -> Tensor:
        """Images (N, C, S, S) in [0, 1] -> (N, 64): the last layer before the logits."""
        return self.classifier.features(_to_32_pixels(images))

    def predict(self, images: Tensor) -> Tensor:
        """Images (N, C, S, S) in [0, 1] -> (N,) int64: index of the predicted transformation in `transformed`."""
        predicted: Tensor = self.classifier(_to_32_pixels(images)).argmax(1)
        return predicted


def transformed(images: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Images (N, C, S, S) in [0, 1] under eight transformations, the first of which is none; each (N, C, S, S).

    Then: upside down, blurred, noisy, half the contrast, left half with the right half of another image, halves
    swapped, mean of two images.
    """
    others, half = images.roll(1, 0), images.shape[3] // 2
    noise = torch.randn(images.shape, generator=generator)
    return [
        images,
        images.flip(2),
        F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1),
        images + NOISE * noise,
        (images + 0.5) / 2,
        torch.cat([images[..., :half], others[..., half:]], 3),
        images.roll(half, 3),
        (images + others) / 2,
    ]


def train_transformation_classifier(images: Tensor, generator: torch.Generator) -> TransformationClassifier:
    """Train the network.

    Args:
        images: (N, C, S, S) uint8; `IMAGES` of them, drawn at random.
        generator: on the CPU.

    Raises:
        UsageError: images of another size than 32 or 64 pixels, or fewer than two.
    """
    if images.shape[2:] not in ((SIZE, SIZE), (2 * SIZE, 2 * SIZE)) or len(images) < 2:
        raise UsageError(
            f"{len(images)} images of {images.shape[2]}x{images.shape[3]}: give two or more of {SIZE} or {2 * SIZE}"
            " pixels to learn features from"
        )
    drawn = images[torch.randperm(len(images), generator=generator)[:IMAGES]].float() / 255
    versions = [_to_32_pixels(version) for version in transformed(drawn, generator)]
    return TransformationClassifier(train_transformation_network(versions, generator, EPOCHS))


def _to_32_pixels(images: Tensor) -> Tensor:
    """(N, C', 32, 32), without loss: squares of 2x2 pixels of a larger image become channels."""
    return F.pixel_unshuffle(images, images.shape[3] // SIZE)
