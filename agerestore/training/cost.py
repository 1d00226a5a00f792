"""What a run will cost, before it is started: operations counted, and seconds measured."""

import time
from collections.abc import Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor

from agerestore.config.training import TrainConfig
from agerestore.data.augment import MARGIN
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet
from agerestore.losses.base import Batch, learns
from agerestore.models.registry import KINDS, build
from agerestore.training.cuda_graph import WARM_UP
from agerestore.training.stages import Stage, stages
from agerestore.training.state import Training

MANY = 10**6  # images of a set whose size does not matter


class Estimate(TypedDict):
    """What a run will cost on this machine; dictionaries are by stage.

    Attributes:
        config: the resolved configuration, JSON values.
        images: training images, without those held out.
        iterations: of each stage.
        flop_per_iteration: floating-point operations.
        flop_per_second: that the device reached.
        hours: of the whole run.
    """

    config: dict[str, Any]
    images: int
    iterations: dict[str, int]
    flop_per_iteration: dict[str, float]
    flop_per_second: dict[str, float]
    hours: float


def estimate_cost(training: Training) -> Estimate:
    """Count the operations and measure two iterations of each stage."""
    config, steps = training.config, {stage.name: stage.steps for stage in training.stages}
    seconds = seconds_per_iteration(config, training.device, training.stages)
    flops = flops_per_iteration(config, training.stages)
    return {
        "config": config.model_dump(mode="json"),
        "images": training.images,
        "iterations": steps,
        "flop_per_iteration": flops,
        "flop_per_second": {name: flops[name] / seconds[name] for name in flops},
        "hours": sum(steps[name] * seconds[name] for name in steps) / 3600,
    }


def flops_per_iteration(config: TrainConfig, todo: Sequence[Stage] | None = None) -> dict[str, float]:
    """Count the floating-point operations of an iteration, forward and backward, without computing them.

    Args:
        config: of the run.
        todo: its stages, where they are known already.

    Returns:
        Name of each stage -> operations.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counted = {}
    for stage in todo or stages(config, MANY):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            _iterate(config, stage)
        counted[stage.name] = float(counter.get_total_flops())
    return counted


def _iterate(config: TrainConfig, stage: Stage) -> None:
    model = build(config.network)
    model.add_networks(stage.learners)
    networks, batch = dict(model.named_children()), _empty_batch(config, stage)
    for player in stage.players:
        update = stage.updates[player]
        wanted = [name for name, weight in update.weights.items() if weight]
        for name, each in networks.items():
            each.requires_grad_(learns(player, name))  # the others are given no gradients
        for _ in range(update.steps):
            terms = stage.losses.compute(player, networks, batch, wanted)
            sum(terms.values(), torch.zeros(())).backward()


def _empty_batch(config: TrainConfig, stage: Stage) -> Batch:
    """A batch that holds whatever any objective may ask for, its values undefined."""
    network, side = config.network, _side(config)
    x: Tensor = torch.empty(stage.batch_size, network.channels, side, side)
    x = KINDS[network.kind].preprocess(network, x)
    noise, labels = torch.empty(len(x), network.latent_dim), torch.zeros(len(x), dtype=torch.int64)
    z = torch.empty(len(x) * network.codes_per_image(side, side), network.code_dim)
    return Batch(
        x, z, x, x[:, :1], x, noise, labels=labels, labeled=x, labeled_classes=labels,
        defects=torch.zeros(len(x), 1, side, side, dtype=torch.uint8),
    )  # fmt: skip


def seconds_per_iteration(
    config: TrainConfig, device: torch.device | str = "cpu", todo: Sequence[Stage] | None = None
) -> dict[str, float]:
    """Measure the second of two iterations on random images; of a CUDA graph one that is replayed.

    Args:
        config: of the run.
        device: where it is to be trained.
        todo: its stages, where they are known already.

    Returns:
        Name of each stage -> seconds.
    """
    todo = todo or stages(config, MANY)
    images = _random_set(config, max(stage.batch_size for stage in todo))
    training = Training(config, images, torch.device(device), todo)
    seconds = {}
    for number, stage in enumerate(training.stages):
        if number:
            training.enter(number)
        for _ in range(WARM_UP + 2 if config.cuda_graph else 2):
            start = time.perf_counter()
            terms = training.iterate()
            [value.item() for value in terms.values()]  # waits for the device
            seconds[stage.name] = time.perf_counter() - start
    return seconds


def _random_set(config: TrainConfig, count: int) -> TrainingSet:
    side = round(_side(config) * MARGIN) if config.augment else _side(config)
    shape, generator = (count, config.network.channels, side, side), torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    if config.network.image_size is None:
        return PhotoSet(tuple(images))
    return ImageSet(images, torch.zeros(count, dtype=torch.int64))


def _side(config: TrainConfig) -> int:
    """Side in pixels of the images that the networks see in training."""
    return config.network.image_size or config.crop_size
