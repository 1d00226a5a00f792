"""What a run shows and measures of a detector, on prints drawn of photographs that were held out."""

from typing import Any

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.config.training import TrainConfig
from agerestore.data.datasets import PhotoSet, TrainingSet
from agerestore.degradations.defects import find_defects
from agerestore.training.stages import Stage

PRINTS, VALIDATION_PATCHES = "old-print", 64


class DetectionValidator:
    """For networks that find defects."""

    def __init__(self, config: TrainConfig, images: TrainingSet, device: torch.device) -> None:
        side, generator = config.crop_size, torch.Generator().manual_seed(0)
        photographs = PhotoSet(tuple(images.images))
        truth = photographs.crops(VALIDATION_PATCHES, side, generator).float() / 255
        drawn = degradations.draw(degradations.parse(PRINTS), len(truth), (side, side), generator)
        found = find_defects(truth, drawn)
        self.prints = found.observation.image.clamp(0, 1).to(device)
        self.defects = torch.stack([*found.masks.values()]).any(0).to(device)
        self.faint = found.faint.to(device)

    def image_grid(self, model: Any, stage: Stage) -> list[Tensor]:
        """Prints, where their defects can be seen, and the probability of a defect."""
        with torch.no_grad():
            probability = model(self.prints[:8]).sum(1, keepdim=True)
        return [self.prints[:8], *(each.float().expand(-1, 3, -1, -1) for each in (self.defects[:8], probability))]

    def metrics(self, model: Any, stage: Stage) -> dict[str, float]:
        """``precision`` and ``recall`` of pixels at a probability of one half; faint defects count neither way."""
        return self._measure(model)

    def summary(self, model: Any) -> dict[str, Any]:
        """The same."""
        return {"kind": "detector", "validation": self._measure(model), "domain": {}}

    def _measure(self, model: Any) -> dict[str, float]:
        with torch.no_grad():
            marked = torch.cat([model(part).sum(1, keepdim=True) > 0.5 for part in self.prints.split(8)])
        right, counted = marked & self.defects, marked & ~self.faint
        return {
            "precision": int(right.sum()) / max(int(counted.sum()), 1),
            "recall": int(right.sum()) / max(int(self.defects.sum()), 1),
        }
