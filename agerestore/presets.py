"""Every preset as a row: settings of `agerestore.config.TrainConfig` that differ from its defaults.

Published settings are given as published; the sources are the AGE paper (section 3.1) and the commands in the
README of the official code.
"""

from typing import Any


def _age(steps: int, mu: float, lam: float) -> dict[str, Any]:
    """The published update plan: equations (5) and (6), with ``steps`` generator steps to one encoder step."""
    return {
        "encoder": {"steps": 1, "weights": {"kl_real": 1, "kl_fake": -1, "match_x": mu}},
        "generator": {"steps": steps, "weights": {"kl_fake": 1, "match_z": lam}},
    }


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
        *["noise:sigma=0..55"] * 6, *["noise:sigma=0..55:clip=1"] * 3, *["jpeg:quality=8..40"] * 2,
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
        "encoder": {"weights": {"kl_real": 10, "kl_fake": -10, "match_x": 50}},
        "generator": {"weights": {"kl_fake": 10, "kl_within": 10, "match_z": 64, "match_x": 50, "colorfulness": 0.1}},
    },
    "batch_size": 32, "lr": 1e-3, "lr_decay": "linear", "steps": 6000, "margin": 0.15, "match_x": "l2",
    "precision": "bf16", "augment": True, "clip": 1.0, "robust": {"steps": 0},
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
