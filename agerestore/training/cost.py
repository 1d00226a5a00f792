"""What a run will cost, before it is started: operations counted, and seconds measured."""

import time

import torch

from agerestore.config.training import TrainConfig
from agerestore.data.datasets import AUGMENT_MARGIN, ImageSet, PhotoSet
from agerestore.losses.base import Batch, learns
from agerestore.models.registry import build
from agerestore.training.stages import Stage, stages
from agerestore.training.state import Training


def flops_per_iteration(config: TrainConfig) -> dict[str, float]:
    """Floating-point operations of an iteration of each stage, forward and backward, counted without computing.

    Args:
        config: the run.

    Returns:
        stage name -> operations.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counted = {}
    for stage in stages(config, 10**6):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            _iterate(config, stage)
        counted[stage.name] = float(counter.get_total_flops())
    return counted


def _iterate(config: TrainConfig, stage: Stage) -> None:
    network = config.network
    model = build(network)
    model.add_networks(stage.learners)
    side = _side(config)
    x = model.preprocess(network, torch.empty(stage.batch_size, network.channels, side, side))
    noise, labels = torch.empty(len(x), network.latent_dim), torch.zeros(len(x), dtype=torch.int64)
    z = torch.empty(len(x) * network.codes_per_image(side, side), network.code_dim)
    batch = Batch(x, z, x, x[:, :1], x, noise, labels=labels, labeled=x, labeled_classes=labels)
    for player in stage.players:
        turn = stage.updates[player]
        wanted = [name for name, weight in turn.weights.items() if weight]
        for name, each in model.named_children():
            each.requires_grad_(learns(player, name))  # no one else's weights are given gradients
        for _ in range(turn.steps):
            terms = stage.objective(player, dict(model.named_children()), batch, wanted)
            sum(terms.values(), torch.zeros(())).backward()


def seconds_per_iteration(config: TrainConfig, device: torch.device | str = "cpu") -> dict[str, float]:
    """Seconds that an iteration of each stage takes here, measured on the second one of two, on random images.

    Args:
        config: the run.
        device: where it is to be trained.

    Returns:
        stage name -> seconds.
    """
    generator = torch.Generator().manual_seed(0)
    count, side = max(stage.batch_size for stage in stages(config, 10**6)), _side(config)
    stored = round(side * AUGMENT_MARGIN) if config.augment else side
    images = torch.randint(
        0, 256, (count, config.network.channels, stored, stored), dtype=torch.uint8, generator=generator
    )
    labels = torch.zeros(count, dtype=torch.int64)
    pictures = PhotoSet(tuple(images)) if config.network.image_size is None else ImageSet(images, labels)
    training = Training(config, pictures, torch.device(device))
    seconds = {}
    for number, stage in enumerate(training.stages):
        if number:
            training.enter(number)
        for _ in range(2):
            start = time.perf_counter()
            terms = training.iterate()
            [value.item() for value in terms.values()]  # waits for the device
            seconds[stage.name] = time.perf_counter() - start
    return seconds


def _side(config: TrainConfig) -> int:
    """Of the pictures that the networks see in training."""
    return config.network.image_size or config.crop_size
