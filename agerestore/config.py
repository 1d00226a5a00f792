"""What a run is made of, as frozen data: networks, turns, schedule; and every preset as a row.

Published settings are given as published; the sources are the AGE paper (section 3.1) and the commands in the
README of the official code. Weights are signed: a player minimises the sum of weight x term over its turn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from agerestore.errors import UsageError

Prior = Literal["sphere", "gaussian"]
Decay = Literal["constant", "linear", "cosine", "step"]

SMALLEST_TILE = 64  # pixels a side; a tile for which memory is short is divided no further

Model = TypeVar("Model", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(_Frozen):
    """Everything needed to build an unconditional encoder and generator again."""

    architecture: Literal["dcgan", "resnet"] = "dcgan"
    image_size: Literal[32, 64] = 32
    channels: Literal[1, 3] = 3
    latent_dim: int = Field(128, ge=2)
    width: int = Field(64, ge=1, description="channels of the first encoder layer; 64 in the paper")
    prior: Prior = "sphere"


class PhotoConfig(_Frozen):
    """Everything needed to build the fully convolutional networks for photographs again."""

    architecture: Literal["photo"] = "photo"
    widths: tuple[int, int, int] = Field((16, 64, 128), description="channels at full, half and quarter resolution")
    blocks: tuple[int, int, int] = Field((1, 2, 4), description="residual blocks there")
    latent_dim: int = Field(16, ge=0, description="of the code of each region; 0 for the estimator alone")

    @property
    def channels(self) -> int:
        """Of a picture: photographs are RGB."""
        return 3

    @property
    def prior(self) -> Prior:
        """Of the code of each region."""
        return "sphere"


class ColorConfig(_Frozen):
    """Everything needed to build an encoder of colours and a generator of the colours of a grey picture again."""

    architecture: Literal["color", "color-resnet"] = "color"
    image_size: Literal[64] = 64
    latent_dim: int = Field(16, ge=2)
    width: int = Field(32, ge=1, description="channels of the first layers; 64 in the author's color-resnet")

    @property
    def channels(self) -> int:
        """Of a picture: lightness and two of colour."""
        return 3

    @property
    def prior(self) -> Prior:
        """Of the codes."""
        return "sphere"


def _kind_of_network(value: Any) -> str:
    architecture = value.get("architecture") if isinstance(value, dict) else getattr(value, "architecture", None)
    return {"photo": "photo", "color": "color", "color-resnet": "color"}.get(str(architecture), "age")


AnyNetworkConfig = Annotated[
    Annotated[NetworkConfig, Tag("age")] | Annotated[PhotoConfig, Tag("photo")] | Annotated[ColorConfig, Tag("color")],
    Discriminator(_kind_of_network),
]


class Turn(_Frozen):
    """One player's turn in an iteration: how many steps it takes, and what it minimises."""

    steps: int = Field(1, ge=0)
    weights: dict[str, float]


class SettleConfig(_Frozen):
    """After the game: the encoder alone learns to invert the generator, which is frozen, as it is used (eval mode)."""

    steps: int = Field(0, ge=0, description="0 leaves it out, as published")
    lr: float = Field(5e-4, gt=0)
    turn: Turn = Turn(weights={"kl_real": 2, "kl_fake": 10, "match_x": 50, "match_z": 128})


class RobustConfig(_Frozen):
    """After the game: how a copy of the encoder is tuned on damaged pictures, the generator frozen."""

    steps: int = Field(4000, ge=0, description="0 leaves the robust encoder out")
    lr: float = Field(1e-3, gt=0)
    batch_size: int = Field(64, ge=2)
    damage: str = (
        "noise:sigma=20..140:clip=1|noise:sigma=0..128|saltpepper:amount=0..0.4|hole:size=8..18"
        "|holes:count=1..2:size=8..16|missing:fraction=0.2..0.7|strokes,noise:sigma=0..60|blur:sigma=0..2,noise:sigma=0..40:clip=1"
    )
    turn: Turn = Turn(weights={"image": 1.0, "code": 0.01})


class EstimateConfig(_Frozen):
    """Before the conditional game: the centre of the latent learns, by regression, to be the best single estimate."""

    steps: int = Field(0, ge=0, description="0 leaves it out: the estimator stays as it is")
    lr: float = Field(1e-3, gt=0)
    lr_decay: Decay = "cosine"
    batch_size: int = Field(32, ge=1)
    turn: Turn = Turn(weights={"estimate": 1.0, "uncertainty": 0.02})


class TrainConfig(_Frozen):
    """A whole training run. ``steps`` counts iterations (all turns once); without it ``epochs`` counts."""

    preset: str = "age"
    objective: Literal["age"] = "age"
    network: AnyNetworkConfig = NetworkConfig()
    crop_size: int = Field(64, ge=16, multiple_of=16, description="of the pieces of photographs that training sees")
    damage: str = Field("", description="what happens to the pieces of photographs")
    grey: float = Field(0, ge=0, le=1, description="share of the pieces of photographs that are made grey")
    estimate: EstimateConfig = EstimateConfig()
    turns: dict[str, Turn]
    divergence: Literal["gaussian", "official", "nearest"] = "official"
    match_x: Literal["l1", "l2", "log"] = "l1"
    match_z: Literal["cos", "l2"] = "cos"
    margin: float | None = Field(
        None, gt=0, description="the encoder gains nothing by kl_fake beyond the ideal + margin"
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
    settle: SettleConfig = SettleConfig()
    robust: RobustConfig = RobustConfig()

    flip: bool = False
    views: bool = Field(False, description="the code of a picture is to give the colours of another view of it")
    augment: bool = False
    validation: float = Field(0.05, ge=0, lt=1, description="share of the training set held out")
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    state_minutes: float = Field(3.0, ge=0)
    sheet_every: int = Field(1000, ge=1, description="iterations between contact sheets")
    log_every: int = Field(50, ge=1)


def _age(steps: int, mu: float, lam: float) -> dict[str, Any]:
    """The published update plan: equations (5) and (6), with ``steps`` generator steps to one encoder step."""
    return {
        "encoder": {"steps": 1, "weights": {"kl_real": 1, "kl_fake": -1, "match_x": mu}},
        "generator": {"steps": steps, "weights": {"kl_fake": 1, "match_z": lam}},
    }


@dataclass(frozen=True)
class RestoreSettings:
    """How pictures are to be restored.

    Attributes:
        refine: steps of latent refinement, of models of a domain.
        strength: 0 leaves observed pixels of photographs as they are, 1 takes the estimate.
        sigma: standard deviation of the noise of photographs, 0 to 255, where it is known: no more is removed.
        unfade: bring black and white of the restored picture back to the ends of the range.
        tile: pixels a side of photographs that are computed at a time; None for as many as the free memory allows.
        precision: ``fp32``, ``bf16`` or ``auto``: for photographs the faster one on the device, else fp32.
    """

    refine: int = 0
    strength: float = 1.0
    sigma: float | None = None
    unfade: bool = False
    tile: int | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.refine < 0:
            raise UsageError(f"--refine {self.refine} is below 0")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"--strength {self.strength:g} is not within 0 to 1")
        if self.sigma is not None and not 0 <= self.sigma <= 255:
            raise UsageError(f"--sigma {self.sigma:g} is not within 0 to 255")
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise UsageError(f"--tile {self.tile} is too small; take {SMALLEST_TILE} or more, or auto")


@dataclass(frozen=True)
class ColorizeSettings:
    """How grey pictures are to be coloured.

    Attributes:
        strength: 0 leaves them grey, 1 gives them all the colour the model draws.
        sepia: take a toned picture for a grey one.
        force: take a picture that has colours already, or that is out of the model's domain.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.
    """

    strength: float = 1.0
    sepia: bool = False
    force: bool = False
    precision: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UsageError(f"--strength {self.strength:g} is not within 0 to 1")


_CIFAR10 = {"network": {"latent_dim": 128}, "turns": _age(2, 10, 1000), "epochs": 150, "lr_decay": "step",
            "lr_step_epochs": 40}  # fmt: skip
# Ours, found by measurement (docs/experiments.md): divergences weigh ten times as much and push no further than a
# margin, which keeps codes on the whole sphere; the generator too sees a little of the data-space loss, without which
# it then writes z invisibly; and the encoder settles after the game.
_BALANCED = {
    "encoder": {"weights": {"kl_real": 10, "kl_fake": -10, "match_x": 50}},
    "generator": {"steps": 2, "weights": {"kl_fake": 10, "match_z": 128, "match_x": 10}},
}
_MNIST = {"network": {"channels": 1, "latent_dim": 64, "width": 32}, "turns": _BALANCED, "lr": 1.5e-3,
          "lr_decay": "linear", "steps": 2500, "precision": "bf16", "margin": 0.15,
          "settle": {"steps": 800}, "robust": {"steps": 16000}}  # fmt: skip

# Half of the pieces have nothing but Gaussian noise, which the published tables measure; the rest what people's
# photographs suffer from. Eight pieces a step and not more: at this length steps are worth more than their size.
_PHOTO = {
    "network": {"architecture": "photo"},
    "damage": "|".join([
        *["noise:sigma=0..55"] * 7, *["noise:sigma=0..55:clip=1"] * 3, *["jpeg:quality=8..40"] * 3,
        "jpeg:quality=8..95", "saltpepper:amount=0..0.3", "missing:fraction=0.1..0.8",
        "scratches:width=1..4:coverage=0.03..0.06:known=0..1", "holes:count=1..3:size=4..24,noise:sigma=0..15:clip=1",
        "poisson,blur:sigma=0..1,jpeg:quality=40..95", "grain,blur:sigma=0..1.2,scratches,dust,jpeg:quality=50..95",
    ]),
    "grey": 0.125, "estimate": {"steps": 200_000, "batch_size": 8}, "betas": (0.9, 0.999), "clip": 1.0,
    "precision": "bf16", "ema": 0.9997, "validation": 0.016, "sheet_every": 10_000, "log_every": 500,
    "batch_size": 16, "steps": 4000, "lr": 5e-4, "lr_decay": "linear", "margin": 0.15, "match_x": "l2",
    "turns": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.3, "match_x": 5, "match_z": 64}},
        "generator": {"weights": {"kl_fake": 1, "kl_within": 1, "match_x": 5, "match_z": 64, "energy": 1}},
    },
}  # fmt: skip

# The author's colorization, from his commands (branch cAGE): a pure game on raw Lab, four generator steps.
_CARS_PAPER = {
    "network": {"architecture": "color-resnet", "latent_dim": 16, "width": 64},
    "turns": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.5}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1}},
    },
    "lr": 6e-4, "lr_decay": "step", "lr_step_epochs": 2, "lr_step_factor": 0.96, "epochs": 200, "robust": {"steps": 0},
}  # fmt: skip
_CARS = {
    "network": {"architecture": "color"},
    "turns": {
        "encoder": {"weights": {"kl_real": 10, "kl_fake": -10, "match_x": 5}},
        "generator": {"weights": {"kl_fake": 10, "kl_within": 10, "match_z": 128, "match_x": 5, "colorfulness": 1}},
    },
    "batch_size": 32, "lr": 1e-3, "lr_decay": "linear", "steps": 8000, "margin": 0.15, "match_x": "log",
    "precision": "bf16", "augment": True, "views": True, "clip": 1.0, "robust": {"steps": 0},
}  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    # ours
    "age": {**_MNIST, "network": {"latent_dim": 64, "width": 32}, "steps": 8000, "flip": True},
    "age-mnist": _MNIST,
    "age-resnet": {**_MNIST, "network": {"architecture": "resnet", "latent_dim": 64, "width": 32}, "steps": 8000,
                   "flip": True},
    "photo": _PHOTO,
    "cars-color": _CARS,
    "cars-color-regression": {**_CARS, "turns": {"generator": {"weights": {"centre": 1}}}},
    # published: README of the official code
    "age-celeba": {
        "network": {"image_size": 64, "latent_dim": 64}, "turns": _age(3, 10, 1000), "epochs": 5,
        "lr_decay": "step", "lr_step_epochs": 5,
    },
    "age-celeba-finetune": {  # epoch 5 to 6 of the above, from its weights, with fresh optimisers
        "network": {"image_size": 64, "latent_dim": 64}, "turns": _age(3, 15, 1000), "epochs": 1, "batch_size": 256,
    },
    "age-cifar10": _CIFAR10,
    "age-tinyimagenet": {**_CIFAR10, "turns": _age(2, 10, 2000), "epochs": 6, "lr_step_epochs": 3},
    # published: the paper, where no command exists or where it differs from the README
    "age-celeba-paper": {"network": {"image_size": 64, "latent_dim": 64}, "turns": _age(2, 10, 1000), "epochs": 5},
    "cars-color-paper": _CARS_PAPER,
    "cars-color-paper-reconstruction": {**_CARS_PAPER, "turns": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.5, "match_x": 10, "match_z": 10}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1, "match_x": 10, "match_z": 10}},
    }},
    "cars-color-paper-diversity": {**_CARS_PAPER, "turns": {
        "encoder": {"weights": {"kl_real": 1, "kl_within": -0.5}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1}},
    }},
    "age-svhn-paper": {"network": {"latent_dim": 64}, "turns": _age(2, 10, 1000), "epochs": 150},
    "age-mnist-paper": {"network": {"channels": 1, "latent_dim": 10}, "turns": _age(2, 10, 1000), "epochs": 100},
    # the paper's ablations
    "age-no-reconstruction": {**_CIFAR10, "turns": _age(2, 0, 0)},
    "age-data-space-generator": {
        **_CIFAR10,
        "turns": _age(2, 10, 1000) | {"generator": {"steps": 2, "weights": {"kl_fake": 1, "match_x": 10}}},
    },
}  # fmt: skip


def train_config(preset: str = "age", settings: tuple[str, ...] = ()) -> TrainConfig:
    """Resolve a preset and ``key=value`` settings, where a key may be dotted.

    Args:
        preset: a row of `PRESETS`.
        settings: such as ``steps=500``, ``network.width=16`` ``turns.encoder.weights.match_x=15``
            or ``network.widths=[16,64,128]``.

    Raises:
        UsageError: unknown preset or key, or a value that does not fit.

    >>> train_config("age-cifar10", ("turns.generator.steps=3", "lr=1e-4")).turns["generator"].steps
    3
    """
    if preset not in PRESETS:
        raise UsageError(f"no preset {preset!r}; choose one of {', '.join(sorted(PRESETS))}")
    # Whole before it is changed, so that a setting replaces one value and leaves the defaults beside it.
    values = TrainConfig(preset=preset, **PRESETS[preset]).model_dump(mode="json")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r} is not of the form key=value, such as steps=2000")
        _assign(values, key.split("."), text)
    return parse(TrainConfig, values, "--set")


def _assign(values: dict[str, Any], path: list[str], text: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UsageError(f"--set {'.'.join(path)}: {part} holds a single value; see --dry-run for all keys")
    values[path[-1]] = _list(text) if text.startswith("[") else text  # pydantic turns it into the field's own type


def _list(text: str) -> Any:
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
        key = ".".join(str(part) for part in first["loc"] if part not in ("age", "photo", "color"))  # tags of the union
        hint = "unknown key; see --dry-run for all of them" if first["type"] == "extra_forbidden" else first["msg"]
        raise UsageError(f"{where} {key}: {hint}") from None


def read_config(path: Path) -> TrainConfig:
    """Read the ``config.json`` of a run."""
    try:
        return parse(TrainConfig, json.loads(path.read_text()), str(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable training configuration ({error}); start without --resume") from None
