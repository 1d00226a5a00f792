"""What a run is made of: its stages, each with its objective, turns, length and learning rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from agerestore import degradations
from agerestore.config import legacy
from agerestore.config.networks import AutoencoderConfig, ColorizerConfig, PhotoConfig
from agerestore.config.training import TrainConfig, UpdateStep
from agerestore.losses import code_prior as paints_objective
from agerestore.losses import regression as estimate_objective
from agerestore.losses import robust_encoder as robust_objective
from agerestore.losses.base import Objective
from agerestore.losses.code_prior import code_prior_terms
from agerestore.losses.registry import build_objective
from agerestore.losses.regression import regression_terms
from agerestore.losses.robust_encoder import robust_encoder_terms


@dataclass(frozen=True)
class Stage:
    """A part of a run that is trained with one table of turns; a player is a network, or several joined by +."""

    name: str
    objective: Objective
    terms: tuple[str, ...]  # all that the objective knows
    updates: dict[str, UpdateStep]
    steps: int
    batch_size: int
    lr: Callable[[int], float]
    degradation: tuple[degradations.Step, ...] | None = None
    batch_statistics: bool = True  # of the batch norms of those who learn; else they keep the running ones

    @property
    def random_key(self) -> str:
        """The name that the random numbers of the stage derive from."""
        return legacy.random_key(self.name)

    @property
    def players(self) -> list[str]:
        """Those who learn in this stage: who have steps and something to minimize."""
        return [player for player, turn in self.updates.items() if turn.steps and any(turn.weights.values())]

    @property
    def learners(self) -> set[str]:
        """The networks that learn in this stage."""
        return {name for player in self.players for name in player.split("+")}


def schedule(
    kind: str, lr: float, steps: int, epoch: int = 1, every: int = 1, factor: float = 0.5
) -> Callable[[int], float]:
    """Learning rate as a function of the iteration.

    Args:
        kind: ``constant``; ``linear`` or ``cosine``, which reach 0 at ``steps`` (linear only falls in the second
            half); ``step``, multiplied by ``factor`` as the last of each ``every`` epochs begins, as in the official
            code.
        lr: the rate at iteration 0.
        steps: length of the stage.
        epoch: iterations of one.
        every: epochs.
        factor: at each step.
    """
    return {
        "constant": lambda step: lr,
        "linear": lambda step: lr * min(1.0, 2 * (1 - step / steps)),
        "cosine": lambda step: lr * (1 + math.cos(math.pi * step / steps)) / 2,
        "step": lambda step: lr * factor ** ((step // epoch + 1) // every),
    }[kind]


def iterations(config: TrainConfig, images: int) -> int:
    """How many iterations the game takes on a training part of ``images`` images."""
    if config.steps is not None:
        return config.steps
    return max(1, int(config.epochs * max(images // config.batch_size, 1)))


def stages(config: TrainConfig, images: int) -> list[Stage]:
    """The stages of a run on a training part of ``images`` images."""
    if isinstance(config.network, PhotoConfig):
        found = [_estimate(config)]
        if config.network.latent_dim:  # else there is no game to play
            found.append(_game(config, images))
    else:
        found = [_game(config, images)]
        if isinstance(config.network, AutoencoderConfig) and "encoder" in config.network.players:
            found += _of_the_encoder(config, found[0])
        if isinstance(config.network, ColorizerConfig) and config.network.prior_components:
            found.append(_paints(config))
    return [stage for stage in found if stage.steps and stage.players]


def _game(config: TrainConfig, images: int) -> Stage:
    steps = iterations(config, images)
    epoch = max(images // config.batch_size, 1)
    objective, terms = build_objective(config)
    return Stage(
        name="adversarial",
        objective=objective,
        terms=terms,
        updates=config.updates,
        steps=steps,
        batch_size=config.batch_size,
        lr=schedule(config.lr_decay, config.lr, steps, epoch, config.lr_step_epochs, config.lr_step_factor),
        degradation=degradations.parse(config.degradation) if config.degradation else None,
    )


def _of_the_encoder(config: TrainConfig, game: Stage) -> list[Stage]:
    """After the game of an encoder and a generator: the settling, and the tuning of the robust encoder."""
    robust = config.robust
    # AGE can invert any generator; an encoder that draws its codes to the prior has no margin to stop at.
    objective, terms = build_objective(config.model_copy(update={"objective": "age", "margin": None}))
    settling = replace(
        game,
        name="finetune",
        objective=objective,
        terms=terms,
        updates={"encoder": config.finetune.update},
        steps=config.finetune.steps,
        lr=schedule("cosine", config.finetune.lr, max(config.finetune.steps, 1)),
        degradation=None,
        batch_statistics=False,
    )
    tuning = Stage(
        name="robust",
        objective=robust_encoder_terms,
        terms=robust_objective.TERMS,
        updates={"robust_encoder": robust.update},
        steps=robust.steps,
        batch_size=robust.batch_size,
        lr=schedule("cosine", robust.lr, max(robust.steps, 1)),
        degradation=degradations.parse(robust.degradation),
    )
    return [settling, tuning]


def _paints(config: TrainConfig) -> Stage:
    paints = config.code_prior
    return Stage(
        name="code_prior",
        objective=code_prior_terms,
        terms=paints_objective.TERMS,
        updates={"code_prior": paints.update},
        steps=paints.steps,
        batch_size=config.batch_size,
        lr=schedule("linear", paints.lr, max(paints.steps, 1)),
    )


def _estimate(config: TrainConfig) -> Stage:
    estimate = config.estimate
    return Stage(
        name="estimate",
        objective=regression_terms,
        terms=estimate_objective.TERMS,
        updates={"estimator": estimate.update},
        steps=estimate.steps,
        batch_size=estimate.batch_size,
        lr=schedule(estimate.lr_decay, estimate.lr, max(estimate.steps, 1)),
        degradation=degradations.parse(config.degradation),
    )
