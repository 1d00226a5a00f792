"""The state of a run and one iteration of it: turns -> terms -> steps, for every system.

The random state of every step derives from (seed, stage, step, player), so that a run needs no history: weights,
averages, optimizer moments and two numbers are all there is to resume from. Several processes hold the same state.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from agerestore import distributed
from agerestore.config import legacy
from agerestore.config.training import TrainConfig
from agerestore.data.batches import batches
from agerestore.data.datasets import AnySet
from agerestore.data.seeds import derive_seed
from agerestore.errors import UsageError
from agerestore.losses.base import Batch
from agerestore.models import net2net
from agerestore.models.base import Model, ModelNetworks
from agerestore.models.layers import spectral
from agerestore.models.registry import build
from agerestore.training.cuda_graph import GraphedStep
from agerestore.training.resume import flatten_optimizer, restore_optimizer
from agerestore.training.stages import stages


class Training:
    """The state of a run, and one iteration of it.

    Attributes:
        model: the networks that learn.
        average: their exponential moving average, which is what a run leaves behind.
        stage: the current stage.
        step: iterations of it that are done.
        images_before: images that the weights had seen before the run.
    """

    def __init__(self, config: TrainConfig, images: AnySet, device: torch.device) -> None:
        if config.cuda_graph and (device.type != "cuda" or distributed.world_size() > 1):
            raise UsageError("cuda_graph=true is for a CUDA device and one process: leave it out here")
        if config.cuda_graph:  # of steps that are all alike the fastest algorithms are looked for once
            torch.backends.cudnn.benchmark = True
        self.config = config
        self.device = device
        self.batches = batches(config, images, device)
        self.stages = stages(config, len(images))
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
            _compile(self.model, self.device)
        self.optimizers = {player: self._adam(player) for player in self.stage.players}
        plays = {player: partial(self._play, player) for player in self.stage.players}
        self.plays = {player: GraphedStep(play) for player, play in plays.items()} if self.config.cuda_graph else plays

    def _adam(self, player: str) -> torch.optim.Adam:
        graph = self.config.cuda_graph
        rate = torch.zeros((), device=self.device) if graph else 0.0  # a graph reads it where it was when recorded
        weights = self._network(player).parameters()
        return torch.optim.Adam(weights, rate, self.config.betas, fused=True, capturable=graph)

    def _network(self, player: str) -> nn.Module:
        """Of a player: a network by its name, or several joined by +."""
        networks, names = dict(self.model.named_children()), player.split("+")
        for name in names:
            if name not in networks:
                raise UsageError(f"updates: no player {name!r}; choose from {', '.join(networks)}")
        return networks[player] if player in networks else nn.ModuleList([networks[name] for name in names])

    def iterate(self) -> dict[str, Tensor]:
        """All turns once; returns the terms of each player's last step, as ``player/term``, on the device."""
        seen: dict[str, Tensor] = {}
        lr = self.stage.lr(self.step)
        for player in self.stage.players:
            turn = self.stage.updates[player]
            network = self._network(player).requires_grad_(True)
            self._set_rate(player, lr * turn.rate)
            for k in range(turn.steps):
                batch = self.batches.draw(self.stage, self.step, player, k)
                with self._own_randomness(player, k):  # of layers that draw, such as dropout
                    terms = self.plays[player](batch)
            network.requires_grad_(False)
            seen |= {f"{player}/{name}": value for name, value in terms.items()}
        self._update_average()
        self.step += 1
        return dict(zip(seen, distributed.mean(torch.stack(list(seen.values()))), strict=True))

    def _set_rate(self, player: str, lr: float) -> None:
        for group in self.optimizers[player].param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    @contextmanager
    def _own_randomness(self, player: str, k: int) -> Iterator[None]:
        """Seed torch's own generators for a step, and leave them as they were after it."""
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(
                derive_seed("layers", self.config.seed, self.stage.random_key, self.step, legacy.random_key(player), k)
            )
            yield

    def _play(self, player: str, batch: Batch) -> dict[str, Tensor]:
        """A step of a player: its terms, and their gradient into its weights."""
        turn, network, optimizer = self.stage.updates[player], self._network(player), self.optimizers[player]
        wanted = [name for name, weight in turn.weights.items() if weight]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            terms = self.stage.objective(player, dict(self.model.named_children()), batch, wanted)
        unknown = [name for name in wanted if name not in terms]
        if unknown:
            raise UsageError(
                f"updates.{player}.weights: no term {unknown[0]!r}; there are {', '.join(self.stage.terms)}"
            )
        loss = torch.stack([turn.weights[name] * value for name, value in terms.items()]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(network)
        if self.config.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.config.clip)
        optimizer.step()
        return {name: value.detach() for name, value in terms.items()}

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and batch statistics; short at first, when all is change."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for name, network in self.model.named_children():
            if name not in self.stage.learners:
                continue
            means, values = list(_floats(getattr(self.average, name))), list(_floats(network))
            get_ema_multi_avg_fn(decay)(means, values, None)
            for each in (network, getattr(self.average, name)):
                spectral.power_iteration(each)

    def tensors(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, flat."""
        flat = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        flat |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for player, optimizer in self.optimizers.items():
            flat |= flatten_optimizer(optimizer, f"adam.{player}.")
        return flat

    def restore(self, tensors: dict[str, Tensor], stage: int, step: int) -> None:
        """Undo `tensors`."""
        self.enter(stage)
        for prefix, network in (("model.", self.model), ("average.", self.average)):
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for player, optimizer in self.optimizers.items():
            restore_optimizer(optimizer, tensors, f"adam.{player}.")
        self.step = step


def _compile(model: ModelNetworks, device: torch.device) -> None:
    """Compile each network, and what else objectives call of it, when it is first used; names of weights stay.

    Raises:
        UsageError: there is no C++ compiler, which code for a processor needs.
    """
    if device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            raise UsageError("compiled=true needs a C++ compiler such as g++: install one, or leave it out") from None
    model.compile_networks()


def _floats(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from (buffer for buffer in network.buffers() if buffer.is_floating_point())
