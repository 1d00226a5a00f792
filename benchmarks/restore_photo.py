"""Restoring a photograph, OpenCV's non-local means and the bare estimator, timed in turns.

    python benchmarks/restore_photo.py [SIDE]

Prints ratios of median times: below 1 the first of the two is faster.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from side_by_side import medians, tell

from agerestore import device as devices
from agerestore import machine
from agerestore.config.options import RestoreSettings
from agerestore.evaluation.baselines.classical import non_local_means
from agerestore.images import io
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.models import zoo

PICTURE = Path(__file__).parent.parent / "examples" / "damaged" / "photo-chelsea.png"
ROUNDS = 5
STRENGTH = 20  # of non-local means, in gray levels


def main(side: int = 256) -> None:
    """Take turns, several rounds, on a square of ``side`` pixels a side."""
    machine.keep_memory()  # as the command line does
    cv2.setNumThreads(torch.get_num_threads())
    model = zoo.load("photo")
    networks, image = model.networks, io.read(PICTURE).to_tensor()
    copies = -(-side // min(image.shape[2:]))
    image = image.tile(1, 1, copies, copies)[:, :, :side, :side].contiguous()
    cpu = torch.device("cpu")

    def bare() -> None:
        with torch.inference_mode(), devices.precision("auto", cpu, auto=devices.fastest(cpu)):
            networks.estimate(image.contiguous(memory_format=torch.channels_last))

    contenders: dict[str, Callable[[], object]] = {
        "restore": lambda: restore_observation(model, Observation(image)),
        "restore, fp32": lambda: restore_observation(model, Observation(image), RestoreSettings(precision="fp32")),
        "bare estimator": bare,
        "non-local means": lambda: non_local_means(Observation(image), STRENGTH),
    }
    times = medians(contenders, ROUNDS)
    what = f"`photo`, {side}x{side}: restore"
    tell({f"{what} / {name}, time": times["restore"] / times[name] for name in list(contenders)[1:]})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
