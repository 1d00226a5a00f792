"""How far the colors of first answers are from the true ones in the middle of an image, where the face or the car is.

    python benchmarks/color_bias.py FOLDER [MODEL]

FOLDER holds color photographs that training has not seen. Prints the mean distance in a and b of the middle, apart for
images whose middle is dark and light; the mean shift; and which share of the middles is nearly neutral or of one of six
hues, in the photographs and in first answers.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional as F

from agerestore.data.sources import load_photographs
from agerestore.images.color import rgb_to_lab
from agerestore.inference.color_codes import central_mean, draw_codes
from agerestore.models import zoo

NEUTRAL = 8.0  # chroma of a middle that counts as nearly neutral
DARK = 50.0  # lightness of a middle that counts as dark
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")


@torch.no_grad()
def middles(folder: Path, model: str) -> tuple[torch.Tensor, torch.Tensor]:
    """L, a and b of the middle of each photograph, and the a and b of its first answer, (N, 3) and (N, 2)."""
    networks, truth, drawn = zoo.load(model, device="cpu").networks, [], []
    for image in load_photographs(folder).images:
        size = networks.working_size(*image.shape[1:])
        lab = rgb_to_lab(F.interpolate(image[None].float() / 255, size, mode="bicubic", antialias=True).clamp(0, 1))
        light = lab[:, :1]
        chroma = networks.generate(light, draw_codes(networks, light, 1, 0))
        truth.append(central_mean(lab))
        drawn.append(central_mean(chroma))
    return torch.cat(truth), torch.cat(drawn)


def shares(chroma: torch.Tensor) -> dict[str, float]:
    """Share of middles (N, 2) that are nearly neutral, and of each hue."""
    colored = chroma.norm(dim=1) >= NEUTRAL
    sector = ((torch.atan2(chroma[:, 1], chroma[:, 0]) / (torch.pi / 3)).round().long()) % 6
    found = {"neutral": float((~colored).float().mean())}
    return found | {hue: float((colored & (sector == number)).float().mean()) for number, hue in enumerate(HUES)}


def main(folder: Path, model: str) -> None:
    """Print what the module says."""
    truth, drawn = middles(folder, model)
    distance = (truth[:, 1:] - drawn).norm(dim=1)
    for name, chosen in (("all", truth[:, 0] >= 0), ("dark", truth[:, 0] < DARK), ("light", truth[:, 0] >= DARK)):
        if chosen.any():
            shift = (drawn - truth[:, 1:])[chosen].mean(dim=0).tolist()
            print(
                f"{name:6} {int(chosen.sum()):4} images: distance {distance[chosen].mean():.1f}, "
                f"gray {truth[chosen, 1:].norm(dim=1).mean():.1f}, shift of a and b {shift[0]:+.1f} {shift[1]:+.1f}"
            )
    true, answers = shares(truth[:, 1:]), shares(drawn)
    print("share of middles in photographs and first answers, %")
    for name in true:
        print(f"{name:8} {100 * true[name]:5.1f} {100 * answers[name]:5.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "photo-color")
