"""How far a model changes images that need no restoration: text, drawings, saturated colors, light compression.

    python benchmarks/sound_images.py MODEL DIR [MOST]

DIR holds clean images, KIND-NUMBER.png or in any other names; at most MOST of each kind are taken, and of each the 384
pixels in the middle. `examples/draw_graphics.py` draws such images. Each row is of one kind and states, in dB: how near
the result for the clean image is to it (mean and worst; 100 where they are equal); the same for its JPEG of quality 90;
and how much nearer to the clean image the result is than what was given, for the JPEG and for the image halved and
enlarged again (mean and worst).
"""

import re
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

import torch
from side_by_side import tell
from torch import Tensor

from agerestore import degradations
from agerestore.batch import folders
from agerestore.images import io
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.metrics.image import psnr, quantize
from agerestore.models import zoo
from agerestore.models.base import Model

SIDE = 384
JPEG, HALVED = degradations.parse("jpeg:quality=90"), degradations.parse("resample:scale=2")


def kind_of(path: Path) -> str:
    """``table`` of table-0012.png; all that are not named so are one kind."""
    found = re.fullmatch(r"([a-z-]+)-\d+", path.stem)
    return found[1] if found else "image"


def middle(path: Path) -> Tensor:
    """(1, C, H, W) in [0, 1], of at most `SIDE` pixels a side."""
    image = io.read(path).to_tensor()
    top, left = (max(side - SIDE, 0) // 2 for side in image.shape[2:])
    return image[:, :, top : top + SIDE, left : left + SIDE].contiguous()


def level(image: Tensor, truth: Tensor) -> float:
    """PSNR in dB, at most 100."""
    return float(psnr(image, truth).clamp(max=100))


def measured(model: Model, clean: Tensor) -> dict[str, float]:
    """All figures of one image."""

    def restored(image: Tensor) -> Tensor:
        return quantize(restore_observation(model, Observation(image)).image)

    found = {"clean": level(restored(clean), clean)}
    for name, steps in (("JPEG 90", JPEG), ("halved", HALVED)):
        given = quantize(degradations.degrade(clean, steps, torch.Generator().manual_seed(0)).image)
        answer = restored(given)
        found[f"{name}, to the input"] = level(answer, given)
        found[f"{name}, gain"] = level(answer, clean) - level(given, clean)
    return found


def summary(rows: list[dict[str, float]]) -> str:
    """Mean and worst of each figure."""
    return "; ".join(
        f"{name} {mean(row[name] for row in rows):.2f} (worst {min(row[name] for row in rows):.2f})" for name in rows[0]
    )


def main(name: str, folder: Path, most: int) -> None:
    """Print the summary of each kind as soon as it is measured, and then all of them."""
    model = zoo.load(name)
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in folders.search(folder).images:
        kinds[kind_of(path)].append(path)
    tell({kind: summary([measured(model, middle(path)) for path in paths[:most]]) for kind, paths in kinds.items()})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10)
