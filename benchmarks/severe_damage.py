"""Severely damaged faces, and other small images under the same damage: which model restores them, and how near.

    python benchmarks/severe_damage.py FACES OTHERS [MOST]

Both are folders of clean images; at most MOST of each are taken, scaled to 64 pixels. Each line is of one damage: the
share of the images that `celeba` gets, and in dB (inside the holes, if there are any) what all those that severe damage
lets it try come back at by `photo`, by the model that was chosen for each, and by `celeba` if it got all.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from agerestore.data.sources import load_images
from agerestore.evaluation.benchmark import degraded
from agerestore.images.observation import Observation
from agerestore.images.raster import Raster
from agerestore.inference.restorer import restore_raster
from agerestore.inference.selection import select_model
from agerestore.inference.severe_damage import is_severe, recognize, redraw_large_holes
from agerestore.metrics.image import mean_psnr, quantize
from agerestore.models import zoo
from agerestore.models.base import Model

SIZE = 64
DAMAGE = (
    "noise:sigma=0", "noise:sigma=128:clip=1", "noise:sigma=160:clip=1", "noise:sigma=200:clip=1",
    "saltpepper:amount=0.5", "hole:size=8", "hole:size=12", "hole:size=16", "hole:size=24", "hole:size=40",
    "holes:count=1..3:size=12..24", "missing:fraction=0.5", "missing:fraction=0.9", "hole:size=24,missing:fraction=0.5",
)  # fmt: skip


def as_file(observation: Observation) -> Raster:
    """One damaged image as a file holds it, 8 bits."""
    values = (observation.image.clamp(0, 1) * 255).round().to(torch.uint8)
    return Raster(values, 255.0, None if observation.mask is None else observation.mask > 0)


def answers(models: dict[str, Model], raster: Raster) -> dict[str, Tensor]:
    """The image (1, C, H, W) in [0, 1] by `photo`, by `celeba`, and by the one that is chosen."""
    photo = restore_raster(models["photo"], raster).image
    if raster.mask is None:
        redrawn = recognize(models["celeba"], raster)[0]
    else:
        redrawn = redraw_large_holes(models["celeba"], photo).values / 255
    found = {"photo": photo.values / 255, "celeba": quantize(redrawn)}
    return {**found, "chosen": found["celeba" if chosen(models, raster) else "photo"]}


def chosen(models: dict[str, Model], raster: Raster) -> bool:
    """Whether `celeba` gets an image."""
    return select_model(models, raster).name == "celeba"


def line(models: dict[str, Model], truth: Tensor, damage: str, seed: Callable[[int], int]) -> str:
    """What is printed of one damage."""
    levels: dict[str, list[float]] = {"photo": [], "chosen": [], "celeba": []}
    got = 0
    for number, image in enumerate(truth.split(1)):
        raster = as_file(degraded(image, damage, seed(number)))
        if not is_severe(raster, SIZE):
            continue
        found = answers(models, raster)
        got += chosen(models, raster)
        mask = None if raster.mask is None else raster.mask.float()
        for name, values in levels.items():
            values.append(mean_psnr(found[name], image, mask))
    figures = " ".join(f"{name} {mean(values):.2f}" for name, values in levels.items() if values)
    return f"{damage:36} severe {len(levels['photo']):3}, to celeba {got / len(truth):.1%}  {figures}"


def main(faces: Path, others: Path, most: int) -> None:
    """Print a line for each damage, of faces and of others."""
    models = {name: zoo.load(name, device="cpu") for name in ("celeba", "photo")}
    for folder in (faces, others):
        truth = load_images(folder, SIZE, 3, limit=most).images.float() / 255
        print(f"{folder}: {len(truth)} images", flush=True)
        for damage in DAMAGE:
            print(line(models, truth, damage, lambda number: number), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 100)
