"""Random patches of photographs and their degraded versions, drawn in blocks of several iterations.

A block is a function of the run's seed, the stage and its number, so that it does not matter which process draws it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from agerestore import degradations
from agerestore.data.datasets import PhotoSet
from agerestore.data.prefetch import Item
from agerestore.data.seeds import derive_seed
from agerestore.degradations.defects import DEFECT_NAMES, find_defects
from agerestore.device import send
from agerestore.images.color import luminance
from agerestore.images.composite import fill_masked
from agerestore.losses.detection import FAINT

BLOCK = 4  # iterations whose patches are drawn together: degrading a larger batch costs little more


@dataclass(frozen=True)
class PatchDataset(Dataset[Item]):
    """The blocks of a stage by number: random patches, some of them gray, each degraded in its own way.

    Attributes:
        photographs: where the patches come from; they are drawn on the device of these.
        seed: of the run and the stage.
        count: N, patches of a block.
        size: S, side of the patches.
        gray: share of patches that are made gray.
        upscaled: share of patches that are upscaled, by up to `agerestore.data.datasets.MAX_UPSCALE`.
        degradation: what happens to them.
    """

    photographs: PhotoSet
    seed: tuple[int | str, ...]
    count: int
    size: int
    gray: float
    upscaled: float
    degradation: tuple[degradations.Step, ...]

    def __getitem__(self, block: int) -> Item:
        """``x`` and ``damaged`` (N, 3, S, S) in [-1, 1], ``mask`` (N, 1, S, S), 1 where a pixel is missing."""
        generator = torch.Generator().manual_seed(derive_seed(*self.seed, block))
        x, gray = self._clean(generator)
        observation = degradations.degrade(x, self.degradation, generator)
        mask = torch.zeros_like(x[:, :1]) if observation.mask is None else observation.mask
        damaged = fill_masked(observation)
        damaged = torch.where(gray, damaged[:, :1], damaged)  # a gray image has one noise, not three
        return {"x": x * 2 - 1, "damaged": damaged * 2 - 1, "mask": mask}

    def _clean(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The patches (N, 3, S, S) in [0, 1], and which of them are gray, (N, 1, 1, 1) bool."""
        x = self.photographs.crops(self.count, self.size, generator, self.upscaled).float() / 255
        gray = send(torch.rand(len(x), 1, 1, 1, generator=generator) < self.gray, x.device)
        return torch.where(gray, luminance(x), x), gray


@dataclass(frozen=True)
class DefectPatchDataset(PatchDataset):
    """The same for detectors: patches with drawn defects, and where these can be seen.

    Attributes:
        kinds: names that the detector has for the kinds of defects, see `DEFECT_NAMES`; all others are faint ones.
    """

    kinds: tuple[str, ...] = ()

    def __getitem__(self, block: int) -> Item:
        """``x`` and ``damaged`` (N, 3, S, S) in [-1, 1], ``defects`` (N, 1, S, S) as `Batch.defects`."""
        generator = torch.Generator().manual_seed(derive_seed(*self.seed, block))
        x, _ = self._clean(generator)
        drawn = degradations.draw(self.degradation, len(x), (self.size, self.size), generator)
        found = find_defects(x, drawn)
        defects = torch.where(found.faint, FAINT, 0)
        for kind, where in found.masks.items():
            name = DEFECT_NAMES.get(kind, kind)
            defects[where] = 1 + self.kinds.index(name) if name in self.kinds else FAINT
        damaged = (found.observation.image.clamp(0, 1) * 255).round() / 255  # as a file has it
        return {"x": x * 2 - 1, "damaged": damaged * 2 - 1, "defects": defects.to(torch.uint8)}
