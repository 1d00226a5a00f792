"""One iteration of the published CIFAR-10 plan, side by side: ours, the official way of computing, and the roof.

python benchmarks/train_step.py [--width 64] [--rounds 5] [--losses STEPS]

The official way is fp32, contiguous memory, unfused Adam; ours is what `agerestore train --precision bf16` does, and
compiled what it does with `--set compiled=true`. All take the same turns on the same networks and images. The roof are
the convolutions of our iteration, forward and backward, with the tensors they had, one after the other and nothing
else. With ``--losses`` the first two are trained on for as many iterations, and the ratios of the means of each term
are printed: within 2 % of 1 over 200.
"""

import argparse
from typing import Any

import torch
from side_by_side import medians, tell
from torch.utils._python_dispatch import TorchDispatchMode

from agerestore.config import train_config
from agerestore.data import ImageSet
from agerestore.training import Training

CONVOLUTIONS = (torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default)


def contiguous(training: Training) -> Training:
    """The same training with the memory layout and the optimiser that the official code has."""
    for network in (training.model, training.average):
        network.to(memory_format=torch.contiguous_format)
    training.optimizers = {
        player: torch.optim.Adam(getattr(training.model, player).parameters(), betas=training.config.betas)
        for player in training.stage.players
    }
    return training


class Convolutions(TorchDispatchMode):
    """Notes the convolutions that are computed within it, and computes them again on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        """Note a convolution; compute everything."""
        if function in CONVOLUTIONS:
            self.calls.append((function, arguments))
        return function(*arguments, **(named or {}))

    @torch.no_grad()
    def again(self) -> None:
        """All of them, in their order, with the tensors they had."""
        for function, arguments in self.calls:
            function(*arguments)


def mean_terms(training: Training, steps: int) -> dict[str, float]:
    """The mean of each term over the next ``steps`` iterations."""
    seen = [training.iterate() for _ in range(steps)]
    return {name: float(torch.stack([terms[name] for terms in seen]).mean()) for name in seen[0]}


def main() -> None:
    """Interleave both and print ratios of median times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--losses", type=int, default=0, metavar="STEPS")
    arguments = parser.parse_args()
    generator = torch.Generator().manual_seed(0)
    images = ImageSet(torch.randint(0, 256, (512, 3, 32, 32), dtype=torch.uint8, generator=generator))

    def build(precision: str, compiled: bool = False) -> Training:
        settings = (
            f"network.width={arguments.width}", f"precision={precision}", f"compiled={compiled}", "robust.steps=0",
        )  # fmt: skip
        return Training(train_config("age-cifar10", settings), images, torch.device("cpu"))

    official, ours = contiguous(build("fp32")), build("bf16")
    if arguments.losses:
        expected, found = (mean_terms(each, arguments.losses) for each in (official, ours))
        tell({f"{name}, mean over {arguments.losses} steps, ours / official": f"{found[name] / expected[name]:.4f}"
              for name in expected})  # fmt: skip
        return
    with Convolutions() as convolutions:
        ours.iterate()
    compiled = build("bf16", compiled=True)
    compiled.iterate()  # which takes half a minute
    ways = {
        "official": official.iterate,
        "ours": ours.iterate,
        "compiled": compiled.iterate,
        "roof": convolutions.again,
    }
    times = medians(ways, arguments.rounds)
    what = "training step, published CIFAR-10 plan and networks, batch 64, images a second"
    tell({
        f"{what}: ours / official": times["official"] / times["ours"],
        f"{what}: ours / its convolutions alone": times["roof"] / times["ours"],
        f"{what}: compiled / official": times["official"] / times["compiled"],
        f"{what}: compiled / the convolutions of ours alone": times["roof"] / times["compiled"],
    })  # fmt: skip


if __name__ == "__main__":
    main()
