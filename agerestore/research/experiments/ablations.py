"""Ablations of AGE: one setting changed at a time, on MNIST; possible improvements of the published plan, on CIFAR-10.

Every run sees equally many images, on networks of width 8, and is measured after the adversarial stage. The runs are
short: they rank what matters first, not where each would end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from agerestore.models.age import Autoencoder
from agerestore.research.experiments.context import Context, ExperimentResult, autoencoder_of
from agerestore.research.paper_benchmark import (
    SAMPLES,
    FeatureExtractor,
    draw_samples,
    feature_extractor,
    moment_metrics,
    reconstruction_metrics,
    sample_quality,
)

SEEN = 38_400  # images that each run is trained on
SEEN_BRIEFLY = 6_400
SHOWN = 12  # samples of each run on the contact sheet, and as many reconstructions
NETWORKS = ("network.width=8", "finetune.steps=0", "robust.steps=0")
NO_MARGIN = "margin=1e9"  # the encoder's adversarial gain is not bounded


@dataclass(frozen=True)
class Ablation:
    """One run: a preset, settings that differ from it, and the batch size."""

    settings: tuple[str, ...] = ()
    batch: int = 64
    preset: str = "age-mnist"


def _encoder(**weights: float) -> tuple[str, ...]:
    return tuple(f"updates.encoder.weights.{term}={value}" for term, value in weights.items())


def _generator(**weights: float) -> tuple[str, ...]:
    return tuple(f"updates.generator.weights.{term}={value}" for term, value in weights.items())


_DOUBLED = (*_encoder(kl_real=20, kl_fake=-20), *_generator(kl_fake=20))

# The Gaussian KL is on half the scale of AGE's expression, so half the margin is as far in codes. The estimate from
# nearest neighbors has 0 as its ideal, and a uniform batch of 64 lies at -0.20: no smaller margin can be asked for.
# A uniform batch of 8 lies 0.30 beyond the ideal of AGE's expression, one of 64 only 0.03, one of 256 0.01.
ABLATIONS: dict[str, Ablation] = {
    "as it ships": Ablation(),
    "right KL": Ablation(("divergence=gaussian", "margin=0.075")),
    "right KL, doubled": Ablation(("divergence=gaussian", "margin=0.075", *_DOUBLED)),
    "nearest neighbors, doubled": Ablation(("divergence=nearest", "margin=1e-6", *_DOUBLED)),
    "batches of 8": Ablation(("margin=0.42",), batch=8),
    "batches of 256": Ablation(("margin=0.13",), batch=256),
    "lambda 16": Ablation(_generator(match_z=16)),
    "lambda 1024": Ablation(_generator(match_z=1024)),
    "residual networks": Ablation(("network.architecture=resnet", "network.width=4")),
    "generator: latent loss alone": Ablation(_generator(match_x=0)),
    "generator: data-space loss alone": Ablation(_generator(match_z=0, match_x=50)),
    "no reconstruction terms": Ablation((*_encoder(match_x=0), *_generator(match_z=0, match_x=0))),
    "weights of the paper": Ablation(
        (*_encoder(kl_real=1, kl_fake=-1, match_x=10), *_generator(kl_fake=1, match_z=1000, match_x=0), NO_MARGIN)
    ),
    "DCGAN": Ablation(preset="dcgan-mnist"),
}

# The published plan for CIFAR-10 at a learning rate for short runs, and its presets with one change.
FAST = ("lr=1.5e-3", "lr_decay=linear", "precision=bf16")
IMPROVEMENTS: dict[str, Ablation] = {
    "as published": Ablation(FAST, preset="age-cifar10"),
    "no average of the weights": Ablation(FAST, preset="age-cifar10-last"),
    "margin": Ablation(FAST, preset="age-cifar10-margin"),
    "spectral norms in the encoder": Ablation(FAST, preset="age-cifar10-spectral"),
    "batches of 256": Ablation(FAST, batch=256, preset="age-cifar10-batch256"),
    "flips": Ablation(FAST, preset="age-cifar10-flip"),
    "our balance, flips": Ablation(preset="age"),
    "the same, spectral norms": Ablation(("network.spectral=true",), preset="age"),
}
# The lambdas that the paper tried on each set (section 3.1), to pick the best; the plan for CIFAR-10 has 1000.
LAMBDAS: dict[str, Ablation] = {
    f"lambda {weight}": Ablation((*FAST, *_generator(match_z=weight)), preset="age-cifar10")
    for weight in (500, 1000, 2000)
}


def age_ablations(context: Context) -> ExperimentResult:
    """Each ablation and the shipped plan; a row of the contact sheet shows samples, then reconstructions."""
    return _compared(context, ABLATIONS, SEEN if context.full else SEEN_BRIEFLY)


def age_improvements(context: Context) -> ExperimentResult:
    """Each improvement and the published plan; a row of the contact sheet shows samples, then reconstructions."""
    return _compared(context, IMPROVEMENTS, 2 * SEEN if context.full else SEEN_BRIEFLY)


def age_lambda(context: Context) -> ExperimentResult:
    """Each lambda that the paper tried; a row of the contact sheet shows samples, then reconstructions."""
    return _compared(context, LAMBDAS, 2 * SEEN if context.full else SEEN_BRIEFLY)


def _compared(context: Context, runs: Mapping[str, Ablation], seen: int) -> ExperimentResult:
    extractor, truth, rows, figures = feature_extractor(context.training), context.test.images.float() / 255, [], {}
    for name, ablation in runs.items():
        settings = (f"batch_size={ablation.batch}", f"steps={seen // ablation.batch}", *NETWORKS, *ablation.settings)
        folder = name.replace(":", "").replace(",", "").replace(" ", "-")
        networks = autoencoder_of(context.model(ablation.preset, *settings, name=f"{ablation.preset}-{folder}"))
        row, figures[name] = _measured(networks, extractor, truth)
        rows.append(row)
    return ExperimentResult(rows, figures)


def _measured(networks: Autoencoder, extractor: FeatureExtractor, truth: Tensor) -> tuple[Tensor, dict[str, float]]:
    """A row of the contact sheet, and the figures of a run."""
    count = min(SAMPLES, len(truth) // 2)
    drawn = draw_samples(networks, count, torch.Generator().manual_seed(0))
    figures = sample_quality(extractor, drawn, truth[:count])
    if networks.encoder is None:
        return drawn[:SHOWN], figures
    again = reconstruction_metrics(networks, truth)
    figures |= {f"reconstruction_{name}": value for name, value in again.items()}
    figures |= moment_metrics(networks, torch.Generator().manual_seed(1))
    with torch.no_grad():
        return torch.cat([drawn[:SHOWN], networks.generate(networks.encode(truth[:SHOWN]))]), figures
