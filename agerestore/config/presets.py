"""Presets: named training configurations, as settings that differ from the defaults of `TrainConfig`.

Here are those that users train with. Those that only repeat papers are rows of `agerestore.research.presets`; `find`
reaches both. ``agerestore train DATA --preset NAME --dry-run`` prints a preset in full.

Published settings are given as published: in the AGE paper (Ulyanov et al., 2017, section 3.1) and in the commands in
the README of its code.
"""

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from agerestore.config.extensions import look_up
from agerestore.config.extensions import research as load_research
from agerestore.errors import UsageError


class Preset(NamedTuple):
    """One row.

    Attributes:
        about: what it is for, one line.
        settings: dotted key of `agerestore.config.training.TrainConfig` -> value; applied last.
        base: a preset whose settings come first; empty for none.
        objective: an objective whose `DEFAULTS` replace those of the base; empty to stay with the base's.
    """

    about: str
    settings: Mapping[str, Any]
    base: str = ""
    objective: str = ""


def published_updates(generator_steps: int, mu: float, lam: float) -> dict[str, Any]:
    """The update plan of the AGE paper, equations (5) and (6): mu weighs x's reconstruction and lambda that of z."""
    return {
        "encoder": {"steps": 1, "weights": {"kl_real": 1, "kl_fake": -1, "match_x": mu}},
        "generator": {"steps": generator_steps, "weights": {"kl_fake": 1, "match_z": lam}},
    }


# Ours, found by measurement (docs/experiments.md): divergences weigh ten times as much and push no further than a
# margin, which keeps codes on the whole sphere; the generator too sees a little of the data-space loss, without which
# it writes z invisibly into the image; and the encoder is fine-tuned after the adversarial stage.
_BALANCED = {
    "encoder": {"weights": {"kl_real": 10, "kl_fake": -10, "match_x": 50}},
    "generator": {"steps": 2, "weights": {"kl_fake": 10, "match_z": 128, "match_x": 10}},
}

# Nearly half of the patches have nothing but Gaussian noise, which published tables measure; one in eight has next to
# none, so that clean photographs, text and drawings are left alone; the rest has what people's photographs suffer from,
# JPEG most of all, which many were cropped or enlarged after. Cracks, scratches and holes are always marked as missing:
# a network that has to guess them erases thin lines, letters and outlines. Degradations or combinations absent from
# this mix are forgotten during fine-tuning.
_PHOTO_DEGRADATIONS = "|".join([
    *["noise:sigma=0..55"] * 20, *["noise:sigma=0..55:clip=1"] * 6, *["noise:sigma=40..85:clip=1"] * 2,
    *["noise:sigma=0"] * 3, *["noise:sigma=0..2"] * 4, "jpeg:quality=85..98",
    *["jpeg:quality=8..30"] * 3, *["jpeg:quality=8..30:top=0..15:left=0..15"] * 2,
    *["jpeg:quality=8..95:top=0..15:left=0..15"] * 2,
    "jpeg:quality=10..70:top=0..15:left=0..15,jpeg:quality=30..90", "webp:quality=10..80,jpeg:quality=30..90",
    *["jpeg:quality=20..95:enlarged=1..2.5"] * 2, *["webp:quality=2..80"] * 2,
    "missing:fraction=0.1..0.8", "saltpepper:amount=0..0.5",
    "poisson:peak=4..500:sigma=0..10", "poisson:peak=4..200:sigma=0..10,jpeg:quality=60..95",
    *["grain:sigma=0..25:size=0.3..1.5"] * 2, "grain:sigma=0..50:size=0.2..1.4:color=0..1",
    "grain:sigma=0..35:size=0.2..1.2:color=1,jpeg:quality=50..95",
    *["film-grain:sigma=0..30:size=0.3..1.5"] * 2, "film-grain:sigma=0..25:size=0.3..1.5,jpeg:quality=50..95",
    "noise:sigma=0..40,jpeg:quality=50..95", "noise:sigma=0..30,webp:quality=40..95",
    "scratches:width=1..4:coverage=0.03..0.06:known=1", "cracks:known=1", "scuffs:known=1", "tears:known=1",
    "holes:count=1..3:size=8..40", "holes:count=1..4:size=8..24,noise:sigma=0..15",
    "noise:sigma=3..40,scratches:width=1..3:coverage=0.005..0.03:known=1",
    "film-grain,cracks:known=1,scuffs:known=1,jpeg:quality=40..95",
    "blur:sigma=0..1.2,film-grain,specks:known=1,tears:known=1:chance=0.5,jpeg:quality=50..95",
])  # fmt: skip

# A print as it looks, its defects, and how it was scanned. Half of the patches of `defects` have no defect.
_PRINT_LOOK = (
    "blur:sigma=0.4..2:chance=0.4,film-grain:chance=0.6,toning:chance=0.85,fading:sepia=0:contrast=0.8..1:chance=0.5,"
    "vignetting:chance=0.4,mottling:chance=0.3,stains:chance=0.35,border:chance=0.2"
)
_PRINT_DEFECTS = (
    "creases:chance=0.25,cracks:chance=0.4,craquelure:chance=0.1,scuffs:chance=0.45,specks:chance=0.65,"
    "tears:chance=0.35"
)
_SCAN = "blur:sigma=0.3..1.2:chance=0.6,noise:sigma=1..7:clip=1:chance=0.5,jpeg:quality=35..96:chance=0.7"
_PRINTS = "|".join([
    *[f"{_PRINT_LOOK},{_PRINT_DEFECTS},{_SCAN}"] * 2, f"{_PRINT_LOOK},{_SCAN}", _SCAN,
])  # fmt: skip

# objective -> what belongs to it whatever is trained: its update steps, and networks where those of AGE do not do.
DEFAULTS: dict[str, dict[str, Any]] = {
    "age": {"updates": _BALANCED, "margin": 0.15, "match_x": "l1", "lr": 1.5e-3, "lr_decay": "linear",
            "degradation": "", "betas": [0.5, 0.999], "finetune.steps": 800},
}  # fmt: skip

PRESETS: dict[str, Preset] = {
    "age": Preset("encoder and generator for 32x32 color images of one kind, such as your own folder", {
        "network.latent_dim": 64, "network.width": 32, "network.channels": 3, "steps": 8000, "flip": True,
    }, base="age-mnist"),
    "age-mnist": Preset("handwritten digits, 32x32 gray; the shipped model mnist", {
        "network.channels": 1, "network.latent_dim": 64, "network.width": 32, "updates": _BALANCED, "margin": 0.15,
        "lr": 1.5e-3, "lr_decay": "linear", "steps": 2500, "precision": "bf16",
        "finetune.steps": 800, "robust.steps": 16_000,
    }),
    "age-svhn": Preset("house numbers, 32x32 color; the shipped model svhn", {
        "network.channels": 3, "steps": 5000, "finetune.steps": 600, "robust.steps": 8000,
    }, base="age-mnist"),
    "celeba": Preset("faces, 64x64 color; the shipped model celeba", {
        "network.image_size": 64, "network.spectral": True, "steps": 10_000, "robust.steps": 11_000,
    }, base="age"),
    "age-resnet": Preset("as age, with residual networks", {"network.architecture": "resnet"}, base="age"),
    "photo": Preset("photographs of any size: noise, JPEG, grain, holes; the shipped model photo", {
        "network": {
            "architecture": "photo", "widths": [24, 96, 144], "blocks": [2, 2, 6], "sampler_widths": [48, 80],
        },
        "degradation": _PHOTO_DEGRADATIONS,
        "upscaled": 0.2,  # the texture of a soft photograph is taken for grain otherwise
        "gray": 0.33,
        "estimate.steps": 200_000,
        "estimate.batch_size": 8,  # not more: at this length steps are worth more than their size
        "estimate.update": {"weights": {"estimate": 0.8, "psnr": 0.003, "uncertainty": 0.02}},
        "betas": (0.9, 0.999), "clip": 1.0, "precision": "bf16", "ema": 0.9997, "validation": 0.016,
        "sheet_every": 10_000, "log_every": 500,
        "batch_size": 16, "steps": 4000, "lr": 5e-4, "lr_decay": "linear", "margin": 0.15, "match_x": "l2",
        "updates": {
            "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.3, "match_x": 5, "match_z": 64}},
            "generator": {"weights": {"kl_fake": 1, "kl_within": 1, "match_x": 5, "match_z": 64, "variance_ratio": 1}},
        },
    }),
    "defects": Preset("cracks, scratches, specks, tears and creases of old prints, found in photographs of any size", {
        "network": {"architecture": "detector"}, "updates": {},
        "degradation": _PRINTS,
        "crop_size": 192, "gray": 0.2, "detect.steps": 60_000, "detect.lr": 2e-3, "betas": (0.9, 0.99), "clip": 1.0,
        "precision": "bf16", "ema": 0.997, "sheet_every": 2000, "log_every": 200,
    }),
    "photo-color": Preset("colors for black-and-white photographs of any size; the shipped model photo-color", {
        "network": {"architecture": "photo-color"},
        "updates": {
            "encoder": {"weights": {"kl_real": 10, "kl_fake": -5, "match_x": 5, "classes": 2}},
            "generator": {"weights": {
                "kl_fake": 3, "kl_within": 3, "match_z": 16, "match_x": 5, "classes": 4, "colorfulness": 1,
                "vividness": 1, "content": 10, "recognition": 1,
            }},
        },
        "crop_size": 128, "batch_size": 24, "lr": 1e-3, "lr_decay": "cosine", "steps": 60_000, "margin": 0.15,
        "precision": "bf16", "clip": 1.0, "robust.steps": 0, "finetune.steps": 0, "code_prior.steps": 8000,
        "validation": 0.02,
    }),
    "photo-color-regression": Preset("colors by plain regression, to compare photo-color with", {
        "network": {"architecture": "photo-color", "prior_components": 0},
        "updates": {"generator": {"weights": {"regression": 5, "estimate": 2}}},
    }, base="photo-color"),
    "cars-color": Preset("as photo-color, for photographs of cars; the shipped model cars-color", {
        "network.first_answer": "draw", "steps": 20_000, "lr": 7e-4,
    }, base="photo-color"),
    "color": Preset("colors for gray images of one kind, 64x64, from nothing", {
        # Reconstruction weighs most, in a loss that counts gray cars as much as red ones.
        "network": {"architecture": "color", "prior_components": 16},
        "updates": {
            "encoder": {"weights": {"kl_real": 10, "kl_fake": -5, "match_x": 10}},
            "generator": {"weights": {"kl_fake": 5, "kl_within": 5, "match_z": 32, "match_x": 10, "colorfulness": 1}},
        },
        "batch_size": 32, "lr": 1e-3, "lr_decay": "linear", "steps": 8000, "margin": 0.15, "match_x": "log",
        "precision": "bf16", "augment": True, "views": True, "clip": 1.0, "robust.steps": 0, "code_prior.steps": 8000,
    }),
    "color-regression": Preset("colors by plain regression, to compare color with", {
        "network": {"architecture": "color"}, "updates": {"generator": {"weights": {"regression": 1}}},
    }, base="color"),
    "age-cifar10": Preset("CIFAR-10 as published", {
        "network.latent_dim": 128, "updates": published_updates(2, mu=10, lam=1000), "epochs": 150,
        "lr_decay": "step", "lr_step_epochs": 40,
    }),
    "age-celeba": Preset("CelebA at 64x64 as published with the code", {
        "network.image_size": 64, "network.latent_dim": 64, "updates": published_updates(3, mu=10, lam=1000),
        "epochs": 5, "lr_decay": "step", "lr_step_epochs": 5,
    }),
    "age-tinyimagenet": Preset("Tiny ImageNet as published", {
        "updates": published_updates(2, mu=10, lam=2000), "epochs": 6, "lr_step_epochs": 3,
    }, base="age-cifar10"),
}  # fmt: skip

_SIZES = ("architecture", "image_size", "channels", "latent_dim", "width")  # that another objective leaves alone
_OWN = ("views", "style_noise")  # settings that belong to some objectives alone


def presets(research: bool = True) -> dict[str, str]:
    """All presets, name -> what it is for in one line: those of users first, then those that repeat papers.

    Args:
        research: with the latter, or without.
    """
    rows = {**PRESETS, **(load_research("presets").PRESETS if research else {})}
    return {name: preset.about for name, preset in rows.items()}


def objectives() -> list[str]:
    """The names of all objectives; ``age`` first."""
    return [*DEFAULTS, *load_research("presets").DEFAULTS]


def find(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UsageError: there is none; the message proposes others.
    """
    try:
        preset: Preset = look_up(name, PRESETS, "presets", "PRESETS")
    except KeyError:
        similar = get_close_matches(name, presets(), n=3) or PRESETS
        raise UsageError(f"no preset {name!r}; choose one such as {', '.join(similar)}") from None
    return preset


def settings_of(name: str) -> dict[str, Any]:
    """Settings of a preset with those of its base and objective, nested as `TrainConfig` is.

    Raises:
        UsageError: no such preset.
    """
    preset = find(name)
    values = settings_of(preset.base) if preset.base else {}
    if preset.objective:
        values = with_objective(values, preset.objective)
    return _assigned(values, preset.settings)


def with_objective(values: Mapping[str, Any], objective: str) -> dict[str, Any]:
    """Settings under another objective: sizes, data and schedule stay, update steps and kinds of networks change.

    Args:
        values: nested settings of a pair of networks.
        objective: one of `objectives`.
    """
    network = {name: value for name, value in values.get("network", {}).items() if name in _SIZES}
    others = {name: value for name, value in values.items() if name not in (*_OWN, "network")}
    defaults = look_up(objective, DEFAULTS, "presets", "DEFAULTS")
    replaced = {key.partition(".")[0] for key in defaults} - {"network"}
    others = {name: value for name, value in others.items() if name not in replaced}
    return _assigned({**others, "objective": objective, "network": network}, defaults)


def _assigned(values: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values with dotted settings put in; changes ``values``."""
    for key, value in settings.items():
        *path, last = key.split(".")
        inner = values
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = copy.deepcopy(value)
    return values
