"""Items of a training run, drawn ahead of time by worker processes while the networks compute."""

import signal
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

Item = dict[str, Tensor]


class Prefetcher:
    """Gives the items of datasets by number, on a device; with workers the coming ones are drawn ahead on the CPU.

    The items of a dataset must be functions of their number, so that it does not matter which process draws them.

    Attributes:
        workers: processes; 0 draws each item when it is asked for, in this process.
    """

    def __init__(self, workers: int, device: torch.device) -> None:
        self.workers, self._device = workers, device
        self._coming: Iterator[Item] = iter(())
        self._next: tuple[str, int] | None = None

    def get(self, dataset: Dataset[Item], key: str, number: int, end: int) -> Item:
        """One item, its tensors on the device.

        Args:
            dataset: where it comes from.
            key: tells datasets apart; one whose key is new ends the drawing ahead from the last one.
            number: of the item.
            end: number of items of the dataset.
        """
        if not self.workers:
            item = dataset[number]
        else:
            if self._next != (key, number):  # a stage begins, or a run is resumed
                self._coming = iter(self._loader(dataset, range(number, end)))
            self._next = key, number + 1
            item = next(self._coming)
        return {name: value.to(self._device, non_blocking=True) for name, value in item.items()}

    def _loader(self, dataset: Dataset[Item], numbers: range) -> DataLoader[Item]:
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=numbers,
            num_workers=self.workers,
            pin_memory=self._device.type == "cuda",
            worker_init_fn=_ignore_interrupts,
        )


def _ignore_interrupts(number: int) -> None:
    """Ctrl-C reaches all processes; the one that trains finishes its iteration and then ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
