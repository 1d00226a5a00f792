"""The stages of a training run, each with its losses, update steps, length and learning rate.

Which stages a run has is up to the configuration of its networks (`agerestore.config.networks.NetworkConfig.stages`);
`STAGES` makes each of them of the settings of the run.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from agerestore import degradations
from agerestore.config import legacy
from agerestore.config.stages import StageConfig, UpdateStep
from agerestore.config.training import TrainConfig
from agerestore.data.batches import BatchSpec
from agerestore.losses import code_prior, detection, photo_colorization, regression, robust_encoder
from agerestore.losses.base import LossTerms
from agerestore.losses.registry import build_objective


@dataclass(frozen=True)
class Stage:
    """A part of a run that is trained with one table of update steps.

    Attributes:
        name: such as ``adversarial``.
        losses: the loss terms that update steps can weigh.
        updates: the update step of each player: a network by its name, or several joined by +.
        steps: iterations, in each of which every player takes its update steps.
        batch_size: images of a batch.
        lr: learning rate, a function of the iteration.
        degradation: what happens to the images of a batch; None where the losses see none that are degraded.
        batch_statistics: whether the batch norms of networks that learn take the statistics of the batch; else they
            keep the running ones.
    """

    name: str
    losses: LossTerms
    updates: dict[str, UpdateStep]
    steps: int
    batch_size: int
    lr: Callable[[int], float]
    degradation: tuple[degradations.Step, ...] | None = None
    batch_statistics: bool = True

    @property
    def players(self) -> list[str]:
        """The players that learn: those with update steps and something to minimize."""
        return [player for player, update in self.updates.items() if update.steps and any(update.weights.values())]

    @property
    def learners(self) -> set[str]:
        """The networks that learn."""
        return {name for player in self.players for name in player.split("+")}

    @property
    def random_key(self) -> str:
        """The name that the random numbers of the stage derive from."""
        return legacy.random_key(self.name)

    @property
    def batches(self) -> BatchSpec:
        """What to draw batches of."""
        return BatchSpec(self.random_key, self.batch_size, self.steps, self.degradation)


def learning_rate(
    kind: str, lr: float, steps: int, epoch: int = 1, every: int = 1, factor: float = 0.5
) -> Callable[[int], float]:
    """Learning rate as a function of the iteration.

    Args:
        kind: ``constant``; ``linear`` or ``cosine``, which reach 0 at ``steps`` (linear only falls in the second
            half); ``step``, multiplied by ``factor`` as the last of each ``every`` epochs begins, as in the official
            code of AGE.
        lr: the rate at iteration 0.
        steps: length of the stage.
        epoch: iterations of an epoch.
        every: epochs between two steps.
        factor: at each step.
    """
    return {
        "constant": lambda step: lr,
        "linear": lambda step: lr * min(1.0, 2 * (1 - step / steps)),
        "cosine": lambda step: lr * (1 + math.cos(math.pi * step / steps)) / 2,
        "step": lambda step: lr * factor ** ((step // epoch + 1) // every),
    }[kind]


def stages(config: TrainConfig, images: int) -> list[Stage]:
    """The stages of a run on ``images`` training images, without those that have nothing to do."""
    found = [STAGES[name](config, images) for name in config.network.stages]
    return [stage for stage in found if stage.steps and stage.players]


def _adversarial(config: TrainConfig, images: int) -> Stage:
    """The players of the objective against each other, or one player alone, as in an autoencoder."""
    epoch = max(images // config.batch_size, 1)
    steps = max(1, int(config.epochs * epoch)) if config.steps is None else config.steps
    return Stage(
        name="adversarial",
        losses=build_objective(config),
        updates=config.updates,
        steps=steps,
        batch_size=config.batch_size,
        lr=learning_rate(config.lr_decay, config.lr, steps, epoch, config.lr_step_epochs, config.lr_step_factor),
        degradation=_parse(config.degradation),
    )


def _estimate(config: TrainConfig, images: int) -> Stage:
    """Regression of the estimator of photographs."""
    losses = LossTerms(regression.regression_terms, regression.TERMS)
    return _single("estimate", config.estimate, losses, config.estimate.batch_size, config.degradation)


def _detect(config: TrainConfig, images: int) -> Stage:
    """The detector learns to find drawn defects."""
    losses = LossTerms(detection.detection_terms, detection.TERMS)
    return _single("detect", config.detect, losses, config.detect.batch_size, config.degradation)


def _finetune(config: TrainConfig, images: int) -> Stage:
    """The encoder learns to invert the frozen generator, with the batch norms that it is used with.

    AGE's terms can invert any generator; the encoder of an adversarial autoencoder has no margin to stop at.
    """
    losses = build_objective(config.model_copy(update={"objective": "age", "margin": None}))
    return _single("finetune", config.finetune, losses, config.batch_size, batch_statistics=False)


def _robust(config: TrainConfig, images: int) -> Stage:
    """A copy of the encoder learns to give degraded images the codes of clean ones."""
    losses = LossTerms(robust_encoder.robust_encoder_terms, robust_encoder.TERMS)
    return _single("robust", config.robust, losses, config.robust.batch_size, config.robust.degradation)


def _code_prior(config: TrainConfig, images: int) -> Stage:
    """The distribution of codes given the lightness is fitted to those of real images."""
    losses = CODE_PRIORS[config.network.kind]
    return _single("code_prior", config.code_prior, losses, config.batch_size)


def _single(
    name: str, settings: StageConfig, losses: LossTerms, batch_size: int, degradation: str = "",
    batch_statistics: bool = True,
) -> Stage:  # fmt: skip
    """A stage in which one network learns."""
    return Stage(
        name=name,
        losses=losses,
        updates={settings.player: settings.update},
        steps=settings.steps,
        batch_size=batch_size,
        lr=learning_rate(settings.decay, settings.lr, max(settings.steps, 1)),
        degradation=_parse(degradation),
        batch_statistics=batch_statistics,
    )


def _parse(degradation: str) -> tuple[degradations.Step, ...] | None:
    return degradations.parse(degradation) if degradation else None


CODE_PRIORS = {  # kind of networks -> loss terms of their code prior
    "colorizer": LossTerms(code_prior.code_prior_terms, code_prior.TERMS),
    "photo-colorizer": LossTerms(photo_colorization.code_prior_terms, photo_colorization.CODE_PRIOR_TERMS),
}

STAGES: dict[str, Callable[[TrainConfig, int], Stage]] = {
    "estimate": _estimate,
    "detect": _detect,
    "adversarial": _adversarial,
    "finetune": _finetune,
    "robust": _robust,
    "code_prior": _code_prior,
}
