"""A detector of defects that needs no training."""

import torch

from agerestore.config.networks import DetectorConfig
from agerestore.models.base import Model
from agerestore.models.detector import DefectDetector


class WhiteIsDamage(DefectDetector):
    """Finds pixels brighter than a level, and calls them specks."""

    level = 0.98

    def forward(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """See `DefectDetector.forward`."""
        white = (image.amin(1, keepdim=True) > self.level).float()
        return white * torch.tensor([0, 0, 1, 0, 0]).view(1, 5, 1, 1)


def white_is_damage(level: float = 0.98) -> Model:
    """The detector as a model."""
    networks = WhiteIsDamage(DetectorConfig())
    networks.level = level
    return Model(networks.eval().requires_grad_(False), {}, "white")
