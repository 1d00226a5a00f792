"""What a run will cost, before it is started: operations counted, and how many a second this machine does."""

import contextlib
import time

import torch
from torch import nn

from agerestore.config import TrainConfig
from agerestore.networks import build
from agerestore.objectives import Batch
from agerestore.stages import stages


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


def matrix_rate(precision: str) -> float:
    """Floating-point operations a second of a 3x3 convolution of middling size here, forward and backward.

    About what training reaches; measured on the CPU in a fraction of a second, for the estimate of ``--dry-run``.
    """
    layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.zeros(64, 64, 16, 16).to(memory_format=torch.channels_last).requires_grad_(True)
    flops = 3 * 2 * x.numel() * 64 * 9
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            layer(x).sum().backward()
        seconds.append(time.perf_counter() - start)
    return flops / min(seconds)
