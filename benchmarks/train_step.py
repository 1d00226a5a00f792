"""One iteration of the published CIFAR-10 plan, side by side: ours against the official way of computing.

The official way is fp32, contiguous memory, unfused Adam; ours is what `agerestore train --precision bf16` does.
Both take the same turns on the same networks and images.

python benchmarks/train_step.py [--width 64] [--rounds 5] [--threads 2]
"""

import argparse
import json
import statistics
import time

import torch

from agerestore.config import train_config
from agerestore.data import ImageSet
from agerestore.training import Training


def contiguous(training: Training) -> Training:
    """The same training with the memory layout and the optimiser that the official code has."""
    for network in (training.model, training.average):
        network.to(memory_format=torch.contiguous_format)
    training.optimizers = {
        player: torch.optim.Adam(getattr(training.model, player).parameters(), betas=training.config.betas)
        for player in training.stage.players
    }
    return training


def main() -> None:
    """Interleave both and print the ratio of median times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = torch.Generator().manual_seed(0)
    images = ImageSet(torch.randint(0, 256, (512, 3, 32, 32), dtype=torch.uint8, generator=generator))

    def build(precision: str) -> Training:
        settings = (f"network.width={arguments.width}", f"precision={precision}", "robust.steps=0")
        return Training(train_config("age-cifar10", settings), images, torch.device("cpu"))

    candidates = {"official": contiguous(build("fp32")), "ours": build("bf16")}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for name, training in [*candidates.items()] * (arguments.rounds + 1):
        start = time.perf_counter()
        training.iterate()
        times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    ratio = medians["official"] / medians["ours"]
    print(json.dumps({"images per second, ours / official": round(ratio, 2), **vars(arguments)}, indent=1))


if __name__ == "__main__":
    main()
