"""Every preset as a row: settings of `agerestore.config.training.TrainConfig` that differ from its defaults.

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


_CIFAR10: dict[str, Any] = {"network": {"latent_dim": 128}, "updates": _age(2, 10, 1000), "epochs": 150,
                            "lr_decay": "step", "lr_step_epochs": 40}  # fmt: skip
# What may improve the paper's plan and costs little or nothing; measured by `agerestore experiment age-improvements`.
_IMPROVEMENTS: dict[str, dict[str, Any]] = {
    "last": {"ema": 0},  # to see what the average of the weights does, which all other presets keep
    "margin": {"margin": 0.15},
    "spectral": {"network": {**_CIFAR10["network"], "spectral": True}},
    "batch256": {"batch_size": 256},
    "flip": {"flip": True},
}
# Ours, found by measurement (docs/experiments.md): divergences weigh ten times as much and push no further than a
# margin, which keeps codes on the whole sphere; the generator too sees a little of the data-space loss, without which
# it then writes z invisibly; and the encoder settles after the game.
_BALANCED = {
    "encoder": {"weights": {"kl_real": 10, "kl_fake": -10, "match_x": 50}},
    "generator": {"steps": 2, "weights": {"kl_fake": 10, "match_z": 128, "match_x": 10}},
}
_MNIST: dict[str, Any] = {"network": {"channels": 1, "latent_dim": 64, "width": 32}, "updates": _BALANCED, "lr": 1.5e-3,
          "lr_decay": "linear", "steps": 2500, "precision": "bf16", "margin": 0.15,
          "finetune": {"steps": 800}, "robust": {"steps": 16000}}  # fmt: skip

# Half of the pieces have nothing but Gaussian noise, which published tables measure, four in 59 next to none, so that
# sound photographs are left alone; the rest what people's photographs suffer from, JPEG most of all, which many were
# cropped or enlarged after. What is left out is unlearned, and so is what never comes together: scratches under noise,
# for one. A fifth of the photographs is enlarged first: the texture of a soft one is taken for grain otherwise.
# Eight pieces a step and not more: at this length steps are worth more than their size.
_PHOTO = {
    "network": {
        "architecture": "photo", "widths": [24, 96, 144], "blocks": [2, 2, 6], "game_widths": [48, 80],
    },
    "degradation": "|".join([
        *["noise:sigma=0..55"] * 20, *["noise:sigma=0..55:clip=1"] * 5, *["noise:sigma=40..85:clip=1"] * 2,
        *["noise:sigma=0..2"] * 4,
        *["jpeg:quality=8..30"] * 3, *["jpeg:quality=8..30:top=0..15:left=0..15"] * 2,
        "jpeg:quality=8..95:top=0..15:left=0..15", "jpeg:quality=10..70:top=0..15:left=0..15,jpeg:quality=30..90",
        *["jpeg:quality=20..95:enlarged=1..2.5"] * 2, *["webp:quality=2..80"] * 2,
        "missing:fraction=0.1..0.8", "saltpepper:amount=0..0.5", "poisson:peak=4..200:sigma=0..10,jpeg:quality=60..95",
        *["grain:sigma=0..25:size=0.3..1.5"] * 2, "grain:sigma=0..50:size=0.2..1.4:color=0..1",
        "grain:sigma=0..35:size=0.2..1.2:color=1,jpeg:quality=50..95",
        "noise:sigma=0..40,jpeg:quality=50..95", "noise:sigma=0..30,webp:quality=40..95",
        *["scratches:width=1..4:coverage=0.03..0.06:known=0..1"] * 2,
        "holes:count=1..3:size=8..40", "holes:count=1..4:size=8..24,noise:sigma=0..15",
        "noise:sigma=3..40,scratches:width=1..3:coverage=0.005..0.03",
        "grain:sigma=3..20:size=0.3..1.3,scratches:width=1..3:coverage=0.005..0.03,dust",
        "jpeg:quality=20..90,scratches:width=1..3:coverage=0.005..0.03,dust",
        "grain,blur:sigma=0..1.2,scratches,dust,jpeg:quality=50..95",
    ]),
    "upscaled": 0.2,
    "gray": 0.125,
    "estimate": {"steps": 200_000, "batch_size": 8,
                 "update": {"weights": {"estimate": 0.8, "psnr": 0.003, "uncertainty": 0.02}}},
    "betas": (0.9, 0.999), "clip": 1.0, "precision": "bf16", "ema": 0.9997, "validation": 0.016,
    "sheet_every": 10_000, "log_every": 500,
    "batch_size": 16, "steps": 4000, "lr": 5e-4, "lr_decay": "linear", "margin": 0.15, "match_x": "l2",
    "updates": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.3, "match_x": 5, "match_z": 64}},
        "generator": {"weights": {"kl_fake": 1, "kl_within": 1, "match_x": 5, "match_z": 64, "variance_ratio": 1}},
    },
}  # fmt: skip

# The author's colorization, from his commands (branch cAGE): a pure game on raw Lab, four generator steps.
_CARS_PAPER = {
    "network": {"architecture": "color-resnet", "latent_dim": 16, "width": 64},
    "updates": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.5}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1}},
    },
    "lr": 6e-4, "lr_decay": "step", "lr_step_epochs": 2, "lr_step_factor": 0.96, "epochs": 200, "robust": {"steps": 0},
}  # fmt: skip
# Ours (docs/experiments.md): reconstruction weighs most, in a loss that counts gray cars as much as red ones.
_CARS = {
    "network": {"architecture": "color", "paints": 16},
    "updates": {
        "encoder": {"weights": {"kl_real": 10, "kl_fake": -5, "match_x": 10}},
        "generator": {"weights": {"kl_fake": 5, "kl_within": 5, "match_z": 32, "match_x": 10, "colorfulness": 1}},
    },
    "batch_size": 32, "lr": 1e-3, "lr_decay": "linear", "steps": 8000, "margin": 0.15, "match_x": "log",
    "precision": "bf16", "augment": True, "views": True, "clip": 1.0, "robust": {"steps": 0},
    "code_prior": {"steps": 8000},
}  # fmt: skip


def _weigh(*terms: str, **weights: float) -> dict[str, Any]:
    """A turn that weighs some terms by 1, and others as given."""
    return {"weights": dict.fromkeys(terms, 1) | weights}


_BOTH = "encoder+generator"  # one step for both networks, as in an autoencoder
_CODE_CRITIC = _weigh("code_real", "code_fake")
_AAE = {_BOTH: _weigh("match_x"), "code_critic": _CODE_CRITIC, "encoder": _weigh("code_fool")}
_AAE_NETWORK: dict[str, Any] = {"prior": "gaussian", "players": ["encoder", "generator", "code_critic"]}
_LABEL_NETWORK = {**_AAE_NETWORK, "players": [*_AAE_NETWORK["players"], "label_critic"]}
# With two critics both take one step, and so do encoder and generator for all that they minimize, instead of the
# paper's two phases: half the work. Reconstruction then weighs about as much as what the critics say.
_AAE_LABELS = {
    _BOTH: _weigh("code_fool", "label_fool", match_x=20),
    "code_critic+label_critic": _weigh("code_real", "code_fake", "label_real", "label_fake"),
}
# Without labels, what makes classes (docs/experiments.md): a batch norm spreads each class over the pictures, two views
# of a picture are to be of one class, and noise leaves a style less room to tell it.
_AAE_CLUSTERS = {**_AAE_LABELS, _BOTH: _weigh("code_fool", "label_fool", "agreement", match_x=20)}
_CLUSTER_NETWORK = {**_LABEL_NETWORK, "spread": 5.0}
_AAE_SEMI = {**_AAE_LABELS, _BOTH: _weigh("code_fool", "label_fool", "cross_entropy", match_x=20)}
_GAN: dict[str, Any] = {"lr": 2e-4, "betas": [0.5, 0.999], "lr_decay": "constant", "finetune": {"steps": 0}}
_AAE_RUN: dict[str, Any] = {**_GAN, "match_x": "l2", "lr_decay": "linear"}
_VIEWS: dict[str, Any] = {"views": True, "style_noise": 0.5}

# objective -> what belongs to the system and not to a set of pictures: its turns, and networks where AGE's do not do.
# What the papers leave open, or what could only be recalled of them, is our choice (docs/architecture.md).
SYSTEMS: dict[str, dict[str, Any]] = {
    "age": {"updates": _BALANCED, "margin": 0.15, "match_x": "l1", "lr": 1.5e-3, "lr_decay": "linear",
            "degradation": "", "betas": [0.5, 0.999], "finetune": {"steps": 800}},
    "dcgan": {**_GAN, "network": {"prior": "gaussian", "players": ["generator", "critic"]}, "robust": {"steps": 0},
              "updates": {"critic": _weigh("image_real", "image_fake"), "generator": _weigh("image_fool")}},
    "vae": {**_AAE_RUN, "lr": 1e-3, "betas": [0.9, 0.999], "updates": {_BOTH: _weigh("kl", "nll")},
            "network": {"prior": "gaussian", "posterior": "gaussian"}},
    "ali": {**_GAN, "updates": {"joint_critic": _weigh("joint_real", "joint_fake"), _BOTH: _weigh("joint_fool")},
            "network": {"prior": "gaussian", "posterior": "gaussian",
                        "players": ["encoder", "generator", "joint_critic"]}},
    "aae": {**_AAE_RUN, "updates": _AAE, "network": _AAE_NETWORK},
    "aae-labels": {**_AAE_RUN, "updates": _AAE,
                   "network": {**_AAE_NETWORK, "prior": "mixture", "latent_dim": 2, "told": 10}},
    "aae-supervised": {**_AAE_RUN, "updates": {**_AAE, _BOTH: _weigh("match_x", cross_entropy=0.1)},
                       # told the label, the critic sees a style that says something of it
                       "network": {**_AAE_NETWORK, "classes": 10, "told": 10}},
    "aae-semi": {**_AAE_RUN, "network": {**_LABEL_NETWORK, "classes": 10}, "degradation": "noise:sigma=76.5",
                 "updates": _AAE_SEMI},
    "aae-clusters": {**_AAE_RUN, **_VIEWS, "network": {**_CLUSTER_NETWORK, "classes": 16}, "updates": _AAE_CLUSTERS},
    "aae-reduction": {**_AAE_RUN, **_VIEWS,
                      "updates": {**_AAE_CLUSTERS,
                                _BOTH: _weigh("code_fool", "label_fool", "agreement", "heads_apart", match_x=20)},
                      "network": {**_CLUSTER_NETWORK, "classes": 20, "heads": True, "latent_dim": 2}},
    "aaae": {**_AAE_RUN, "match_x": "l1",
             "network": {"prior": "gaussian",
                         "players": ["encoder", "generator", "latent_generator", "code_critic", "critic"]},
             "updates": {_BOTH: _weigh("match_x", image_fool=0.01), "code_critic": _CODE_CRITIC,
                       "latent_generator": _weigh("code_fool"), "critic": _weigh("image_real", "image_fake")}},
}  # fmt: skip


def of_system(objective: str, row: dict[str, Any], **network: Any) -> dict[str, Any]:
    """Settings ``row`` under another objective: sizes and set of pictures stay, turns and kinds of networks change.

    Args:
        objective: a row of `SYSTEMS`.
        row: settings of a preset.
        network: settings of the networks that go before both.
    """
    sizes = ("architecture", "image_size", "channels", "latent_dim", "width")
    system = SYSTEMS[objective]
    kept = {name: value for name, value in row.get("network", {}).items() if name in sizes}
    others = {name: value for name, value in row.items() if name not in _VIEWS}
    return {**others, **system, "objective": objective, "network": {**kept, **system.get("network", {}), **network}}


# The other systems on the networks of `age-mnist` and `age-celeba`; and AAE on two hidden layers, as in its paper, or
# where classes are to be found on small convolutional networks, which need a twentieth of the work.
_LIKE_MNIST: dict[str, Any] = {"network": _MNIST["network"], "precision": "bf16", "steps": 5000}
_LIKE_CELEBA: dict[str, Any] = {"network": {"image_size": 64, "latent_dim": 64}, "epochs": 5}
_FACES: dict[str, Any] = {  # with the rates that were found on MNIST: a few minutes each
    "network": {"image_size": 64, "latent_dim": 64, "width": 16}, "precision": "bf16", "steps": 3000, "flip": True,
    "robust": {"steps": 1000, "degradation":
               "noise:sigma=10..80:clip=1|saltpepper:amount=0..0.4|hole:size=12..32|missing:fraction=0.2..0.7"},
}  # fmt: skip
_BRIEFLY: dict[str, Any] = {"batch_size": 250, "lr": 1e-3, "precision": "bf16", "robust": {"steps": 0}}
_LINEAR: dict[str, Any] = {"network": {"architecture": "mlp", "channels": 1, "latent_dim": 2, "width": 500}}
_SMALL: dict[str, Any] = {"network": {"channels": 1, "latent_dim": 10, "width": 8}}


def _linear(objective: str, **network: Any) -> dict[str, Any]:
    return {**of_system(objective, _LINEAR, **network), **_BRIEFLY, "steps": 1000}


def _matched(**network: Any) -> dict[str, Any]:
    """Codes that come to lie where the prior is: the critic pays for its slope, and there is time for it."""
    row = _linear("aae", **network)
    updates = {**row["updates"], "code_critic": _weigh("code_real", "code_fake", "code_slope")}
    return {**row, "updates": updates, "batch_size": 400, "steps": 8000}


def _plane(prior: str) -> dict[str, Any]:
    """In fp32, which the mixture asked for; the other two came as near in bf16 (docs/experiments.md)."""
    return {**_matched(prior=prior), "precision": "fp32"}


def _small(objective: str, **network: Any) -> dict[str, Any]:
    return {**of_system(objective, _SMALL, **network), **_BRIEFLY, "steps": 1000, "shift": 2}


PRESETS: dict[str, dict[str, Any]] = {
    # ours
    "age": {**_MNIST, "network": {"latent_dim": 64, "width": 32}, "steps": 8000, "flip": True},
    "age-mnist": _MNIST,
    "age-svhn": {**_MNIST, "network": {"latent_dim": 64, "width": 32}, "steps": 5000,
                 "finetune": {"steps": 600}, "robust": {"steps": 8000}},
    "celeba": {**_MNIST, "network": {"image_size": 64, "latent_dim": 64, "width": 32, "spectral": True},
               "steps": 10_000, "flip": True, "robust": {"steps": 11_000}},
    "age-resnet": {**_MNIST, "network": {"architecture": "resnet", "latent_dim": 64, "width": 32}, "steps": 8000,
                   "flip": True},
    "photo": _PHOTO,
    "cars-color": _CARS,
    "cars-color-regression": {
        **_CARS, "network": {"architecture": "color"}, "updates": {"generator": {"weights": {"regression": 1}}},
    },
    # published: README of the official code
    "age-celeba": {
        "network": {"image_size": 64, "latent_dim": 64}, "updates": _age(3, 10, 1000), "epochs": 5,
        "lr_decay": "step", "lr_step_epochs": 5,
    },
    "age-celeba-finetune": {  # epoch 5 to 6 of the above, from its weights, with fresh optimizers
        "network": {"image_size": 64, "latent_dim": 64}, "updates": _age(3, 15, 1000), "epochs": 1, "batch_size": 256,
    },
    "age-cifar10": _CIFAR10,
    **{f"age-cifar10-{name}": {**_CIFAR10, **row} for name, row in _IMPROVEMENTS.items()},
    "age-tinyimagenet": {**_CIFAR10, "updates": _age(2, 10, 2000), "epochs": 6, "lr_step_epochs": 3},
    # published: the paper, where no command exists or where it differs from the README
    "age-celeba-paper": {"network": {"image_size": 64, "latent_dim": 64}, "updates": _age(2, 10, 1000), "epochs": 5},
    "cars-color-paper": _CARS_PAPER,
    "cars-color-paper-reconstruction": {**_CARS_PAPER, "updates": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.5, "match_x": 10, "match_z": 10}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1, "match_x": 10, "match_z": 10}},
    }},
    "cars-color-paper-diversity": {**_CARS_PAPER, "updates": {
        "encoder": {"weights": {"kl_real": 1, "kl_within": -0.5}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1}},
    }},
    "age-svhn-paper": {"network": {"latent_dim": 64}, "updates": _age(2, 10, 1000), "epochs": 150},
    "age-mnist-paper": {"network": {"channels": 1, "latent_dim": 10}, "updates": _age(2, 10, 1000), "epochs": 100},
    # the paper's ablations
    "age-no-reconstruction": {**_CIFAR10, "updates": _age(2, 0, 0)},
    "age-data-space-generator": {
        **_CIFAR10,
        "updates": _age(2, 10, 1000) | {"generator": {"steps": 2, "weights": {"kl_fake": 1, "match_x": 10}}},
    },
    # the other systems
    **{f"{name}-mnist": {**of_system(name, _LIKE_MNIST), "lr": lr, "lr_decay": "linear"}
       for name, lr in (("dcgan", 1e-3), ("vae", 2e-3), ("ali", 1e-3), ("aae", 2e-3), ("aaae", 2e-3))},
    **{f"{name}-faces": {**of_system(name, _FACES), "lr": lr, "lr_decay": "linear"}
       for name, lr in (("age", 1.5e-3), ("dcgan", 1e-3), ("vae", 2e-3), ("ali", 1e-3), ("aae", 2e-3), ("aaae", 2e-3))},
    **{f"{name}-celeba": of_system(name, _LIKE_CELEBA) for name in ("dcgan", "vae", "ali", "aae", "aaae")},
    "aaae-svhn": of_system("aaae", {"network": {"latent_dim": 64}}),
    "aaae-cifar10": of_system("aaae", {"network": {"latent_dim": 128}}),
    **{f"aae-mnist-{prior}": _plane(prior) for prior in ("gaussian", "mixture", "swissroll")},
    "aae-mnist-stochastic": _linear("aae", posterior="gaussian"),
    "aae-mnist-labels": {**_linear("aae-labels"), "lr": 2e-4, "steps": 4000},  # five times the rate never sorts them
    "aae-mnist-likelihood": _matched(latent_dim=8),
    "aae-mnist-supervised": {**_linear("aae-supervised", latent_dim=4), "steps": 3000},
    "aaae-mnist-plane": _linear("aaae"),
    "aae-mnist-semi": {**_small("aae-semi"), "labels": 1000},
    "aae-mnist-clusters": _small("aae-clusters", latent_dim=5),
    "aae-mnist-clusters-30": _small("aae-clusters", latent_dim=5, classes=30),
    "aae-mnist-reduction": _small("aae-reduction"),
    "aae-mnist-reduction-labels": {  # labels say what a class is
        **_small("aae-reduction", classes=10, spread=0), "labels": 1000, "views": False, "style_noise": 0,
        "updates": {**_AAE_SEMI, _BOTH: {"weights": {**_AAE_SEMI[_BOTH]["weights"], "heads_apart": 1}}},
    },
}  # fmt: skip
