"""AGE and the systems it is compared with, on equal networks and equally many images (AGE paper, section 3)."""

import torch

from agerestore.config.training import TrainConfig, parse
from agerestore.data.datasets import ImageSet
from agerestore.evaluation.benchmark import benchmark_restoration
from agerestore.metrics.autoencoder import latent_distance
from agerestore.models.base import Model
from agerestore.research.experiments.context import EQUAL, Context, ExperimentResult, autoencoder_of, sample_prior
from agerestore.research.paper_benchmark import (
    SAMPLES,
    degradations_for,
    draw_samples,
    feature_extractor,
    reconstruction_metrics,
    sample_quality,
)
from agerestore.training.cost import flops_per_iteration, seconds_per_iteration

SYSTEMS = ("age", "vae", "ali", "aae", "aaae", "dcgan")
SHOWN = 16


def systems(context: Context, presets: str) -> ExperimentResult:
    """Reconstruction, samples, restoration and cost of each system; its preset is SYSTEM-``presets``."""
    extractor = feature_extractor(context.training)
    truth = context.test.images.float() / 255
    rows, count = [truth[:SHOWN]], min(SAMPLES, len(truth) // 2)
    figures = {"test images": sample_quality(extractor, truth[count : 2 * count], truth[:count])}
    for name in SYSTEMS:
        model = context.model(f"{name}-{presets}", *(EQUAL if context.full else ()))
        networks = autoencoder_of(model)
        drawn = draw_samples(networks, count, torch.Generator().manual_seed(0))
        config = parse(TrainConfig, model.header["training"], name)
        figures[name] = sample_quality(extractor, drawn, truth[:count]) | _cost(config, context)
        if networks.encoder is not None:
            rows.append(networks.generate(networks.encode(truth[:SHOWN])))
            distance = latent_distance(networks, truth, sample_prior(networks, 2 * len(truth)))
            figures[name] |= {"latent_distance": distance} | _encoder_metrics(model, context.test)
        rows.append(drawn[:SHOWN])
    return ExperimentResult(rows, figures)


def _encoder_metrics(model: Model, test: ImageSet) -> dict[str, float]:
    """Reconstruction of clean images, and PSNR in dB of restored ones under each degradation."""
    again = reconstruction_metrics(autoencoder_of(model), test.images.float() / 255)
    rows = benchmark_restoration(model, test, degradations_for(autoencoder_of(model).config))
    restored = {f"psnr {row.degradation}": row.psnr for row in rows if row.method == "agerestore"}
    return {f"reconstruction_{name}": value for name, value in again.items()} | restored


def _cost(config: TrainConfig, context: Context) -> dict[str, float]:
    """Cost of the adversarial stage: counted operations per image, and seconds per thousand images on this machine."""
    tries = 5 if context.full else 1
    seconds = min(seconds_per_iteration(config, context.device)["adversarial"] for _ in range(tries))
    return {"gigaflop_per_image": flops_per_iteration(config)["adversarial"] / config.batch_size / 1e9,
            "seconds_per_thousand": 1000 * seconds / config.batch_size}  # fmt: skip
