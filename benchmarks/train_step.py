"""One iteration of the published CIFAR-10 plan, side by side: ours, the official way of computing, and an upper bound.

python benchmarks/train_step.py [--width 64] [--rounds 5] [--losses STEPS] [--device cpu]

The official way is fp32, contiguous memory, unfused Adam; ours is what `agerestore train --precision bf16` does, and
compiled what it does with `--set compiled=true`. All take the same turns on the same networks and images. The upper
bound is the convolutions of our iteration, forward and backward, with the tensors they had, one after the other and
nothing else. With ``--losses`` the first two are trained on for as many iterations, and the ratios of the means of
each term are printed: within 2 % of 1 over 200.

With ``--device cuda`` TF32 is off, cuDNN tries its algorithms, "captured" is what `--set cuda_graph=true` does, and the
upper bound is a graph, too; nothing is compiled there.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from side_by_side import medians, tell
from torch.utils._python_dispatch import TorchDispatchMode

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.training.state import Training

CONVOLUTIONS = (torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default)


def contiguous(training: Training) -> Training:
    """The same training with the memory layout and the optimizer that the official code has."""
    for network in (training.model, training.average):
        network.to(memory_format=torch.contiguous_format)
    training.updater.optimizers = {
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


def training(width: int, device: torch.device, precision: str, *settings: str) -> Training:
    """A training of the published CIFAR-10 plan on images of noise."""
    generator = torch.Generator().manual_seed(0)
    images = ImageSet(torch.randint(0, 256, (512, 3, 32, 32), dtype=torch.uint8, generator=generator))
    whole = (f"network.width={width}", f"precision={precision}", "robust.steps=0", *settings)
    return Training(train_config("age-cifar10", whole), images, device)


def as_graph(run: Callable[[], object]) -> Callable[[], object]:
    """What runs on a GPU, recorded; to be replayed."""
    run()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def waited(run: Callable[[], object], count: int = 20) -> None:
    """Several iterations on a GPU, and the wait for their end."""
    for _ in range(count):
        run()
    torch.cuda.synchronize()


def ways(width: int, device: torch.device) -> dict[str, Callable[[], object]]:
    """What is timed, by its name; each has run once."""
    build = partial(training, width, device)
    official, ours, convolutions = contiguous(build("fp32")), build("bf16"), Convolutions()
    with convolutions:
        ours.iterate()
    if device.type == "cpu":
        compiled = build("bf16", "compiled=true")
        compiled.iterate()  # which takes half a minute
        return {
            "official": official.iterate, "ours": ours.iterate, "compiled": compiled.iterate,
            "roof": convolutions.again,
        }  # fmt: skip
    captured = build("bf16", "cuda_graph=true")
    waited(captured.iterate)
    found = {
        "official": official.iterate, "ours": ours.iterate, "captured": captured.iterate,
        "roof": as_graph(convolutions.again),
    }  # fmt: skip
    return {name: partial(waited, run) for name, run in found.items()}


def main() -> None:
    """Interleave both and print ratios of median times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--losses", type=int, default=0, metavar="STEPS")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = False, True  # for all alike
    if arguments.losses:
        build = partial(training, arguments.width, arguments.device)
        graph = f"cuda_graph={arguments.device.type == 'cuda'}"
        expected, found = (
            mean_terms(each, arguments.losses) for each in (contiguous(build("fp32")), build("bf16", graph))
        )
        tell({f"{name}, mean over {arguments.losses} steps, ours / official": f"{found[name] / expected[name]:.4f}"
              for name in expected})  # fmt: skip
        return
    times = medians(ways(arguments.width, arguments.device), arguments.rounds)
    what = "training step, published CIFAR-10 plan and networks, batch 64, images a second"
    figures = {
        f"{what}: ours / official": times["official"] / times["ours"],
        f"{what}: ours / its convolutions alone": times["roof"] / times["ours"],
    }
    for way in ("compiled", "captured"):
        if way in times:
            figures[f"{what}: {way} / official"] = times["official"] / times[way]
            figures[f"{what}: {way} / the convolutions of ours alone"] = times["roof"] / times[way]
    tell(figures)


if __name__ == "__main__":
    main()
