"""How near eight versions of a model that colors come to the truth, at the size of the photographs.

    python benchmarks/color_versions.py FOLDER [MODEL] [MOST]

FOLDER holds color photographs that training has not seen, of which MOST evenly spaced ones are taken. Prints
PSNR in dB of a and b (peak 255) of the first version and of the best of eight, the colorfulness of the first and of the
photographs, and the variance between versions in the middle over that in strips at the upper and lower edge.
"""

import sys
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.data.sources import load_photographs
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.inference.color_codes import draw_codes
from agerestore.metrics.color import chroma_psnr
from agerestore.metrics.image import colorfulness
from agerestore.models import zoo
from agerestore.models.base import ModelNetworks

VERSIONS = 8


def versions(networks: ModelNetworks, lightness: Tensor, seed: int) -> Tensor:
    """Colors (8, 2, H, W) for a lightness (1, 1, H, W)."""
    size = networks.working_size(*lightness.shape[2:])
    small = F.interpolate(lightness, size, mode="bilinear", antialias=True)
    drawn = [networks.generate(small, code[None]) for code in draw_codes(networks, small, VERSIONS, seed)]
    return F.interpolate(torch.cat(drawn), lightness.shape[2:], mode="bilinear")


@torch.no_grad()
def measured(networks: ModelNetworks, image: Tensor, seed: int) -> dict[str, float]:
    """All figures of one image (1, 3, H, W) in [0, 1]."""
    lab = rgb_to_lab(image)
    colors = versions(networks, lab[:, :1], seed)
    levels = chroma_psnr(colors, lab[:, 1:].expand(VERSIONS, -1, -1, -1))
    variance = colors.var(0).sum(0)
    rows, columns = (length // 4 for length in variance.shape)
    strip = max(rows // 2, 1)
    return {
        "gray": float(chroma_psnr(0 * lab[:, 1:], lab[:, 1:])),
        "first": float(levels[0]),
        "best": float(levels.max()),
        "colorfulness": float(colorfulness(lab_to_displayable(torch.cat([lab[:, :1], colors[:1]], 1)))),
        "colorfulness of the photographs": float(colorfulness(image)),
        "middle": float(variance[rows:-rows, columns:-columns].mean()),
        "edges": float(torch.cat([variance[:strip], variance[-strip:]]).mean()),
    }


def main(folder: Path, name: str, most: int) -> None:
    """Print the means."""
    networks = zoo.load(name, device="cpu").networks
    images = load_photographs(folder, limit=most).images
    rows = [measured(networks, image[None].float() / 255, seed) for seed, image in enumerate(images)]
    means = {key: mean(row[key] for row in rows) for key in rows[0]}
    print(f"{len(rows)} photographs: " + ", ".join(f"{key} {value:.2f}" for key, value in means.items()))
    print(f"middle to edges {means['middle'] / means['edges']:.1f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "cars-color", int((sys.argv[3:] or ["60"])[0]))
