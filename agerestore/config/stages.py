"""The configuration of the stages of a training run, and of the update steps in them, as frozen data.

Weights of loss terms are signed: a player minimizes the sum of weight x term.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from agerestore.config.networks import Frozen


class UpdateStep(Frozen):
    """What a player does in an iteration: how many steps of its optimizer, and what they minimize.

    A player is a network by its name, or several joined by +, such as encoder+generator, that take one step together.
    """

    steps: int = Field(1, ge=0)
    rate: float = Field(1.0, gt=0, description="factor of the learning rate of the stage")
    weights: dict[str, float] = Field(description="loss term -> weight")


class StageConfig(Frozen):
    """A stage of training in which one network learns alone.

    Attributes:
        player: the network.
        decay: how the learning rate falls, see `agerestore.training.stages.learning_rate`.
    """

    player: ClassVar[str]

    steps: int = Field(0, ge=0, description="iterations; 0 leaves the stage out")
    lr: float = Field(1e-3, gt=0, description="learning rate at its beginning")
    update: UpdateStep

    @property
    def decay(self) -> str:
        """How the learning rate falls."""
        return "cosine"


class FinetuneConfig(StageConfig):
    """Encoder fine-tuning after the adversarial stage: it learns to invert the generator, both as they are used.

    The generator is frozen, and the batch norms keep their running statistics.
    """

    player: ClassVar[str] = "encoder"

    lr: float = Field(5e-4, gt=0, description="learning rate at its beginning")
    update: UpdateStep = UpdateStep(weights={"kl_real": 2, "kl_fake": 10, "match_x": 50, "match_z": 128})


class RobustConfig(StageConfig):
    """The robust encoder, a copy of the encoder that learns to encode degraded images; the generator is frozen."""

    player: ClassVar[str] = "robust_encoder"

    steps: int = Field(4000, ge=0, description="iterations; 0 leaves the robust encoder out")
    batch_size: int = Field(64, ge=2)
    degradation: str = (
        "noise:sigma=20..140:clip=1|noise:sigma=0..128|saltpepper:amount=0..0.4|hole:size=8..18"
        "|holes:count=1..2:size=8..16|missing:fraction=0.2..0.7|strokes,noise:sigma=0..60|blur:sigma=0..2,noise:sigma=0..40:clip=1"
    )
    update: UpdateStep = UpdateStep(weights={"image": 1.0, "code": 0.01})


class CodePriorConfig(StageConfig):
    """The distribution of color codes given the lightness; encoder and generator are frozen."""

    player: ClassVar[str] = "code_prior"

    update: UpdateStep = UpdateStep(weights={"surprisal": 1.0})

    @property
    def decay(self) -> str:
        """How the learning rate falls."""
        return "linear"


class DetectConfig(StageConfig):
    """Training of a detector on drawn defects."""

    player: ClassVar[str] = "detector"

    batch_size: int = Field(8, ge=1)
    update: UpdateStep = UpdateStep(weights={"defect": 8.0, "kind": 0.15})


class EstimateConfig(StageConfig):
    """Regression before the adversarial stage: the estimator learns the best single estimate of a clean image."""

    player: ClassVar[str] = "estimator"

    lr_decay: Literal["constant", "linear", "cosine"] = "cosine"  # this stage has no epochs
    batch_size: int = Field(32, ge=1)
    update: UpdateStep = UpdateStep(weights={"estimate": 1.0, "uncertainty": 0.02})

    @property
    def decay(self) -> str:
        """How the learning rate falls."""
        return self.lr_decay
