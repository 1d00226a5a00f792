"""Presets that repeat papers: AGE's published plans and ablations, and the systems AGE is compared with.

What the papers leave open, or what could only be recalled of them, is our choice (docs/experiments.md). Loaded by name
by `agerestore.config.presets`, which says what a row is.
"""

from typing import Any

from agerestore.config.presets import Preset, published_updates


def _weights(*terms: str, **others: float) -> dict[str, Any]:
    """One step for a player that weighs some terms by 1, and others as given."""
    return {"weights": dict.fromkeys(terms, 1) | others}


_AUTOENCODER = "encoder+generator"  # one step for both networks
_CODE_CRITIC = _weights("code_real", "code_fake")
_AAE_UPDATES = {_AUTOENCODER: _weights("match_x"), "code_critic": _CODE_CRITIC, "encoder": _weights("code_fool")}
# With a critic of styles and one of classes both take one step, and so do encoder and generator for all that they
# minimize, instead of the paper's two phases: half the work. Reconstruction then weighs about as much as the critics.
_CRITICS = _weights("code_real", "code_fake", "label_real", "label_fake")


def _class_updates(*terms: str) -> dict[str, Any]:
    return {_AUTOENCODER: _weights("code_fool", "label_fool", *terms, match_x=20), "code_critic+label_critic": _CRITICS}


_PLAYERS = ["encoder", "generator", "code_critic"]
_GAN = {"lr": 2e-4, "betas": [0.5, 0.999], "lr_decay": "constant", "finetune.steps": 0}
_AAE = {**_GAN, "match_x": "l2", "lr_decay": "linear", "updates": _AAE_UPDATES, "network.prior": "gaussian",
        "network.players": _PLAYERS}  # fmt: skip
_CLASSES = {**_AAE, "network.players": [*_PLAYERS, "label_critic"]}
# Without labels, what makes classes (docs/experiments.md): a batch norm scales the logits of each class over the batch,
# two views of an image are to be of one class, and noise on the style leaves it less room to tell the class.
_CLUSTERS = {**_CLASSES, "network.logit_scale": 5.0, "views": True, "style_noise": 0.5}

# objective -> what belongs to it whatever is trained: its update steps, and networks where those of AGE do not do.
DEFAULTS: dict[str, dict[str, Any]] = {
    "dcgan": {**_GAN, "network.prior": "gaussian", "network.players": ["generator", "critic"], "robust.steps": 0,
              "updates": {"critic": _weights("image_real", "image_fake"), "generator": _weights("image_fool")}},
    "vae": {**_GAN, "match_x": "l2", "lr": 1e-3, "lr_decay": "linear", "betas": [0.9, 0.999],
            "updates": {_AUTOENCODER: _weights("kl", "nll")}, "network.prior": "gaussian",
            "network.posterior": "gaussian"},
    "ali": {**_GAN, "updates": {"joint_critic": _weights("joint_real", "joint_fake"),
                              _AUTOENCODER: _weights("joint_fool")},
            "network.prior": "gaussian", "network.posterior": "gaussian",
            "network.players": ["encoder", "generator", "joint_critic"]},
    "aae": _AAE,
    "aae-labels": {**_AAE, "network.prior": "mixture", "network.latent_dim": 2, "network.critic_classes": 10},
    # conditioned on the label, the critic sees a style that says something of it
    "aae-supervised": {**_AAE, "updates": {**_AAE_UPDATES, _AUTOENCODER: _weights("match_x", cross_entropy=0.1)},
                       "network.classes": 10, "network.critic_classes": 10},
    "aae-semi": {**_CLASSES, "network.classes": 10, "degradation": "noise:sigma=76.5",
                 "updates": _class_updates("cross_entropy")},
    "aae-clusters": {**_CLUSTERS, "network.classes": 16, "updates": _class_updates("agreement")},
    "aae-reduction": {**_CLUSTERS, "network.classes": 20, "network.class_embeddings": True, "network.latent_dim": 2,
                      "updates": _class_updates("agreement", "embedding_margin")},
    "aaae": {**_AAE, "match_x": "l1",
             "network.players": ["encoder", "generator", "latent_generator", "code_critic", "critic"],
             "updates": {_AUTOENCODER: _weights("match_x", image_fool=0.01), "code_critic": _CODE_CRITIC,
                       "latent_generator": _weights("code_fool"), "critic": _weights("image_real", "image_fake")}},
}  # fmt: skip

# The networks of age-mnist, of age-celeba, and small ones for faces with the rates found on MNIST: a few minutes each.
_LIKE_MNIST = {"network.channels": 1, "network.latent_dim": 64, "network.width": 32, "precision": "bf16",
               "lr_decay": "linear"}  # fmt: skip
_LIKE_CELEBA = {"network.image_size": 64, "network.latent_dim": 64, "epochs": 5}
_FACES = {"network.image_size": 64, "network.latent_dim": 64, "network.width": 16, "precision": "bf16", "steps": 3000,
          "flip": True, "lr_decay": "linear"}  # fmt: skip
_FACES_ROBUST = {
    "robust.steps": 1000,
    "robust.degradation": (
        "noise:sigma=10..80:clip=1|saltpepper:amount=0..0.4|hole:size=12..32|missing:fraction=0.2..0.7"
    ),
}
_RATES = {"age": 1.5e-3, "dcgan": 1e-3, "vae": 2e-3, "ali": 1e-3, "aae": 2e-3, "aaae": 2e-3}
_COMPARED = [name for name in _RATES if name != "age"]

# AAE on two hidden layers, as in its paper; where classes are to be found, on small convolutional networks, which need
# a twentieth of the work.
_SHORT = {"batch_size": 250, "lr": 1e-3, "precision": "bf16", "robust.steps": 0, "steps": 1000, "network.channels": 1}
_LINEAR = {**_SHORT, "network.architecture": "mlp", "network.width": 500}
_PLANE = {**_LINEAR, "network.latent_dim": 2}
_SMALL = {**_SHORT, "network.width": 8, "shift": 2}
# Codes that come to lie where the prior is: the critic pays for its gradient, and there is time for it.
_MATCHED = {
    **_LINEAR, "batch_size": 400, "steps": 8000,
    "updates": {**_AAE_UPDATES, "code_critic": _weights("code_real", "code_fake", "code_gradient_penalty")},
}  # fmt: skip


def _gaussian(dimensions: int, lam: float) -> dict[str, Any]:
    """What changes with the Gaussian in place of the sphere (paper, section 2): the prior, and the loss of codes.

    Codes are sqrt(M) times as long, and the squared error of the codes sees it; the cosine of the code does not. With a
    weight of lambda / (2 M) it is as large as before for codes that are as far from each other in relation.
    """
    return {"network.prior": "gaussian", "match_z": "l2", "updates": published_updates(2, 10, lam / (2 * dimensions))}


def _comparison() -> dict[str, Preset]:
    """The systems on the same networks, for the comparisons of the AGE paper (section 3)."""
    rows = {f"{name}-mnist": Preset(f"{name} on the networks of age-mnist", {**_LIKE_MNIST, "steps": 5000, "lr": rate},
                                    objective=name)
            for name, rate in _RATES.items() if name != "age"}  # fmt: skip
    for name, rate in _RATES.items():
        robust = {} if name == "dcgan" else _FACES_ROBUST  # it has no encoder
        settings = {**_FACES, **robust, "lr": rate}
        rows[f"{name}-faces"] = Preset(f"{name} on small networks for faces, 64x64", settings, objective=name)
    return rows | {
        f"{name}-celeba": Preset(f"{name} on the networks of age-celeba", _LIKE_CELEBA, objective=name)
        for name in _COMPARED
    }


_GAME_ON_LAB = {
    "network": {"architecture": "color-resnet", "latent_dim": 16, "width": 64},
    "updates": {
        "encoder": {"weights": {"kl_real": 1, "kl_fake": -0.5}},
        "generator": {"steps": 4, "weights": {"kl_fake": 1}},
    },
    "lr": 6e-4, "lr_decay": "step", "lr_step_epochs": 2, "lr_step_factor": 0.96, "epochs": 200, "robust.steps": 0,
}  # fmt: skip

PRESETS: dict[str, Preset] = {
    # AGE as published: README of its code, and the paper where no command exists or where it differs
    "age-celeba-finetune": Preset("AGE on CelebA, epoch 5 to 6, from the weights of age-celeba (code)", {
        "network.image_size": 64, "network.latent_dim": 64, "updates": published_updates(3, mu=15, lam=1000),
        "epochs": 1, "batch_size": 256,
    }),
    "age-celeba-paper": Preset("AGE on CelebA, 64x64 (paper)", {
        "network.image_size": 64, "network.latent_dim": 64, "updates": published_updates(2, mu=10, lam=1000),
        "epochs": 5,
    }),
    "age-svhn-paper": Preset("AGE on SVHN (paper)", {
        "network.latent_dim": 64, "updates": published_updates(2, mu=10, lam=1000), "epochs": 150,
    }),
    "age-tinyimagenet-paper": Preset("AGE on Tiny ImageNet, three times as long as age-cifar10 (paper)", {
        "updates": published_updates(2, mu=10, lam=2000), "epochs": 225, "lr_decay": "constant",
    }, base="age-cifar10"),
    "age-mnist-paper": Preset("AGE on MNIST (paper)", {
        "network.channels": 1, "network.latent_dim": 10, "updates": published_updates(2, mu=10, lam=1000),
        "epochs": 100,
    }),
    "cars-color-paper": Preset("AGE's colorization: adversarial terms alone, on Lab (branch cAGE of the code)", {
        **_GAME_ON_LAB,
    }),
    "cars-color-paper-reconstruction": Preset("the same with reconstruction terms", {
        "updates.encoder.weights": {"kl_real": 1, "kl_fake": -0.5, "match_x": 10, "match_z": 10},
        "updates.generator.weights": {"kl_fake": 1, "match_x": 10, "match_z": 10},
    }, base="cars-color-paper"),
    "cars-color-paper-diversity": Preset("the same with the divergence of samples for one gray image", {
        "updates.encoder.weights": {"kl_real": 1, "kl_within": -0.5},
    }, base="cars-color-paper"),
    "age-no-reconstruction": Preset("AGE's ablation: no reconstruction terms (paper)", {
        "updates": published_updates(2, mu=0, lam=0),
    }, base="age-cifar10"),
    "age-data-space-generator": Preset("AGE's ablation: the generator reconstructs x in place of z (paper)", {
        "updates.generator": {"steps": 2, "weights": {"kl_fake": 1, "match_x": 10}},
    }, base="age-cifar10"),
    "age-mnist-gaussian": Preset("age-mnist-paper with Gaussian codes in place of the sphere (paper, section 2)", {
        **_gaussian(10, lam=1000),
    }, base="age-mnist-paper"),
    "age-cifar10-gaussian": Preset("age-cifar10 with Gaussian codes in place of the sphere (paper, section 2)", {
        **_gaussian(128, lam=1000),
    }, base="age-cifar10"),
    # what may improve the published plan and costs little; `agerestore.research.experiments` measures it
    "age-cifar10-last": Preset("age-cifar10 without the average of the weights", {"ema": 0}, base="age-cifar10"),
    "age-cifar10-margin": Preset("age-cifar10, the adversary bounded", {"margin": 0.15}, base="age-cifar10"),
    "age-cifar10-spectral": Preset("age-cifar10, spectral norms in the encoder", {
        "network.spectral": True,
    }, base="age-cifar10"),
    "age-cifar10-batch256": Preset("age-cifar10 in batches of 256", {"batch_size": 256}, base="age-cifar10"),
    "age-cifar10-flip": Preset("age-cifar10, images mirrored at random", {"flip": True}, base="age-cifar10"),
    # the other systems
    **_comparison(),
    "aaae-svhn": Preset("AAAE on SVHN", {"network.latent_dim": 64}, objective="aaae"),
    "aaae-cifar10": Preset("AAAE on CIFAR-10", {"network.latent_dim": 128}, objective="aaae"),
    "aaae-mnist-plane": Preset("AAAE on MNIST, codes in the plane", _PLANE, objective="aaae"),
    # AAE (Makhzani et al., 2015); in fp32, which the mixture asked for (the others came as near in bf16)
    "aae-mnist-gaussian": Preset("AAE on MNIST, codes in the plane: Gaussian prior", {
        **_MATCHED, "network.latent_dim": 2, "precision": "fp32",
    }, objective="aae"),
    "aae-mnist-mixture": Preset("AAE on MNIST, codes in the plane: mixture of ten Gaussians", {
        "network.prior": "mixture",
    }, base="aae-mnist-gaussian"),
    "aae-mnist-swissroll": Preset("AAE on MNIST, codes in the plane: swiss roll", {
        "network.prior": "swissroll",
    }, base="aae-mnist-gaussian"),
    "aae-mnist-stochastic": Preset("AAE on MNIST with a Gaussian posterior", {
        **_PLANE, "network.posterior": "gaussian",
    }, objective="aae"),
    "aae-mnist-labels": Preset("AAE on MNIST, a mixture whose critic is conditioned on the label", {
        **_PLANE, "lr": 2e-4, "steps": 4000,  # five times the rate never sorts them
    }, objective="aae-labels"),
    "aae-mnist-likelihood": Preset("AAE on MNIST for the Parzen log-likelihood", {
        **_MATCHED, "network.latent_dim": 8,
    }, objective="aae"),
    "aae-mnist-supervised": Preset("AAE on MNIST, the decoder conditioned on the label: style apart from class", {
        **_LINEAR, "network.latent_dim": 4, "steps": 3000,
    }, objective="aae-supervised"),
    "aae-mnist-semi": Preset("AAE on MNIST, semi-supervised: 1,000 labels", {
        **_SMALL, "network.latent_dim": 10, "labels": 1000,
    }, objective="aae-semi"),
    "aae-mnist-clusters": Preset("AAE on MNIST, unsupervised clustering in 16 classes", {
        **_SMALL, "network.latent_dim": 5,
    }, objective="aae-clusters"),
    "aae-mnist-clusters-30": Preset("the same in 30 classes", {
        "network.classes": 30,
    }, base="aae-mnist-clusters"),
    "aae-mnist-reduction": Preset("AAE on MNIST, reduction to two dimensions without labels", _SMALL,
                                  objective="aae-reduction"),
    "aae-mnist-reduction-labels": Preset("the same with 1,000 labels, which say what a class is", {
        "network.classes": 10, "network.logit_scale": 0, "labels": 1000, "views": False, "style_noise": 0,
        "updates": _class_updates("cross_entropy", "embedding_margin"),
    }, base="aae-mnist-reduction"),
}  # fmt: skip
