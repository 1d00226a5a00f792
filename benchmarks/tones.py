"""How near to the truth tones come back, of photographs that are faded, toned and stained, and of sound ones.

    python benchmarks/tones.py DIR [DRAWS]

DIR holds clean photographs. Each is degraded as often as DRAWS says by the degradations below, drawn from its number.
The truth is the same photograph, or print of one tone, without what is to be undone. Prints a table of mean PSNR and
CIEDE2000: as it is, by `agerestore` (`tones=1`), by OpenCV's CLAHE, by gray world and by auto-levels (half a percent of
all values at each end). Sound photographs have no truth but themselves: the share that stays (over 50 dB), the median
and the least PSNR to the input.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from agerestore import degradations
from agerestore.batch import folders
from agerestore.images import io
from agerestore.images.arrays import open_image
from agerestore.images.pixels import Pixels
from agerestore.inference.tone import apply_tones, measure_tones

DARK = 0.15 ** (1 / 2.2)  # by night
SAME = 50.0  # dB to the input
MOST = 99.0  # dB; of equal images


class Case(NamedTuple):
    """What is drawn, and which kinds of that are to be undone, with the parameters of their truth; None for without."""

    degradation: str
    truth: Mapping[str, Mapping[str, float] | None]


FULL = {"contrast": 1.0, "gamma": 1.0}
CASES = {
    "faded, in color": Case("fading:sepia=0", {"fading": None}),
    "faded and yellowed, in color": Case("fading:sepia=0..0.6", {"fading": None}),
    "faded colors with a cast": Case("toning:color=0.4..0.9:warmth=-0.3..0.6:contrast=0.6..1", {"toning": None}),
    "faded sepia print": Case("toning:color=0:warmth=0.3..1:contrast=0.6..1.1", {"toning": FULL}),
    "faded gray print": Case("toning:color=0:warmth=0,fading:sepia=0", {"toning": FULL, "fading": None}),
    "stained print": Case("toning:color=0:warmth=0..1:contrast=1:gamma=1,stains", {"stains": None}),
    "stained, in color": Case("stains", {"stains": None}),
    "vignetting": Case("vignetting", {"vignetting": None}),
    "mottling": Case("mottling", {"mottling": None}),
    "all of it, a print": Case(
        "toning:color=0:warmth=0..1,fading:sepia=0:contrast=0.8..1:chance=0.5,vignetting:chance=0.4,"
        "mottling:chance=0.3,stains:chance=0.5",
        {"toning": FULL, "fading": None, "vignetting": None, "mottling": None, "stains": None},
    ),
}
SOUND = {
    "in color": "",
    "gray print": "toning:color=0:warmth=0:contrast=1:gamma=1",
    "sepia print": "toning:color=0:warmth=0.3..1:contrast=1:gamma=1",
}


def tones(pixels: Pixels) -> Pixels:
    """As `agerestore.restore(image, tones=1)` corrects them."""
    raster = open_image(pixels)
    return apply_tones(raster, [measure_tones(raster)]).pixels()


def clahe(pixels: Pixels) -> Pixels:
    """Of the lightness of Lab, with a clip limit of 2 and 8 x 8 tiles."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def gray_world(pixels: Pixels) -> Pixels:
    """The mean of each channel becomes that of all."""
    means = pixels.reshape(-1, 3).mean(axis=0).clip(1)
    return (pixels * (means.mean() / means)).clip(0, 255).round().astype(np.uint8)


def auto_levels(pixels: Pixels) -> Pixels:
    """Half a percent of all values becomes black, and white."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    return ((pixels - low) * (255 / max(high - low, 1))).clip(0, 255).round().astype(np.uint8)


METHODS: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda pixels: pixels, "tones": tones, "CLAHE": clahe, "gray world": gray_world,
    "auto-levels": auto_levels,
}  # fmt: skip


def psnr(image: Pixels, truth: Pixels) -> float:
    """In dB, at most 99."""
    error = np.square(image.astype(np.float64) - truth).mean()
    return float(min(10 * np.log10(255**2 / max(error, 1e-9)), MOST))


def difference(image: Pixels, truth: Pixels) -> float:
    """Mean CIEDE2000 of every fourth pixel."""
    return float(deltaE_ciede2000(*(rgb2lab(each[::2, ::2]) for each in (image, truth))).mean())


def degraded(pixels: Pixels, drawn: list[degradations.Drawn]) -> Pixels:
    """(H, W, 3) uint8 after what was drawn."""
    image = degradations.apply(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255, drawn).image[0]
    return (255 * image.clamp(0, 1)).round().permute(1, 2, 0).numpy().astype(np.uint8)


def pairs(photographs: list[Pixels], case: Case, draws: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Degraded images and their truth."""
    for number, pixels in enumerate(photographs):
        for draw in range(draws):
            generator = torch.Generator().manual_seed(1000 * draw + number)
            drawn = degradations.draw(degradations.parse(case.degradation), 1, pixels.shape[:2], generator)
            yield degraded(pixels, drawn), degraded(pixels, [each for step in drawn for each in undone(step, case)])


def undone(step: degradations.Drawn, case: Case) -> Iterator[degradations.Drawn]:
    """A step as the truth has it, if it does."""
    values = case.truth.get(step.kind, {})
    if values is not None:
        changed = {name: torch.full_like(step.parameters[name], value) for name, value in values.items()}
        yield replace(step, parameters={**step.parameters, **changed})


def main(folder: Path, draws: int = 3) -> None:
    """Print the tables."""
    photographs = [io.read(path).as_rgb().pixels for path in folders.search(folder).images]
    print(f"| {' | '.join(['drawn', *METHODS])} |\n{'|---' * (len(METHODS) + 1)}|")
    for name, case in CASES.items():
        found = list(pairs(photographs, case, draws))
        cells = []
        for method in METHODS.values():
            made = [(method(image), truth) for image, truth in found]
            decibels, apart = (np.mean([measure(*each) for each in made]) for measure in (psnr, difference))
            cells.append(f"{decibels:.2f} / {apart:.2f}")
        print(f"| {' | '.join([name, *cells])} |", flush=True)
    print(f"\n| {' | '.join(['sound', *list(METHODS)[1:]])} |\n{'|---' * len(METHODS)}|")
    sound = {name: [image for image, _ in pairs(photographs, Case(kind, {}), 1)] if kind else photographs
             for name, kind in SOUND.items()}  # fmt: skip
    sound["by night"] = [(DARK * each).round().astype(np.uint8) for each in photographs]
    for name, images in sound.items():
        cells = []
        for method in list(METHODS.values())[1:]:
            kept = [psnr(method(each), each) for each in images]
            cells.append(f"{np.mean(np.array(kept) > SAME):.0%}, {np.median(kept):.1f}, {min(kept):.1f}")
        print(f"| {' | '.join([name, *cells])} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
