"""What a run is made of, as frozen data: networks (`agerestore.config.networks`), turns and schedule.

Its presets are rows of `agerestore.config.presets`.

Weights are signed: a player minimizes the sum of weight x term over its turn.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from agerestore.config import legacy
from agerestore.config.networks import CONFIGS, AnyNetworkConfig, AutoencoderConfig, Frozen
from agerestore.config.presets import objectives, settings_of, with_objective
from agerestore.errors import UsageError

Decay = Literal["constant", "linear", "cosine", "step"]

SAMPLES_PER_CONDITION = 4  # of z for each condition, in the terms that compare them
# Settings of a run that may be others when it goes on: how fast it is, and how often it says something.
RUNTIME_FIELDS = {"compiled", "workers", "cuda_graph", "state_minutes", "sheet_every", "log_every"}

Model = TypeVar("Model", bound=BaseModel)


class UpdateStep(Frozen):
    """One player's turn in an iteration: how many steps it takes, and what it minimizes.

    A player is a network by its name, or several joined by +, such as encoder+generator, that take one step together.
    """

    steps: int = Field(1, ge=0)
    rate: float = Field(1.0, gt=0, description="times the learning rate of the run")
    weights: dict[str, float]


class FinetuneConfig(Frozen):
    """After the game: the encoder alone learns to invert the generator, which is frozen, as it is used (eval mode)."""

    steps: int = Field(0, ge=0, description="0 leaves it out, as published")
    lr: float = Field(5e-4, gt=0)
    update: UpdateStep = UpdateStep(weights={"kl_real": 2, "kl_fake": 10, "match_x": 50, "match_z": 128})


class RobustConfig(Frozen):
    """After the game: how a copy of the encoder is tuned on damaged pictures, the generator frozen."""

    steps: int = Field(4000, ge=0, description="0 leaves the robust encoder out")
    lr: float = Field(1e-3, gt=0)
    batch_size: int = Field(64, ge=2)
    degradation: str = (
        "noise:sigma=20..140:clip=1|noise:sigma=0..128|saltpepper:amount=0..0.4|hole:size=8..18"
        "|holes:count=1..2:size=8..16|missing:fraction=0.2..0.7|strokes,noise:sigma=0..60|blur:sigma=0..2,noise:sigma=0..40:clip=1"
    )
    update: UpdateStep = UpdateStep(weights={"image": 1.0, "code": 0.01})


class CodePriorConfig(Frozen):
    """After the game on colors: which codes a lightness has is learned, encoder and generator frozen."""

    steps: int = Field(0, ge=0, description="0 leaves it out: codes are drawn from the whole sphere")
    lr: float = Field(1e-3, gt=0)
    update: UpdateStep = UpdateStep(weights={"surprisal": 1.0})


class EstimateConfig(Frozen):
    """Before the conditional game: the center of the latent learns, by regression, to be the best single estimate."""

    steps: int = Field(0, ge=0, description="0 leaves it out: the estimator stays as it is")
    lr: float = Field(1e-3, gt=0)
    lr_decay: Literal["constant", "linear", "cosine"] = "cosine"  # it knows no epochs
    batch_size: int = Field(32, ge=1)
    update: UpdateStep = UpdateStep(weights={"estimate": 1.0, "uncertainty": 0.02})


class TrainConfig(Frozen):
    """A whole training run. ``steps`` counts iterations (all turns once); without it ``epochs`` counts."""

    preset: str = "age"
    objective: str = "age"
    network: AnyNetworkConfig = AutoencoderConfig()
    crop_size: int = Field(64, ge=16, multiple_of=16, description="of the pieces of photographs that training sees")
    degradation: str = Field("", description="what happens to the pieces of photographs, or to what an AAE encodes")
    gray: float = Field(0, ge=0, le=1, description="share of the pieces of photographs that are made gray")
    upscaled: float = Field(
        0, ge=0, le=1, description="share of the pieces of photographs that are enlarged first: soft, and to stay so"
    )
    estimate: EstimateConfig = EstimateConfig()
    updates: dict[str, UpdateStep]
    divergence: Literal["gaussian", "age_code", "nearest"] = "age_code"
    match_x: Literal["l1", "l2", "log"] = "l1"
    match_z: Literal["cos", "l2"] = "cos"
    sigma: float | None = Field(
        None,
        gt=0,
        description="of the likelihood of a VAE, in a range of 2; if not set, what fits each batch best",
    )
    labels: int | None = Field(None, ge=1, description="training pictures whose label is known; all if not set")
    margin: float | None = Field(
        None, gt=0, description="the encoder gains nothing by kl_fake beyond the ideal + margin"
    )

    style_noise: float = Field(
        0,
        ge=0,
        lt=1,
        description="deviation of noise in the styles that the generator of an AAE sees, if its posterior has none",
    )
    batch_size: int = Field(64, ge=2)
    steps: int | None = Field(None, ge=0, description="iterations of the game; 0 leaves it out")
    epochs: float = Field(100, gt=0)
    lr: float = Field(2e-4, gt=0)
    lr_decay: Decay = "constant"
    lr_step_epochs: int = Field(40, ge=1, description="epochs between the steps of lr_decay=step")
    lr_step_factor: float = Field(0.5, gt=0, le=1, description="of each of them")
    betas: tuple[float, float] = (0.5, 0.999)
    clip: float | None = Field(None, gt=0, description="norm that the gradients of a step are clipped to")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are kept")
    finetune: FinetuneConfig = FinetuneConfig()
    robust: RobustConfig = RobustConfig()
    code_prior: CodePriorConfig = CodePriorConfig()

    flip: bool = False
    shift: int = Field(0, ge=0, le=8, description="pixels that images are moved by at most, each in its own direction")
    views: bool = Field(
        False, description="another view of each picture is shown: whose colors its code is to give, or of its class"
    )
    augment: bool = False
    validation: float = Field(0.05, ge=0, lt=1, description="share of the training set held out")
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = Field(False, description="networks go through torch.compile: half a minute, then steps are faster")
    workers: int = Field(
        0, ge=0, description="processes that draw and damage pieces of photographs ahead, on the CPU; for a GPU"
    )
    cuda_graph: bool = Field(
        False, description="of one CUDA device: steps are recorded as a graph and replayed, five times as fast (docs)"
    )
    state_minutes: float = Field(3.0, ge=0)
    sheet_every: int = Field(1000, ge=1, description="iterations between contact sheets")
    log_every: int = Field(50, ge=1)

    def learns_like(self, other: TrainConfig) -> bool:
        """Whether a run with these settings learns what one with others does, at whatever pace."""
        return self.model_dump(exclude=RUNTIME_FIELDS) == other.model_dump(exclude=RUNTIME_FIELDS)

    @property
    def needs_labels(self) -> bool:
        """Whether a set without labels cannot be learned from."""
        return self.network.needs_labels or any(step.weights.get("cross_entropy") for step in self.updates.values())

    @field_validator("objective")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in objectives():
            raise ValueError(f"no objective {name!r}; choose one of {', '.join(objectives())}")
        return name

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.objective != "age" and self.network.is_conditional:
            raise ValueError(f"objective={self.objective} is for an unconditional pair: choose another preset")
        if idle := self._unheeded():
            raise ValueError(f"{' and '.join(idle)} would have no effect here: leave that out")
        return self

    def _unheeded(self) -> list[str]:
        """Settings that differ from their defaults and have no effect on what training sees or minimizes."""
        weighed = {term for step in self.updates.values() for term, weight in step.weights.items() if weight}
        heeded = dict.fromkeys(("flip", "shift", "augment", "gray", "upscaled", "crop_size", "workers"), False) | {
            "views": bool(weighed & {"agreement", "match_view"}),
            "degradation": self.objective not in ("age", "dcgan"),  # whose networks see no damaged pictures
            "sigma": self.objective == "vae",
            "style_noise": self.objective.startswith("aae"),
            "labels": self.needs_labels,
        }
        heeded |= dict.fromkeys(self.network.data_settings, True)
        return [name for name, is_read in heeded.items() if not is_read and getattr(self, name) != _default(name)]

    @property
    def compares_draws(self) -> bool:
        """Whether a game under a condition is played for terms that see several draws for one condition."""
        if self.steps == 0 or not self.network.latent_dim or not self.network.is_conditional:
            return False
        weights = [step.weights for step in self.updates.values() if step.steps]
        return any(each.get("kl_within") or each.get("variance_ratio") for each in weights)


def _default(name: str) -> object:
    return TrainConfig.model_fields[name].default


def train_config(preset: str = "age", settings: tuple[str, ...] = ()) -> TrainConfig:
    """Resolve a preset and ``key=value`` settings, where a key may be dotted.

    Args:
        preset: one of `agerestore.config.presets.presets`.
        settings: such as ``steps=500``, ``network.width=16`` ``updates.encoder.weights.match_x=15``
            or ``network.widths=[16,64,128]``. ``objective=vae`` takes the update steps and networks of that objective
            first; fewer ``steps`` shorten the other stages alike, unless their own are set.

    Raises:
        UsageError: unknown preset or key, or a value that does not fit.

    >>> train_config("age-cifar10", ("updates.generator.steps=3", "lr=1e-4")).updates["generator"].steps
    3
    """
    # Whole before it is changed, so that a setting replaces one value and leaves the defaults beside it.
    row = settings_of(preset)
    named = [setting.removeprefix("objective=") for setting in settings if setting.startswith("objective=")]
    pair = not CONFIGS[row.get("network", {}).get("architecture", "dcgan")].is_conditional
    if pair and named and named[-1] in objectives() and named[-1] != row.get("objective", "age"):
        row = with_objective(row, named[-1])
    values = TrainConfig(preset=preset, **row).model_dump(mode="json")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r} is not of the form key=value, such as steps=2000")
        _assign(values, key.split("."), text)
    _shorten(values, {setting.partition("=")[0] for setting in settings}, row.get("steps"))
    return parse(TrainConfig, values, "--set")


def _shorten(values: dict[str, Any], named: set[str], usual: int | None) -> None:
    """Shorten the other stages of a run that ``steps`` shortens, unless they are set too."""
    steps = values["steps"]
    if "steps" not in named or not isinstance(steps, int) or not steps:
        return
    for stage in ("estimate", "finetune", "robust", "code_prior"):
        if f"{stage}.steps" not in named:
            full = values[stage]["steps"]
            values[stage]["steps"] = min(full, math.ceil(full * steps / (usual or max(full, 1))))


def _assign(values: dict[str, Any], path: list[str], text: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UsageError(f"--set {'.'.join(path)}: {part} holds a single value; see --dry-run for all keys")
    values[path[-1]] = _value(text)


def _value(text: str) -> Any:
    """A list, a whole number, or text that pydantic turns into the field's own type."""
    if not text.startswith("["):
        return int(text) if text.isdecimal() else text
    try:
        return json.loads(text)
    except ValueError:
        raise UsageError(f"--set: {text} is not a list such as [16,64,128]") from None


def parse(model: type[Model], values: dict[str, Any], where: str) -> Model:
    """Validate ``values`` as ``model``; the first thing wrong becomes one line that starts with ``where``."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        unknown, said = first["type"] == "extra_forbidden", first["msg"].removeprefix("Value error, ")
        hint = "unknown key; see --dry-run for all of them" if unknown else said
        raise UsageError(f"{where} {key}".rstrip() + f": {hint}") from None


def read_config(path: Path) -> TrainConfig:
    """Read the ``config.json`` of a run.

    Raises:
        UsageError: it is not there, or is no configuration.
    """
    try:
        return parse(TrainConfig, legacy.training(json.loads(path.read_text())), str(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable training configuration ({error}); start without --resume") from None
