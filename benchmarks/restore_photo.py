"""Restoring a photograph beside OpenCV's non-local means and the bare estimator, turn by turn in one run.

    python benchmarks/restore_photo.py [SIDE]

Prints ratios of median times: below 1 the first of the two is faster.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from agerestore import device, imagefile, zoo
from agerestore.baselines import non_local_means
from agerestore.config import RestoreSettings
from agerestore.networks import PhotoModel
from agerestore.observation import Observation
from agerestore.restoration import restore_observation

PICTURE = Path(__file__).parent.parent / "examples" / "damaged" / "photo-chelsea.png"
ROUNDS = 7
STRENGTH = 20  # of non-local means, in grey levels


def main(side: int = 256) -> None:
    """Take turns, several rounds, on a square of ``side`` pixels a side."""
    model = zoo.load("photo")
    assert isinstance(model.networks, PhotoModel)
    networks, image = model.networks, imagefile.to_tensor(imagefile.read(PICTURE))
    times = -(-side // min(image.shape[2:]))
    image = image.tile(1, 1, times, times)[:, :, :side, :side].contiguous()
    cpu = torch.device("cpu")

    def bare() -> None:
        with torch.inference_mode(), device.precision("auto", cpu, auto=device.fastest(cpu)):
            networks.estimate(image.contiguous(memory_format=torch.channels_last))

    contenders: dict[str, Callable[[], object]] = {
        "restore": lambda: restore_observation(model, Observation(image)),
        "restore, fp32": lambda: restore_observation(model, Observation(image), RestoreSettings(precision="fp32")),
        "bare estimator": bare,
        "non-local means": lambda: non_local_means(Observation(image), STRENGTH),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(ROUNDS + 1):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            if round_:  # the first warms up
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name in list(contenders)[1:]:
        print(f"{side}x{side}: restore / {name}: {medians['restore'] / medians[name]:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
