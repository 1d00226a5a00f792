"""A folder of 256x256 JPEGs through `agerestore restore -m photo`, in core-seconds, against the sum of its parts.

    python benchmarks/folder.py [COUNT]

Core-seconds are user and system time of the whole process. Of a folder of COUNT images and one of a tenth of it the
difference is taken, so that start-up does not count; both run on one thread. Below 1.10 is the aim.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported here, and for the command

import numpy as np
import torch
from side_by_side import tell

from agerestore import device as devices
from agerestore import machine
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import zoo

PICTURE = Path(__file__).parent.parent / "examples" / "photographs" / "photo-chelsea.png"
SIDE, NOISE, ROUNDS = 256, 15, 3


def make_images(folder: Path, count: int) -> None:
    """Write noisy pieces of a photograph, each another one."""
    rng, pixels = np.random.default_rng(0), io.read(PICTURE).pixels
    folder.mkdir()
    for number in range(count):
        top, left = (rng.integers(0, side - SIDE + 1) for side in pixels.shape[:2])
        piece = pixels[top : top + SIDE, left : left + SIDE] + rng.normal(0, NOISE, (SIDE, SIDE, 3))
        photo = Photo(piece.clip(0, 255).round().astype(np.uint8))
        (folder / f"{number:04d}.jpg").write_bytes(io.encode(photo, ".jpg"))


def command(folder: Path, out: Path) -> float:
    """Core-seconds of the whole command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "agerestore_cli", "restore", folder, out, "-m", "photo", "--quiet", "--threads", "1"],
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def parts(folder: Path) -> float:
    """Core-seconds of decoding, the bare network and encoding, for all images of a folder."""
    machine.keep_memory()  # as the command does
    networks, cpu = zoo.load("photo").networks, torch.device("cpu")
    with torch.inference_mode(), devices.precision("auto", cpu, auto=devices.fastest(cpu)):
        for warm in (True, False):
            start = time.process_time()
            for path in sorted(folder.iterdir())[: 3 if warm else None]:
                photo = io.read(path)
                image = photo.to_tensor().contiguous(memory_format=torch.channels_last)
                estimate, _ = networks.estimate(image)
                levels = (estimate[0].permute(1, 2, 0) * 255).clamp(0, 255).round().to(torch.uint8)
                io.encode(Photo(levels.numpy(), metadata=photo.metadata), ".jpg")
    return time.process_time() - start


def main(count: int = 200) -> None:
    """Take turns, several rounds."""
    few = count // 10
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        for name, number in (("many", count), ("few", few)):
            make_images(base / name, number)
        ratios = []
        for round_ in range(ROUNDS):
            batch = command(base / "many", base / f"a{round_}") - command(base / "few", base / f"b{round_}")
            ratios.append(batch / (parts(base / "many") * (count - few) / count))
    tell(
        {f"folder of {SIDE}x{SIDE} JPEGs / its decoding, network and encoding, core-seconds": statistics.median(ratios)}
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
