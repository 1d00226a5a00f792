"""What a run will cost, before it is started: operations counted, and seconds measured."""

import contextlib
import time

import torch

from agerestore.config import TrainConfig
from agerestore.data import AUGMENT_MARGIN, ImageSet
from agerestore.networks import build
from agerestore.objectives import Batch
from agerestore.stages import stages
from agerestore.training import Training


def flops_per_iteration(config: TrainConfig) -> float:
    """Floating-point operations of one iteration of the game, forward and backward, counted without computing."""
    from torch.utils.flop_counter import FlopCounterMode

    network, stage = config.network, stages(config, 10**6)[0]
    with torch.device("meta"), contextlib.suppress(KeyError), FlopCounterMode(display=False) as counter:
        model = build(network)
        x = torch.empty(config.batch_size, network.channels, network.image_size, network.image_size)
        batch = Batch(x, torch.empty(config.batch_size, network.latent_dim))
        for player in stage.players:
            turn = stage.turns[player]
            wanted = [name for name, weight in turn.weights.items() if weight]
            for _ in range(turn.steps):
                terms = stage.objective(player, dict(model.named_children()), batch, wanted)
                sum(terms.values(), torch.zeros(())).backward()
    return float(counter.get_total_flops())


def seconds_per_iteration(config: TrainConfig, device: torch.device | str = "cpu") -> dict[str, float]:
    """Seconds that an iteration of each stage takes here, measured on the second one of two, on random images.

    Args:
        config: the run.
        device: where it is to be trained.

    Returns:
        stage name -> seconds.
    """
    network, batch = config.network, max(config.batch_size, config.robust.batch_size)
    shape = (batch, network.channels, *(round(network.image_size * (AUGMENT_MARGIN if config.augment else 1)),) * 2)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    training = Training(config, ImageSet(images), torch.device(device))
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
