"""A folder of 256x256 JPEGs through `agerestore.restore_files`, in core-seconds, against the sum of its parts.

    python benchmarks/folder.py [FOLDERS]

Core-seconds are user and system time of this process on one thread. Whole and parts take turns on each of a number of
small folders, so that what else the machine does is the same for both; the median of the ratios is given, with
their quartiles. Below 1.10 is the aim.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import numpy as np
import torch
from side_by_side import tell

import agerestore
from agerestore import device as devices
from agerestore import machine
from agerestore.images import io
from agerestore.images.photo import Photo

PICTURE = Path(__file__).parent.parent / "examples" / "photographs" / "photo-chelsea.png"
SIDE, NOISE, COUNT = 256, 15, 10  # pixels, levels, images of a folder
WARM_UP = 2  # folders


def make_images(folder: Path, seed: int) -> None:
    """Write noisy pieces of a photograph, each another one."""
    rng, pixels = np.random.default_rng(seed), io.read(PICTURE).pixels
    folder.mkdir()
    for number in range(COUNT):
        top, left = (rng.integers(0, side - SIDE + 1) for side in pixels.shape[:2])
        piece = pixels[top : top + SIDE, left : left + SIDE] + rng.normal(0, NOISE, (SIDE, SIDE, 3))
        photo = Photo(piece.clip(0, 255).round().astype(np.uint8))
        (folder / f"{number:04d}.jpg").write_bytes(io.encode(photo, ".jpg"))


def whole(model: agerestore.Model, folder: Path) -> float:
    """Core-seconds of restoring a folder."""
    start = time.process_time()
    agerestore.restore_files(folder, folder.with_suffix(".out"), model=model)
    return time.process_time() - start


def parts(model: agerestore.Model, folder: Path) -> float:
    """Core-seconds of decoding, the bare network and encoding, for all images of a folder."""
    start, cpu = time.process_time(), torch.device("cpu")
    with torch.inference_mode(), devices.precision("auto", cpu, auto=devices.fastest(cpu)):
        for path in sorted(folder.iterdir()):
            photo = io.read(path)
            image = photo.to_tensor().contiguous(memory_format=torch.channels_last)
            estimate, _ = model.networks.estimate(image)
            levels = (estimate[0].permute(1, 2, 0) * 255).clamp(0, 255).round().to(torch.uint8)
            io.encode(Photo(levels.numpy(), metadata=photo.metadata), ".jpg")
    return time.process_time() - start


def main(folders: int = 12) -> None:
    """Take turns, folder by folder."""
    machine.keep_memory()  # as the command does
    model, ratios = agerestore.load("photo"), []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(WARM_UP + folders):
            folder = Path(scratch) / f"{number}"
            make_images(folder, number)
            ratios.append(whole(model, folder) / parts(model, folder))
    low, middle, high = statistics.quantiles(ratios[WARM_UP:], n=4)
    what = f"folder of {SIDE}x{SIDE} JPEGs / its decoding, network and encoding, core-seconds"
    tell({what: f"{middle:.3f} (quartiles {low:.3f} to {high:.3f})"})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
