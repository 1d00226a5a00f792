"""Pieces of photographs and what damage makes of them, drawn in blocks, by processes of their own if asked for.

A block is a function of the run's seed, the stage and its number, so that it does not matter who draws it.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from agerestore import degradations
from agerestore.config.training import TrainConfig
from agerestore.data.datasets import PhotoSet
from agerestore.data.seeds import derive_seed
from agerestore.device import send
from agerestore.images.color import luminance
from agerestore.images.composite import fill_masked
from agerestore.training.stages import Stage

PREFETCH = 4  # iterations of a block: a small batch costs little more than its share


@dataclass(frozen=True)
class PatchDataset(Dataset[dict[str, Tensor]]):
    """The blocks of a stage by their number: random pieces, some of them gray, each damaged in its own way.

    Attributes:
        photographs: where the pieces come from; they are drawn on the device where these are.
        seed: of the run and the stage.
        count: N, pieces of a block.
        size: S, their side.
        gray: share of them that is gray.
        enlarged: share of them that is enlarged.
        damage: what happens to them.
    """

    photographs: PhotoSet
    seed: tuple[int | str, ...]
    count: int
    size: int
    gray: float
    enlarged: float
    damage: tuple[degradations.Step, ...]

    def __getitem__(self, block: int) -> dict[str, Tensor]:
        """``x`` and ``damaged`` (N, 3, S, S) in [-1, 1], ``mask`` (N, 1, S, S)."""
        generator = torch.Generator().manual_seed(derive_seed(*self.seed, block))
        x = self.photographs.crops(self.count, self.size, generator, self.enlarged).float() / 255
        gray = send(torch.rand(len(x), 1, 1, 1, generator=generator) < self.gray, x.device)
        x = torch.where(gray, luminance(x), x)
        observation = degradations.degrade(x, self.damage, generator)
        mask = torch.zeros_like(x[:, :1]) if observation.mask is None else observation.mask
        damaged = fill_masked(observation)
        damaged = torch.where(gray, damaged[:, :1], damaged)  # a gray picture has one noise, not three
        return {"x": x * 2 - 1, "damaged": damaged * 2 - 1, "mask": mask}


class PatchLoader:
    """The blocks that a run asks for, on its device; with workers they are drawn on the CPU before that."""

    def __init__(self, config: TrainConfig, photographs: PhotoSet, device: torch.device) -> None:
        self.config, self.device = config, device
        self.photographs = photographs if config.workers else photographs.to(device)
        self.coming: Iterator[dict[str, Tensor]] = iter(())
        self.next: tuple[str, int] | None = None

    def block(self, stage: Stage, number: int) -> dict[str, Tensor]:
        """See `Pieces`."""
        if not self.config.workers:
            return self._pieces(stage)[number]
        if self.next != (stage.name, number):  # a stage begins, or a run goes on
            self.coming = iter(self._loader(stage, number))
        self.next = stage.name, number + 1
        return {name: value.to(self.device, non_blocking=True) for name, value in next(self.coming).items()}

    def _pieces(self, stage: Stage) -> PatchDataset:
        assert stage.degradation is not None
        config, count = self.config, stage.batch_size * PREFETCH
        seed, pieces = (config.seed, stage.random_key), (count, config.crop_size, config.gray, config.upscaled)
        return PatchDataset(self.photographs, seed, *pieces, stage.degradation)

    def _loader(self, stage: Stage, first: int) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(
            self._pieces(stage),
            batch_size=None,
            sampler=range(first, -(-stage.steps // PREFETCH)),
            num_workers=self.config.workers,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_ignore_interrupts,
        )


def _ignore_interrupts(number: int) -> None:
    """Ctrl-C reaches all processes; the one that trains ends its iteration and then the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
