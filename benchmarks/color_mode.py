"""How often `agerestore.analysis.color_mode` takes gray photographs for colored ones, and colored ones for gray.

    python benchmarks/color_mode.py DIR [MOST] [--fit]

DIR holds photographs in color, also in folders below; MOST of them are taken. They are divided by their names: with
`--fit` the weights of the classifier are fitted to one half and printed; otherwise what they make of the other half is
measured. Of each photograph a black-and-white print, as scans show it, and a photograph in color, as cameras and time
leave it, are drawn in every way below; two thirds are compressed. What has no visible colors left is no photograph in
color and left out.
"""

import random
import sys
import textwrap
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from agerestore import degradations
from agerestore.analysis.color_mode import color_mode, color_signs
from agerestore.batch import folders
from agerestore.images import io

Floats = NDArray[np.float64]  # (H, W, 3), of 255
Look = Callable[[Generator, Floats], Floats]
LUMA = np.array([0.299, 0.587, 0.114])
TITLE = "Weights of the network of `agerestore.analysis.color_mode`; printed by ``benchmarks/color_mode.py --fit``."
VISIBLE = 6.0  # units of Lab that a twentieth of the area is from the median color at least; less is hardly seen
UNITS, DECAY = 8, 3.0  # of the network: hidden units, and how much large weights cost
STAINED_SHARE = 0.7  # of the photographs whose stained prints are fitted: with all, muted colors are taken for stains
QUALITIES = (50, 95)  # of JPEG
WEAK_TONE, STRONG_TONE = (0.75, 1.35), (0.7, 2.0)  # exponents of the light in each channel
BORDERS = ((228, 212, 172), (248, 246, 238), (205, 180, 130), (18, 16, 15))
DATES = ((235, 120, 30), (250, 80, 40), (90, 250, 90), (250, 220, 60))


def in_8_bits(values: Floats) -> NDArray[np.uint8]:
    """Gray levels, clipped and rounded."""
    return np.ascontiguousarray(np.rint(values.clip(0, 255)).astype(np.uint8))


def gray(color: Floats) -> Floats:
    """The brightness, in three channels."""
    return np.repeat((color @ LUMA)[..., None], 3, axis=2)


def color_spread(color: Floats) -> float:
    """How far a twentieth of the area is from the median color at least, in units of Lab."""
    few = cv2.resize((color / 255).clip(0, 1).astype(np.float32), (48, 48), interpolation=cv2.INTER_AREA)
    chroma = cv2.cvtColor(few, cv2.COLOR_RGB2LAB)[..., 1:].reshape(-1, 2)
    return float(np.percentile(np.hypot(*(chroma - np.median(chroma, axis=0)).T), 95))


def degraded(kind: str) -> Look:
    """As `agerestore degrade` makes it."""

    def make(rng: Generator, pixels: Floats) -> Floats:
        image = torch.from_numpy(pixels.clip(0, 255) / 255).float().permute(2, 0, 1)[None]
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        made = degradations.degrade(image, degradations.parse(kind), generator).image[0]
        return 255 * made.permute(1, 2, 0).double().numpy()

    return make


# ------------------------------------------------------------------------------------- what gray and color have alike


def dated(rng: Generator, pixels: Floats) -> Floats:
    """With the date of a camera in a corner."""
    shown, (height, width) = in_8_bits(pixels), pixels.shape[:2]
    place = int(width * rng.uniform(0.5, 0.7)), int(height * rng.uniform(0.9, 0.96))
    color = DATES[rng.integers(len(DATES))]
    thickness = max(1, round(width / 250))
    cv2.putText(shown, "'87 6 14", place, cv2.FONT_HERSHEY_SIMPLEX, width / 600, color, thickness, cv2.LINE_AA)
    return shown.astype(np.float64)


def on_paper(rng: Generator, pixels: Floats) -> Floats:
    """With a border of paper, or black, on some sides."""
    most = 0.1 * max(pixels.shape)
    sides = [int(most * rng.uniform(0.2, 1)) * int(rng.random() < 0.8) for _ in range(4)]
    color = np.array(BORDERS[rng.integers(len(BORDERS))]) + rng.normal(0, 4, 3)
    made = cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_CONSTANT, value=color.tolist())
    return made + rng.normal(0, 1.5, made.shape)


def noisy(rng: Generator, pixels: Floats) -> Floats:
    """With noise in its colors, fine or coarse."""
    noise = rng.standard_normal(pixels.shape)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.6, 1.5))
        return pixels + rng.uniform(2, 7) * noise / noise.std()
    return pixels + rng.uniform(4, 14) * noise


def with_cast(rng: Generator, pixels: Floats) -> Floats:
    """With a cast of a scanner or of light, in proportion to the light, or the same everywhere."""
    if rng.random() < 0.5:
        return pixels + rng.uniform(-7, 7, 3)
    return pixels * rng.uniform(0.9, 1.08, 3)


def unevenly_yellowed(rng: Generator, pixels: Floats) -> Floats:
    """Yellower to one side, to the edges or to the middle."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    field = (x * np.cos(angle) + y * np.sin(angle) + 1.4) / 2.8 if rng.random() < 0.5 else (x**2 + y**2) / 2
    field = field if rng.random() < 0.7 else 1 - field
    taken = np.array([rng.uniform(0, 0.03), rng.uniform(0.02, 0.06), rng.uniform(0.06, 0.15)])
    return pixels * (1 - field.clip(0, 1)[..., None] * taken)


# ---------------------------------------------------------------------------------------------------- gray, color


def toned(rng: Generator, pixels: Floats) -> Floats:
    """A print of one tone: its color is a function of the brightness."""
    light = (pixels / 255).clip(0, 1)
    if rng.random() < 0.5:
        return 255 * light ** rng.uniform(*WEAK_TONE if rng.random() < 0.5 else STRONG_TONE, 3)
    dark, bright = rng.uniform(-14, 14, 3), rng.uniform(-14, 14, 3)
    return pixels + dark * (1 - light) ** 2 + bright * light**2


def scanned(rng: Generator, pixels: Floats) -> Floats:
    """All that happens to prints, at once."""
    for look, chance in ((toned, 0.5), (unevenly_yellowed, 0.5), (STAINS, 0.4), (noisy, 0.6), (on_paper, 0.4),
                         (with_cast, 0.5), (dated, 0.2)):  # fmt: skip
        pixels = look(rng, pixels) if rng.random() < chance else pixels
    return pixels


def muted(rng: Generator, color: Floats) -> Floats:
    """Only a part of the colors is left, of which a person still sees some."""
    least = min(max(VISIBLE / color_spread(color), 0.25), 1)
    return gray(color) + rng.uniform(least, max(0.6, least)) * (color - gray(color))


def nearly_of_one_color(rng: Generator, color: Floats) -> Floats:
    """Muted, and of the colors nearly all that is not along one line is gone, as in woods and by the sea."""
    chroma = (color - gray(color)).reshape(-1, 3)
    middle = chroma.mean(axis=0)
    axis = np.linalg.svd(np.cov(chroma.T))[0][:, 0]
    along = middle + np.outer((chroma - middle) @ axis, axis)
    one = gray(color) + (along + 0.15 * (chroma - along)).reshape(color.shape)
    return muted(rng, one) if color_spread(one) > VISIBLE else one


def foggy(rng: Generator, color: Floats) -> Floats:
    """Behind a veil."""
    left = rng.uniform(min(max(VISIBLE / color_spread(color), 0.35), 1), 1)
    return left * color + (1 - left) * (np.array([225, 228, 235]) + rng.uniform(-8, 8, 3))


STAINS = degraded("stains")
STAINED = ("stained", "stained sepia", "all of it")
SEPIA = degraded("toning:color=0:warmth=0.2..1")
BLUE = degraded("toning:color=0:warmth=-0.4..-0.1")
FADED = degraded("toning:color=0.5..0.9:warmth=-0.3..0.6:contrast=0.6..1")
GRAY: dict[str, Look] = {
    "gray": lambda rng, image: image,
    "with a cast": with_cast,
    "sepia": SEPIA,
    "bluish": BLUE,
    "of another tone": toned,
    "with a date": dated,
    "on paper": on_paper,
    "with noise in its colors": noisy,
    "unevenly yellowed": unevenly_yellowed,
    "stained": STAINS,
    "stained sepia": lambda rng, image: STAINS(rng, SEPIA(rng, image)),
    "all of it": scanned,
}
COLOR: dict[str, Look] = {
    "in color": lambda rng, image: image,
    "muted": muted,
    "nearly of one color": nearly_of_one_color,
    "foggy": foggy,
    "faded": FADED,
    "with a cast": with_cast,
    "with noise": noisy,
    "on paper": on_paper,
    "with a date": dated,
    "stained": STAINS,
    "dark": lambda rng, image: image * rng.uniform(0.25, 0.5),
}


class Sample(NamedTuple):
    """An image as it is shown, and whether it is one in color."""

    look: str
    is_color: bool
    pixels: NDArray[np.uint8]


def samples(color: Floats, name: str) -> Iterator[Sample]:
    """What is drawn of a photograph."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for is_color, looks in ((False, GRAY), (True, COLOR)):
        for look, make in looks.items():
            made = in_8_bits(make(rng, color if is_color else gray(color)))
            if is_color and color_spread(made) < VISIBLE:
                continue
            if rng.random() < 2 / 3:
                quality = int(rng.integers(*QUALITIES))
                file = cv2.imencode(".jpg", made[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
                made = np.ascontiguousarray(cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1])
            yield Sample(look, is_color, made)


def photographs(folder: Path, most: int, fitting: bool) -> Iterator[tuple[str, Floats]]:
    """Names and pixels of those of one half that have visible colors."""
    paths = [path for path in folders.search(folder).images if zlib.crc32(path.name.encode()) % 2 == int(fitting)]
    random.Random(0).shuffle(paths)
    for path in paths[:most]:
        pixels = io.read(path).as_rgb().pixels.astype(np.float64)
        if color_spread(pixels) >= 2 * VISIBLE:
            yield path.name, pixels


def measure(folder: Path, most: int) -> None:
    """Print the share of each look that is taken for the wrong one of gray and color."""
    wrong, count = Counter[tuple[bool, str]](), Counter[tuple[bool, str]]()
    for name, pixels in photographs(folder, most, fitting=False):
        for look, is_color, made in samples(pixels, name):
            count[is_color, look] += 1
            wrong[is_color, look] += (color_mode(made) == "color") != is_color
    for is_color, what in ((False, "gray or toned, called colored"), (True, "colored, called gray or toned")):
        print(f"| {what} | share | of |\n|---|---|---|")
        for look in COLOR if is_color else GRAY:
            key = is_color, look
            print(f"| {look} | {wrong[key] / count[key]:.1%} | {count[key]} |")
        totals = [sum(each[key] for key in each if key[0] == is_color) for each in (wrong, count)]
        print(f"| all | {totals[0] / totals[1]:.2%} | {totals[1]} |\n")


def fit(folder: Path, most: int) -> None:
    """Print `agerestore.analysis.color_mode_weights`: a network with one hidden layer, fitted to the signs of color."""
    rng = random.Random(0)
    signs, truth = [], []
    for name, pixels in photographs(folder, most, fitting=True):
        left_out = () if rng.random() < STAINED_SHARE else STAINED
        for look, is_color, made in samples(pixels, name):
            if is_color or look not in left_out:
                signs.append(color_signs(made))
                truth.append(is_color)
    print(weights(np.array(signs), np.array(truth)))


def weights(signs: Floats, truth: NDArray[np.bool_]) -> str:
    """The module of the weights that are fitted to signs (N, K) and the truth (N,)."""
    mean, scale = signs.mean(axis=0), signs.std(axis=0)
    network = MLPClassifier(UNITS, activation="tanh", alpha=DECAY, solver="lbfgs", max_iter=4000, random_state=0)
    network.fit((signs - mean) / scale, truth)
    inputs = network.coefs_[0].T / scale
    hidden = np.column_stack([inputs, network.intercepts_[0] - inputs @ mean])
    output = np.append(network.coefs_[1], network.intercepts_[1])
    lines = [
        f'"""{TITLE}"""',
        "",
        "# fmt: off",
        "# Of each hidden unit: the weights of the signs, and the bias.",
        "HIDDEN = (",
    ]
    for row in hidden:
        lines.append(textwrap.fill(_numbers(row), 118, initial_indent="    (", subsequent_indent="     ") + "),")
    return "\n".join([*lines, ")", "# Of the hidden units, and the bias.", f"OUTPUT = ({_numbers(output)})"])


def _numbers(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--fit"]
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    (fit if "--fit" in sys.argv else measure)(Path(arguments[0]), int(arguments[1]) if arguments[1:] else 10**9)
