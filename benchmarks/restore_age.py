"""Encode-then-generate of batches of 32x32 pictures, side by side: ours against the official way of computing.

python benchmarks/restore_age.py

The official way is fp32, contiguous memory, batch norms of their own. Ours is what `restore` computes with: batch norms
folded into the convolutions and channels last, in fp32 and, the default where the processor has it, in bf16 with
transposed convolutions woven. Both are without gradients; framing and the score of the domain are left out.
"""

from collections.abc import Callable
from itertools import product

import torch
from side_by_side import medians, tell
from torch import Tensor

from agerestore import zoo
from agerestore.checkpoint import LoadedModel
from agerestore.config import train_config
from agerestore.networks import Autoencoder, Model, build

ROUNDS = 7


def contenders(model: LoadedModel, image: Tensor) -> dict[str, Callable[[], object]]:
    """The ways to compute one batch."""

    def run(networks: Model, bf16: bool) -> None:
        assert isinstance(networks, Autoencoder)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            networks.generate(networks.encode(image, robust=True))

    return {
        "official": lambda: run(model.networks, False),
        "fp32": lambda: run(model.quick, False),
        "bf16": lambda: run(model.quick_bf16, True),
    }


def main() -> None:
    """Print ratios of median times for the shipped networks and the published ones."""
    published = build(train_config("age-cifar10").network).eval().requires_grad_(False)
    models = {"`mnist`": zoo.load("mnist"), "published CIFAR-10 networks": LoadedModel(published, {})}
    figures = {}
    for (name, model), batch in product(models.items(), (64, 256)):
        image = torch.rand(batch, model.networks.config.channels, 32, 32)
        times = medians(contenders(model, image), ROUNDS)
        for precision in ("fp32", "bf16"):
            what = f"AGE restore, {name}, batch {batch}, images a second: ours in {precision} / official"
            figures[what] = times["official"] / times[precision]
    tell(figures)


if __name__ == "__main__":
    main()
