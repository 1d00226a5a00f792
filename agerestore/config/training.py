"""The configuration of a training run, as frozen data; `agerestore.config.presets` has presets of it."""

from __future__ import annotations

import json
import math
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from agerestore.config import legacy
from agerestore.config.networks import CONFIGS, AnyNetworkConfig, AutoencoderConfig, Frozen
from agerestore.config.presets import objectives, settings_of, with_objective
from agerestore.config.stages import (
    CodePriorConfig,
    DetectConfig,
    EstimateConfig,
    FinetuneConfig,
    RobustConfig,
    UpdateStep,
)
from agerestore.errors import UsageError

Decay = Literal["constant", "linear", "cosine", "step"]

SAMPLES_PER_CONDITION = 4  # codes for each condition, in the loss terms that compare samples
# Fields that may change when a run is resumed: how fast it runs, and how often it writes something.
RUNTIME_FIELDS = {"compiled", "workers", "cuda_graph", "state_minutes", "sheet_every", "log_every"}

Model = TypeVar("Model", bound=BaseModel)


# Fields that have an effect with some kinds of networks and objectives only.
DATA_FIELDS = (
    "flip", "shift", "augment", "gray", "upscaled", "crop_size", "workers", "views", "degradation", "sigma",
    "style_noise", "labels",
)  # fmt: skip


class TrainConfig(Frozen):
    """A whole training run. ``steps`` counts iterations of the adversarial stage; without it ``epochs`` counts."""

    preset: str = "age"
    objective: str = "age"
    network: AnyNetworkConfig = AutoencoderConfig()
    crop_size: int = Field(64, ge=16, multiple_of=16, description="side in pixels of the patches of photographs")
    degradation: str = Field("", description="of the patches of photographs, or of what an AAE encodes")
    gray: float = Field(0, ge=0, le=1, description="share of the patches that are made gray")
    upscaled: float = Field(0, ge=0, le=1, description="share of the patches that are upscaled before degradation")
    estimate: EstimateConfig = EstimateConfig()
    detect: DetectConfig = DetectConfig()
    updates: dict[str, UpdateStep] = Field(description="player -> its update step in the adversarial stage")
    divergence: Literal["gaussian", "age_code", "nearest"] = "age_code"
    match_x: Literal["l1", "l2", "log"] = "l1"
    match_z: Literal["cos", "l2"] = "cos"
    sigma: float | None = Field(
        None, gt=0, description="std of a VAE's likelihood, for images in [-1, 1]; if not set, the best of each batch"
    )
    labels: int | None = Field(None, ge=1, description="training images whose label is known; all if not set")
    margin: float | None = Field(
        None, gt=0, description="the encoder gains nothing by kl_fake beyond its ideal + margin"
    )
    style_noise: float = Field(
        0, ge=0, lt=1, description="std of noise in the styles that the generator of a deterministic AAE sees"
    )
    batch_size: int = Field(64, ge=2)
    steps: int | None = Field(None, ge=0, description="iterations of the adversarial stage; 0 leaves it out")
    epochs: float = Field(100, gt=0, description="its length where steps is not set")
    lr: float = Field(2e-4, gt=0)
    lr_decay: Decay = "constant"
    lr_step_epochs: int = Field(40, ge=1, description="epochs between two steps of lr_decay=step")
    lr_step_factor: float = Field(0.5, gt=0, le=1, description="factor of the learning rate at each of them")
    betas: tuple[float, float] = (0.5, 0.999)
    clip: float | None = Field(None, gt=0, description="largest norm of the gradient of an update step")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the moving average of weights, which is kept")
    finetune: FinetuneConfig = FinetuneConfig()
    robust: RobustConfig = RobustConfig()
    code_prior: CodePriorConfig = CodePriorConfig()

    flip: bool = Field(False, description="mirror half of the images")
    shift: int = Field(0, ge=0, le=8, description="largest shift of an image, in pixels along each axis")
    views: bool = Field(False, description="show another view of each image, of the same colors or the same class")
    augment: bool = Field(False, description="vary geometry and color of clean images")
    validation: float = Field(0.05, ge=0, lt=1, description="share of the training set that is held out")
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = Field(False, description="torch.compile: half a minute at the start, then faster steps")
    workers: int = Field(
        0, ge=0, description="processes that draw patches or augment images ahead; with augment at least 1"
    )
    cuda_graph: bool = Field(False, description="record the steps on one CUDA device as graphs: five times as fast")
    state_minutes: float = Field(3.0, ge=0, description="minutes between two states that the run can resume from")
    sheet_every: int = Field(1000, ge=1, description="iterations between two contact sheets")
    log_every: int = Field(50, ge=1, description="iterations between two lines of the log")

    def learns_like(self, other: TrainConfig) -> bool:
        """Whether two runs train alike: whether all fields but `RUNTIME_FIELDS` are equal."""
        return self.model_dump(exclude=RUNTIME_FIELDS) == other.model_dump(exclude=RUNTIME_FIELDS)

    @property
    def needs_labels(self) -> bool:
        """Whether the run needs a set with labels."""
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
            raise ValueError(
                f"objective={self.objective} is for an unconditional encoder and generator: choose another preset"
            )
        weighed = any(step.steps and step.weights.get("match_z") for step in self.updates.values())
        if self.match_z == "cos" and weighed and self.network.prior == "gaussian":
            raise ValueError("match_z=cos does not see how long a Gaussian code is: set match_z=l2")
        if idle := self._ineffective():
            raise ValueError(f"{' and '.join(idle)} would have no effect here: leave that out")
        return self

    def _ineffective(self) -> list[str]:
        """Fields that differ from their defaults and have no effect on what the run sees or minimizes."""
        terms = {name for step in self.updates.values() for name, weight in step.weights.items() if weight}
        effective = self.network.data_settings | {
            name
            for name, is_read in {
                "views": bool(terms & {"agreement", "match_view"}),
                "degradation": self.objective not in ("age", "dcgan"),  # whose losses see no degraded images
                "workers": self.augment,
                "sigma": self.objective == "vae",
                "style_noise": self.objective.startswith("aae"),
                "labels": self.needs_labels,
            }.items()
            if is_read
        }
        return [name for name in DATA_FIELDS if name not in effective and getattr(self, name) != _default(name)]

    @property
    def compares_draws(self) -> bool:
        """Whether the adversarial stage has loss terms that compare samples of one condition."""
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
    # Whole before it is changed, so that a setting replaces one value and leaves the other defaults.
    row = settings_of(preset)
    named = [setting.removeprefix("objective=") for setting in settings if setting.startswith("objective=")]
    pair = not CONFIGS[row.get("network", {}).get("architecture", "dcgan")].is_conditional
    if pair and named and named[-1] in objectives() and named[-1] != row.get("objective", "age"):
        row = with_objective(row, named[-1])
    values = TrainConfig(preset=preset, **row).model_dump(mode="json")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"`settings`: {setting!r} is not of the form key=value, such as steps=2000")
        _assign(values, key.split("."), text)
    _shorten(values, {setting.partition("=")[0] for setting in settings}, row.get("steps"))
    return parse(TrainConfig, values, "`settings`")


def _shorten(values: dict[str, Any], named: set[str], usual: int | None) -> None:
    """Shorten the other stages of a run that ``steps`` shortens, unless they are set too."""
    steps = values["steps"]
    if "steps" not in named or not isinstance(steps, int) or not steps:
        return
    for stage in ("estimate", "detect", "finetune", "robust", "code_prior"):
        if f"{stage}.steps" not in named:
            full = values[stage]["steps"]
            values[stage]["steps"] = min(full, math.ceil(full * steps / (usual or max(full, 1))))


def _assign(values: dict[str, Any], path: list[str], text: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UsageError(f"`settings` {'.'.join(path)}: {part} holds a single value, not keys")
    values[path[-1]] = _value(text)


def _value(text: str) -> Any:
    """A list, a whole number, or text that pydantic turns into the field's own type."""
    if not text.startswith("["):
        return int(text) if text.isdecimal() else text
    try:
        return json.loads(text)
    except ValueError:
        raise UsageError(f"`settings`: {text} is not a list such as [16,64,128]") from None


def parse(model: type[Model], values: dict[str, Any], where: str) -> Model:
    """Validate ``values`` as ``model``; the first thing wrong becomes one line that starts with ``where``."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        unknown = first["type"] == "extra_forbidden"
        hint = _like(values, first["loc"]) if unknown else first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{where} {key}".rstrip() + f": {hint}") from None


def _like(values: Any, path: tuple[int | str, ...]) -> str:
    """What to say of an unknown key: one that is spelled nearly like it, or all keys there are at that place."""
    for part in path[:-1]:
        values = values[part]
    others = [key for key in values if key != path[-1]]
    near = get_close_matches(str(path[-1]), others, 1)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; there are {', '.join(others)}"


def read_config(path: Path) -> TrainConfig:
    """Read the ``config.json`` of a run.

    Raises:
        UsageError: it is not there, or is no configuration.
    """
    if not path.exists():
        raise UsageError(f"{path.parent}: holds no run to go on with; leave out `resume`, or name its folder")
    try:
        return parse(TrainConfig, legacy.training(json.loads(path.read_text(encoding="utf-8"))), str(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable training configuration ({error}); start a new run") from None
