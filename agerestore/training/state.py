"""The state of a training run, and one iteration of it.

Random numbers of every update step derive from (seed, stage, iteration, player), so that a run needs no history:
weights, averages, moments of the optimizers and two numbers are all there is to resume from. Several processes hold
the same state.
"""

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from agerestore import distributed
from agerestore.config.training import TrainConfig
from agerestore.data.batches import batches
from agerestore.data.datasets import TrainingSet
from agerestore.data.seeds import derive_seed
from agerestore.errors import UsageError
from agerestore.models import net2net
from agerestore.models.base import Model
from agerestore.models.layers import spectral
from agerestore.models.registry import build
from agerestore.training.resume import flatten_optimizer, restore_optimizer
from agerestore.training.stages import Stage, stages
from agerestore.training.updates import Updater


class Training:
    """The state of a run, and one iteration of it.

    Attributes:
        model: the networks that learn.
        average: their exponential moving average, which is what a run leaves behind.
        images: training images.
        stages: all stages of the run.
        number: of the current stage, from 0.
        stage: the current stage.
        step: iterations of it that are done.
        updater: takes its update steps.
        images_before: images that the weights had seen before the run.
    """

    def __init__(
        self, config: TrainConfig, images: TrainingSet, device: torch.device, todo: Sequence[Stage] | None = None
    ) -> None:
        """Build fresh networks and begin the first stage.

        Args:
            config: of the run.
            images: the training part of the set.
            device: where to train.
            todo: the stages, where they are known already.

        Raises:
            UsageError: the settings ask for what this device, set or machine cannot do.
        """
        _refuse_settings(config, device)
        self.config, self.device, self.images = config, device, len(images)
        self.stages = list(todo or stages(config, len(images)))
        self.batches = batches(config, images, device)
        self.model = build(config.network, derive_seed("weights", config.seed)).to(device)
        self.model.to(memory_format=torch.channels_last)
        distributed.sync_batch_norms(self.model)
        self.average = copy.deepcopy(self.model)
        self.images_before = 0
        self.enter(0)

    def start_from(self, model: Model) -> None:
        """Take the weights of a trained model before the first iteration.

        See `agerestore.models.net2net.load_pretrained` for what may differ, and what begins anew.

        Raises:
            UsageError: it has other networks than the run.
        """
        for networks in (self.model, self.average):
            net2net.load_pretrained(networks, model.networks.state_dict())
        self.images_before = int(model.header.get("images_seen", 0))
        self.enter(0)

    def resume(self, found: tuple[dict[str, Tensor], dict[str, Any]] | None) -> None:
        """Go on from what `agerestore.training.resume.load_state` found; where that is nothing, from the start."""
        if found is not None:
            tensors, index = found
            self.restore(tensors, index["stage"], index["step"])
            self.images_before = index["images_before"]

    def enter(self, number: int) -> None:
        """Begin stage ``number`` with fresh optimizers; every stage after the first starts from the averages."""
        self.number, self.stage, self.step = number, self.stages[number], 0
        self.average.add_networks(self.stage.learners)
        if number or not self.stage.learners.isdisjoint(self.average.late_networks):
            self.model = copy.deepcopy(self.average)
        for name, network in self.model.named_children():
            learns = name in self.stage.learners
            network.train(learns and self.stage.batch_statistics).requires_grad_(False)
        self.average.eval().requires_grad_(False)
        if self.config.compiled:
            self.model.compile_networks()
        self.updater = Updater(self.config, self.stage, self.model, self.device)

    def iterate(self) -> dict[str, Tensor]:
        """Take the update steps of all players.

        Returns:
            The loss terms of each player's last step, as ``player/term``, on the device.
        """
        terms: dict[str, Tensor] = {}
        for player in self.stage.players:
            draw = partial(self.batches.draw, self.stage.batches, self.step, player)
            found = self.updater.update(player, self.step, draw)
            terms |= {f"{player}/{name}": value for name, value in found.items()}
        self._update_average()
        self.step += 1
        return dict(zip(terms, distributed.mean(torch.stack(list(terms.values()))), strict=True))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the average towards the weights and batch statistics; faster at first, when all is change."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for name, network in self.model.named_children():
            if name not in self.stage.learners:
                continue
            average = getattr(self.average, name)
            get_ema_multi_avg_fn(decay)(list(_floats(average)), list(_floats(network)), None)
            for each in (network, average):
                spectral.power_iteration(each)

    def tensors(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, under flat names."""
        flat = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        flat |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for player, optimizer in self.updater.optimizers.items():
            flat |= flatten_optimizer(optimizer, f"adam.{player}.")
        return flat

    def restore(self, tensors: dict[str, Tensor], stage: int, step: int) -> None:
        """Undo `tensors`, which were taken in iteration ``step`` of a stage."""
        self.enter(stage)
        for prefix, network in (("model.", self.model), ("average.", self.average)):
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for player, optimizer in self.updater.optimizers.items():
            restore_optimizer(optimizer, tensors, f"adam.{player}.")
        self.step = step


def _refuse_settings(config: TrainConfig, device: torch.device) -> None:
    """Refuse what this device or machine cannot do."""
    if config.cuda_graph and (device.type != "cuda" or distributed.world_size() > 1):
        raise UsageError("cuda_graph=true is for a CUDA device and one process: leave it out here")
    if config.cuda_graph:  # the steps are all alike, so that searching the fastest algorithms once pays
        torch.backends.cudnn.benchmark = True
    if config.compiled and device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            raise UsageError("compiled=true needs a C++ compiler such as g++: install one, or leave it out") from None


def _floats(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from (buffer for buffer in network.buffers() if buffer.is_floating_point())
