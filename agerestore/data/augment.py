"""Variety for folders of clean pictures: geometry and color, with albumentations. Nothing here damages a picture."""

import os

import numpy as np
import torch
from torch import Tensor


def augment(images: Tensor, size: int, seed: int) -> Tensor:
    """Random crops, mirrors, small rotations and shifts of color, a function of ``seed`` alone.

    Args:
        images: (B, C, H, W) uint8, at least ``size`` high and wide.
        size: side of the crops.
        seed: of the whole batch.

    Returns:
        (B, C, size, size) uint8, on the device of ``images``.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for news of itself otherwise
    import albumentations as A

    pipeline = A.Compose(
        [
            A.Rotate(limit=5, border_mode=2, p=0.5),  # border 2: mirrored
            A.RandomResizedCrop((size, size), scale=(0.6, 1.0), ratio=(0.9, 1.1)),
            A.HorizontalFlip(p=0.5),
            A.RandomBrightnessContrast(0.1, 0.1, p=0.5),
            *([A.HueSaturationValue(5, 15, 0, p=0.5)] if images.shape[1] == 3 else []),
        ],
        seed=seed % 2**32,
    )
    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    varied = np.stack([pipeline(image=picture)["image"].reshape(size, size, -1) for picture in pixels])
    return torch.from_numpy(varied).permute(0, 3, 1, 2).contiguous().to(images.device)
