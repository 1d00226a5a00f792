"""A small network that tells how pictures were tampered with: features of our own where a set has no labels.

To tell a picture from one that is upside down, blurred or half another, a network has to know what pictures look like.
A Fréchet distance in its features compares samples with pictures. It must never be called FID.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.metrics.features import SIZE, Classifier, train_transformation_network

PICTURES = 1500  # that it learns from, in all kinds
NOISE = 0.1  # deviation, of a range of 1
EPOCHS = 3


@dataclass(frozen=True)
class TransformationClassifier:
    """The network, for pictures of 32 or 64 pixels."""

    classifier: Classifier

    def features(self, images: Tensor) -> Tensor:
        """(N, C, S, S) in [0, 1] to (N, 64): the last layer before the decision."""
        return self.classifier.features(_folded(images))

    def kind_of(self, images: Tensor) -> Tensor:
        """(N, C, S, S) in [0, 1] to (N,): which of the kinds that `tampered` gives each is taken for."""
        kinds: Tensor = self.classifier(_folded(images)).argmax(1)
        return kinds


def transformed(images: Tensor, generator: torch.Generator) -> list[Tensor]:
    """Pictures (N, C, S, S) as they are, and tampered with in seven ways; each (N, C, S, S).

    Upside down, blurred, noisy, at half the contrast, the left half with the right half of another, left and right
    exchanged in place, and two pictures in one.
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
        images: (N, C, S, S) uint8; the first `PICTURES` of them in an order that the generator decides.
        generator: on the CPU.

    Raises:
        UsageError: pictures of another size than 32 or 64 pixels, or fewer than two.
    """
    if images.shape[2:] not in ((SIZE, SIZE), (2 * SIZE, 2 * SIZE)) or len(images) < 2:
        raise UsageError(
            f"{len(images)} pictures of {images.shape[2]}x{images.shape[3]}: give two or more of {SIZE} or {2 * SIZE}"
            " pixels to learn features from"
        )
    seen = images[torch.randperm(len(images), generator=generator)[:PICTURES]].float() / 255
    kinds = [_folded(kind) for kind in transformed(seen, generator)]
    return TransformationClassifier(train_transformation_network(kinds, generator, EPOCHS))


def _folded(images: Tensor) -> Tensor:
    """What the classifier sees, (N, C', 32, 32): of a larger picture squares of 2x2 pixels as channels, none lost."""
    return F.pixel_unshuffle(images, images.shape[3] // SIZE)
