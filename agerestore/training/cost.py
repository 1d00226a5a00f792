"""What a run will cost, before it is started: operations counted, and seconds measured."""

import time

import torch

from agerestore.config.networks import ColorConfig, NetworkConfig, PhotoConfig
from agerestore.config.training import TrainConfig
from agerestore.data.datasets import AUGMENT_MARGIN, ImageSet, PhotoSet
from agerestore.images.observation import REGION
from agerestore.losses.base import Batch, learns
from agerestore.models import colorizer
from agerestore.models.registry import Autoencoder, build
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
    if isinstance(model, Autoencoder) and model.encoder is not None:
        model.add_robust_encoder()
    x = torch.empty(stage.batch_size, network.channels, *(_side(config),) * 2)
    if isinstance(network, ColorConfig):
        x = colorizer.pack(network, x)
    regions = (config.crop_size // REGION) ** 2 if isinstance(network, PhotoConfig) else 1
    dim = network.code_dim if isinstance(network, NetworkConfig) else network.latent_dim
    noise, labels = torch.empty(len(x), network.latent_dim), torch.zeros(len(x), dtype=torch.int64)
    z = torch.empty(len(x) * regions, dim)
    batch = Batch(x, z, x, x[:, :1], x, noise, labels=labels, known=x, known_labels=labels)
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
    pictures = PhotoSet(tuple(images)) if isinstance(config.network, PhotoConfig) else ImageSet(images, labels)
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
    return config.crop_size if isinstance(config.network, PhotoConfig) else config.network.image_size
