"""Encode-then-generate of batches of 32x32 images, timed in turns: ours against the official way of computing.

python benchmarks/restore_age.py [ROUNDS]

The official way is fp32, contiguous memory, batch norms of their own. Ours is what `restore` computes with: batch norms
fused into the convolutions and channels last, in fp32 and, the default where the processor has it, in bf16 with
transposed convolutions rewritten as sub-pixel convolutions. Both are without gradients; letterboxing and the
out-of-distribution score are left out. The upper bound is the time in which a product of two bf16 matrices, computed in
the same turns, does as many operations as the networks.
"""

import sys
from collections.abc import Callable
from itertools import product

import torch
from side_by_side import medians, tell
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from agerestore.config.training import train_config
from agerestore.models import zoo
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.registry import build

SIDE = 2048  # of the matrices


def contenders(model: Model, image: Tensor) -> dict[str, Callable[[], object]]:
    """The ways to compute one batch."""

    def run(networks: Autoencoder, bf16: bool) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            networks.generate(networks.encode(image, robust=True))

    matrix = torch.rand(SIDE, SIDE, dtype=torch.bfloat16)
    return {
        "official": lambda: run(model.networks, False),
        "ours in fp32": lambda: run(model.fused, False),
        "ours in bf16": lambda: run(model.fused_bf16, True),
        "product": lambda: matrix @ matrix,
    }


def operations(run: Callable[[], object]) -> int:
    """Multiplications and additions of convolutions and matrices in a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def main() -> None:
    """Print ratios of median times for the shipped networks and the published ones."""
    published = build(train_config("age-cifar10").network).eval().requires_grad_(False)
    models = {"`mnist`": zoo.load("mnist", device="cpu"), "published CIFAR-10 networks": Model(published, {})}
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    figures = {}
    for (name, model), batch in product(models.items(), (64, 256)):
        image = torch.rand(batch, model.networks.config.channels, 32, 32)
        runs = contenders(model, image)
        times = medians(runs, rounds)
        times["the upper bound"] = times["product"] * operations(runs["official"]) / operations(runs["product"])
        for ours in ("ours in fp32", "ours in bf16", "the upper bound"):
            what = f"AGE restore, {name}, batch {batch}, images a second: {ours} / official"
            figures[what] = times["official"] / times[ours]
    tell(figures)


if __name__ == "__main__":
    main()
