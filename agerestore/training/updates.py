"""The update steps of one stage: loss terms -> gradients -> a step of Adam, for each player."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from agerestore import distributed
from agerestore.config import legacy
from agerestore.config.training import TrainConfig
from agerestore.data.seeds import derive_seed
from agerestore.errors import UsageError
from agerestore.losses.base import Batch
from agerestore.training.cuda_graph import GraphedStep, StepFn
from agerestore.training.stages import Stage


class Updater:
    """Takes the update steps of a stage, with an optimizer for each player.

    Attributes:
        optimizers: by player.
    """

    def __init__(self, config: TrainConfig, stage: Stage, model: nn.Module, device: torch.device) -> None:
        """Begin with fresh optimizers.

        Raises:
            UsageError: a player is no network of the model.
        """
        self._config, self._stage, self._device = config, stage, device
        self._networks = dict(model.named_children())
        self.optimizers = {player: self._adam(player) for player in stage.players}
        self._step_fns: dict[str, StepFn] = {player: partial(self._step, player) for player in stage.players}
        if config.cuda_graph:
            self._step_fns = {player: GraphedStep(step_fn) for player, step_fn in self._step_fns.items()}

    def update(self, player: str, step: int, draw: Callable[[int], Batch]) -> dict[str, Tensor]:
        """Take all update steps of a player in an iteration.

        Args:
            player: one of `optimizers`.
            step: the iteration, from 0.
            draw: number of the update step -> its batch.

        Returns:
            The weighed loss terms of the last one, scalars without gradient on the device.

        Raises:
            UsageError: a weight is given to a term that the losses do not know.
        """
        update = self._stage.updates[player]
        self._set_lr(player, self._stage.lr(step) * update.rate)
        network = self._network(player).requires_grad_(True)
        terms: dict[str, Tensor] = {}
        for k in range(update.steps):
            batch = draw(k)
            with self._seeded(player, step, k):
                terms = self._step_fns[player](batch)
        network.requires_grad_(False)
        return terms

    def _adam(self, player: str) -> torch.optim.Adam:
        graph = self._config.cuda_graph
        # A graph reads the learning rate from where it was in memory when it was recorded.
        lr = torch.zeros((), device=self._device) if graph else 0.0
        return torch.optim.Adam(
            self._network(player).parameters(), lr, self._config.betas, fused=True, capturable=graph
        )

    def _network(self, player: str) -> nn.Module:
        """The network of a player, or those of several joined by +."""
        for name in (names := player.split("+")):
            if name not in self._networks:
                raise UsageError(f"updates: no player {name!r}; choose from {', '.join(self._networks)}")
        found = [self._networks[name] for name in names]
        return found[0] if len(found) == 1 else nn.ModuleList(found)

    def _set_lr(self, player: str, lr: float) -> None:
        for group in self.optimizers[player].param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    @contextmanager
    def _seeded(self, player: str, step: int, k: int) -> Iterator[None]:
        """Seed torch's own generators, which dropout draws from, for a step; afterwards they are as they were."""
        key = self._stage.random_key, step, legacy.random_key(player), k
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(derive_seed("layers", self._config.seed, *key))
            yield

    def _step(self, player: str, batch: Batch) -> dict[str, Tensor]:
        update, network, optimizer = self._stage.updates[player], self._network(player), self.optimizers[player]
        wanted = [name for name, weight in update.weights.items() if weight]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._config.precision == "bf16"):
            terms = self._stage.losses.compute(player, self._networks, batch, wanted)
        if unknown := [name for name in wanted if name not in terms]:
            known = ", ".join(self._stage.losses.names)
            raise UsageError(f"updates.{player}.weights: no term {unknown[0]!r}; there are {known}")
        loss = torch.stack([update.weights[name] * value for name, value in terms.items()]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(network)
        if self._config.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self._config.clip)
        optimizer.step()
        return {name: value.detach() for name, value in terms.items()}
