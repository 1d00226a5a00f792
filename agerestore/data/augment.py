"""Augmentation of clean training images with albumentations: geometry and color. It never degrades an image."""

import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from agerestore.data.prefetch import Item
from agerestore.data.seeds import batch_indices, derive_seed

MARGIN = 1.25  # images are held larger by this factor where they are augmented, as random crops shrink them


def augment(images: Tensor, size: int, seed: int) -> Tensor:
    """Random crops, mirror images, rotations by up to 5 degrees and changes of color, a function of ``seed`` alone.

    Args:
        images: (B, C, H, W) uint8, at least ``size`` high and wide.
        size: side of the results in pixels.
        seed: of the whole batch.

    Returns:
        (B, C, size, size) uint8, on the device of ``images``.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # otherwise it asks the network for news of itself
    import albumentations as A

    pipeline = A.Compose(
        [
            A.Rotate(limit=5, border_mode=2, p=0.5),  # border 2: reflected
            A.RandomResizedCrop((size, size), scale=(0.6, 1.0), ratio=(0.9, 1.1)),
            A.HorizontalFlip(p=0.5),
            A.RandomBrightnessContrast(0.1, 0.1, p=0.5),
            *([A.HueSaturationValue(5, 15, 0, p=0.5)] if images.shape[1] == 3 else []),
        ],
        seed=seed % 2**32,
    )
    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    varied = np.stack([pipeline(image=image)["image"].reshape(size, size, -1) for image in pixels])
    return torch.from_numpy(varied).permute(0, 3, 1, 2).contiguous().to(images.device)


@dataclass(frozen=True)
class AugmentedBatches(Dataset[Item]):
    """The augmented images of each iteration of a stage, by its number.

    Attributes:
        images: (N, C, H, W) uint8, at least ``size`` high and wide, on the CPU.
        batch_size: B, images of an iteration.
        size: S, side of the augmented images.
        seed: of the run.
        key: of the stage; both decide what is drawn.
    """

    images: Tensor
    batch_size: int
    size: int
    seed: int
    key: str

    def __getitem__(self, step: int) -> Item:
        """``images``: (B, C, S, S) uint8."""
        chosen = batch_indices(len(self.images), self.batch_size, step, self.seed)
        return {"images": augment(self.images[chosen], self.size, derive_seed(self.seed, self.key, step))}
