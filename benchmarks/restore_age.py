"""Encode-then-generate of batches of 32x32 pictures, side by side: ours against the official way of computing.

python benchmarks/restore_age.py

The official way is fp32, contiguous memory, batch norms of their own. Ours is what `restore` computes with: batch norms
folded into the convolutions, channels last, in fp32 (the default) and in bf16 (`--precision bf16`). Both are without
gradients; framing and the score of the domain are left out.
"""

from collections.abc import Callable

import torch
from side_by_side import medians, tell
from torch import Tensor

from agerestore import zoo
from agerestore.config import train_config
from agerestore.networks import Autoencoder, build
from agerestore.networks.folding import folded

ROUNDS = 7


def contenders(networks: Autoencoder, image: Tensor) -> dict[str, Callable[[], object]]:
    """The ways to compute one batch."""
    quick = folded(networks)

    def run(networks: Autoencoder, bf16: bool) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            networks.generate(networks.encode(image, robust=True))

    return {
        "official": lambda: run(networks, False),
        "fp32": lambda: run(quick, False),
        "bf16": lambda: run(quick, True),
    }


def main() -> None:
    """Print ratios of median times for the shipped networks and the published ones."""
    shipped, published = zoo.load("mnist").networks, build(train_config("age-cifar10").network)
    assert isinstance(shipped, Autoencoder)
    assert isinstance(published, Autoencoder)
    figures = {}
    for name, networks, batch in (
        ("`mnist`", shipped, 64), ("`mnist`", shipped, 256),
        ("published CIFAR-10 networks", published.eval().requires_grad_(False), 64),
    ):  # fmt: skip
        times = medians(contenders(networks, torch.rand(batch, networks.config.channels, 32, 32)), ROUNDS)
        for precision in ("fp32", "bf16"):
            what = f"AGE restore, {name}, batch {batch}, images a second: ours in {precision} / official"
            figures[what] = times["official"] / times[precision]
    tell(figures)


if __name__ == "__main__":
    main()
