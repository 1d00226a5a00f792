"""A small classifier of images of 32x32 pixels, and features from it.

Its accuracy before and after restoration says whether a restored digit is still the digit it was, which PSNR does not.
Its features serve a Fréchet distance between sets of images, which must never be called FID: that has the features of
the Inception network. Where a set has no labels, it learns a pretext task (`train_transformation_network`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from agerestore.errors import UsageError

SIZE = 32  # pixels, height and width
CLASSES = 10
FEATURES = 64
BATCH = 128
FEW = 12_800  # images; with fewer, more than two epochs are needed
MIN_ACCURACY = 0.4  # on held-out images, of a classifier that can be used; chance has 0.1


class Classifier(nn.Module):
    """Three strided convolutions to 4x4 pixels, then 64 features and a linear layer; 130,000 parameters."""

    def __init__(self, channels: int = 1, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(
            _block(channels, width),  # (B, 16, 16, 16)
            _block(width, 2 * width),  # (B, 32, 8, 8)
            _block(2 * width, 4 * width),  # (B, 64, 4, 4)
            nn.Flatten(),
            nn.Linear(4 * width * 16, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Linear(FEATURES, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        """(B, C, 32, 32) in [0, 1] to (B, 64), at least 0: the last layer before the decision."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, 32, 32) in [0, 1] to logits (B, 10)."""
        logits: Tensor = self.head(self.features(images))
        return logits


def _block(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def train_classifier(images: Tensor, labels: Tensor, generator: torch.Generator, epochs: int = 2) -> Classifier:
    """Train on images and their labels; all of MNIST takes half a minute and gives 99 % on its test digits.

    Args:
        images: (N, C, 32, 32) float in [0, 1]; training runs on their device.
        labels: (N,) int64 in 0..9.
        generator: on the CPU; the only source of initial weights and of the order of images.
        epochs: passes over the images.

    Returns:
        The classifier in eval mode.

    Raises:
        UsageError: images of another size, or not one label for each.
    """
    if images.shape[2:] != (SIZE, SIZE) or len(labels) != len(images):
        shapes = f"images {tuple(images.shape)} and labels {tuple(labels.shape)}"
        raise UsageError(f"the classifier needs {SIZE}x{SIZE} images and a label for each, not {shapes}")
    classifier = _initial(images.shape[1], generator).to(images.device)
    steps = epochs * -(-len(images) // BATCH)
    optimizer = torch.optim.Adam(classifier.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator).to(images.device)
        for start in range(0, len(order), BATCH):
            index = order[start : start + BATCH]
            loss = functional.cross_entropy(classifier(images[index]), labels[index])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return classifier.eval()


def train_if_accurate(images: Tensor, labels: Tensor, generator: torch.Generator) -> Classifier | None:
    """Train the classifier for as many epochs as the number of images asks for.

    Args:
        images: (N, C, H, W) float in [0, 1].
        labels: (N,) int64.
        generator: on the CPU.

    Returns:
        The classifier in eval mode; None if images are not 32x32, if there are more than 10 classes, or if its
        accuracy is below `MIN_ACCURACY`, on a tenth of the images that is held out (all where there are many).
    """
    if images.shape[2:] != (SIZE, SIZE) or int(labels.max()) >= CLASSES:
        return None
    held = torch.zeros(len(images), dtype=torch.bool)
    if len(images) < FEW:  # so few it may learn by heart
        drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
        held[drawn[: max(len(images) // 10, 1)]] = True
    epochs = max(2, FEW // len(images))
    classifier = train_classifier(images[~held], labels[~held], generator, epochs)
    tested = held if held.any() else ~held
    return classifier if accuracy(classifier, images[tested], labels[tested]) >= MIN_ACCURACY else None


def train_transformation_network(kinds: Sequence[Tensor], generator: torch.Generator, epochs: int = 2) -> Classifier:
    """Train to tell kinds of images, each (N, C, 32, 32) float in [0, 1]; see `train_classifier`."""
    labels = torch.arange(len(kinds)).repeat_interleave(torch.tensor([len(kind) for kind in kinds]))
    return train_classifier(torch.cat(list(kinds)), labels, generator, epochs)


def _initial(channels: int, generator: torch.Generator) -> Classifier:
    """A classifier with weights from the generator; the global random state is left as it was."""
    seed = int(torch.randint(2**31, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(channels)


@torch.no_grad()
def accuracy(classifier: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share, 0 to 1, of the images (N, C, 32, 32) in [0, 1] that are classified as the labels (N,) say."""
    found = [classifier(part).argmax(1) for part in torch.split(images, 1000)]
    return float((torch.cat(found) == labels).float().mean())
