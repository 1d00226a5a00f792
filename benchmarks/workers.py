"""A folder of noisy JPEGs through `agerestore restore -m photo`: one process, one worker, two, and two on Ray.

    python benchmarks/workers.py [COUNT] [SIDE] [ROUNDS]

Prints images a second, and their ratios. Of a folder of COUNT images and one of a tenth of it the difference is taken,
so that start-up does not count; all take turns. Ray is left out where it is not installed. Needs two idle cores.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from side_by_side import tell

from agerestore.images import io
from agerestore.images.photo import Photo

PICTURE = Path(__file__).parent.parent / "examples" / "photographs" / "photo-chelsea.png"
NOISE = 15  # levels
WAYS = {"one process": [], "one worker": ["--workers", "1"], "two workers": ["--workers", "2"]}
RAY = {"two workers on Ray": ["--cluster", "auto", "--workers", "2"]}


def make_images(folder: Path, count: int, side: int) -> None:
    """Write noisy views of a photograph, each with other noise."""
    rng, pixels = np.random.default_rng(0), io.read(PICTURE).pixels
    rows, columns = (np.linspace(0, length - 1, side).round().astype(int) for length in pixels.shape[:2])
    folder.mkdir()
    for number in range(count):
        noisy = pixels[rows][:, columns] + rng.normal(0, NOISE, (side, side, 3))
        photo = Photo(noisy.clip(0, 255).round().astype(np.uint8))
        (folder / f"{number:05d}.jpg").write_bytes(io.encode(photo, ".jpg"))


def seconds(folder: Path, out: Path, options: list[str]) -> float:
    """Wall time of the command."""
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "agerestore_cli",
        "restore",
        folder,
        out,
        "-m",
        "photo",
        "--mask",
        "none",
        "--quiet",
    ]
    subprocess.run([*command, *options], check=True)
    return time.perf_counter() - start


def main(count: int = 200, side: int = 256, rounds: int = 3) -> None:
    """Take turns, several rounds."""
    few, ways = max(count // 10, 2), {**WAYS, **(RAY if importlib.util.find_spec("ray") else {})}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        for name, number in (("many", count), ("few", few)):
            make_images(base / name, number, side)
        for turn in range(rounds):
            for number, (way, options) in enumerate(ways.items()):
                outs = [base / f"{name}-{turn}-{number}" for name in ("many", "few")]
                spent = seconds(base / "many", outs[0], options) - seconds(base / "few", outs[1], options)
                rates[way].append((count - few) / spent)
    medians = {way: statistics.median(each) for way, each in rates.items()}
    two = medians["two workers"]
    ratios = {f"two workers / {way}": two / each for way, each in medians.items() if way != "two workers"}
    tell({f"{way}, images a second": each for way, each in medians.items()} | ratios)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
