"""How far the estimates of `agerestore inspect` are from what was drawn.

    python benchmarks/inspect_accuracy.py DIR [MOST]

DIR holds clean photographs; MOST of them are taken, in an order drawn once. Everything is drawn from the number of the
photograph and saved with 8 bits before it is measured.
"""

import io
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from agerestore import degradations
from agerestore.analysis.blur import blur_sigma
from agerestore.analysis.fading import fading
from agerestore.analysis.grain import Grain, measure_grain
from agerestore.analysis.impulses import impulse_share
from agerestore.analysis.jpeg import quality_of_pixels, quality_of_tables
from agerestore.analysis.noise import noise_sigma
from agerestore.analysis.report import (
    BLUR_LIMIT,
    FADED_LIMIT,
    GRAIN_LIMIT,
    GRAIN_SIZE_LIMIT,
    IMPULSE_LIMIT,
    SCRATCH_LIMIT,
    color_mode,
    inspect,
)
from agerestore.analysis.scratches import scratch_share
from agerestore.batch import folders
from agerestore.images import io as image_io
from agerestore.images.photo import Photo
from agerestore.images.pixels import Pixels

QUALITIES = (10, 20, 30, 50, 70, 80, 90, 95)


def damaged(pixels: Pixels, kind: str, seed: int) -> Pixels:
    """A photograph (H, W, 3) uint8 after a drawn degradation, clipped and rounded."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
    image = degradations.degrade(clean, degradations.parse(kind), generator).image[0]
    return (image.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)


def as_jpeg(pixels: Pixels, quality: int) -> Image.Image:
    """The photograph, saved as a JPEG and opened again."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return Image.open(file)


def decoded(pixels: Pixels, quality: int) -> Pixels:
    """What a JPEG of the photograph shows."""
    return np.asarray(as_jpeg(pixels, quality).convert("RGB"))


def gray(pixels: Pixels) -> Pixels:
    """The photograph without color, in three channels."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def summary(errors: list[float], within: float) -> str:
    """Bias, mean absolute and worst error, and how many are within a bar."""
    found = np.array(errors)
    share = (np.abs(found) <= within).mean()
    return (
        f"bias {found.mean():+.2f}, mean |error| {np.abs(found).mean():.2f}, "
        f"worst {found[np.abs(found).argmax()]:+.2f}, within {within:g}: {share:.0%}"
    )


def noise(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on noise."""
    for sigma in (0, 5, 10, 15, 25, 35, 50):
        kind = f"noise:sigma={sigma}"
        errors = [(noise_sigma(damaged(each, kind, n)) or 0) - sigma for n, each in enumerate(photos)]
        yield f"noise {sigma}: {summary(errors, 2)}"


def grain(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on grain: its strength and size, and how often it is called grain."""
    for sigma, size in ((0, 0), (10, 0), (20, 0), (6, 0.8), (8, 0.8), (12, 0.5), (12, 0.8), (12, 1.2), (20, 0.8)):
        images = list(drawn(photos, f"grain:sigma={sigma}:size={size}"))
        for quality in (None, 90, 75):
            found = [measure_grain(decoded(each, quality) if quality else each, quality) for each in images]
            measured = [each for each in found if each is not None]
            called = sum(map(is_grainy, found)) / len(found)
            sizes = np.round(np.percentile([each.size for each in measured] or [0], (10, 50, 90)), 2).tolist()
            of_sigma = summary([each.sigma - sigma for each in measured] or [0], 2)
            where = f", JPEG {quality}" if quality else ""
            yield (
                f"grain {sigma}, size {size}{where}: {len(measured)} of {len(found)} measured, {of_sigma}; "
                f"size {sizes}; called grain: {called:.0%}"
            )


def is_grainy(grain: Grain | None) -> bool:
    """Whether `inspect` calls it grain."""
    return grain is not None and grain.sigma >= GRAIN_LIMIT and grain.size >= GRAIN_SIZE_LIMIT


def impulses(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on salt-and-pepper noise."""
    for amount in (0.0, 0.001, 0.005, 0.02, 0.1, 0.3):
        shares = [impulse_share(each) for each in drawn(photos, f"saltpepper:amount={amount}")]
        errors = np.abs(np.array(shares) - amount)
        called = sum(each >= IMPULSE_LIMIT for each in shares) / len(shares)
        yield f"impulses {amount:.1%}: mean |error| {errors.mean():.2%}, worst {errors.max():.2%}; named: {called:.0%}"
    for kind in ("noise:sigma=25", "noise:sigma=50", "old-print"):
        called = [inspect(Photo(each)).has_impulses for each in drawn(photos, kind)]
        yield f"impulses, {kind}: named: {np.mean(called):.0%}"


def faded(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on fading."""
    kinds = {
        "as they are": "noise:sigma=0",
        "lift 0.05 to 0.1, contrast 0.9 to 1": "fading:lift=0.05..0.1:contrast=0.9..1",
        "lift 0.1 to 0.15, contrast 0.8 to 0.9": "fading:lift=0.1..0.15:contrast=0.8..0.9",
        "lift 0.15 to 0.25, contrast 0.65 to 0.8": "fading:lift=0.15..0.25:contrast=0.65..0.8",
        "darker by a gamma of 1.5": "toning:color=1:warmth=0:contrast=1:gamma=1.5",
    }
    for name, kind in kinds.items():
        called = [fading(each) >= FADED_LIMIT for each in drawn(photos, kind)]
        yield f"faded, {name}: called faded: {np.mean(called):.0%}"


def jpeg(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on JPEG."""
    for quality in QUALITIES:
        of_file = [quality_of_tables([as_jpeg(each, quality).quantization[0]]) - quality for each in photos]
        found = [quality_of_pixels(decoded(each, quality)) for each in photos]
        clear = [each - quality for each in found if each is not None]
        said = summary(clear, 5) if clear else "none"
        yield f"jpeg {quality}: file: {summary(of_file, 5)}; pixels: {len(clear)} of {len(found)} estimated, {said}"
    untouched = [cv2.resize(each, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA) for each in photos]
    estimated = sum(quality_of_pixels(each) is not None for each in untouched)
    noisy = sum(quality_of_pixels(damaged(each, "noise:sigma=5", n)) is not None for n, each in enumerate(photos))
    yield f"never JPEG: {estimated} of {len(photos)} taken for one when shrunk, {noisy} with noise of 5"


def tints(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on colors."""
    makers: dict[str, tuple[str, Callable[[int, Pixels], Pixels]]] = {
        "gray": ("gray", lambda n, each: gray(each)),
        "gray, JPEG": ("gray", lambda n, each: decoded(gray(each), QUALITIES[n % 8])),
        "gray, noise 50": ("gray", lambda n, each: damaged(gray(each), "noise:sigma=50", n)),
        "sepia": ("sepia", lambda n, each: damaged(each, "fading:sepia=1", n)),
        "sepia, JPEG 50 to 95": ("sepia", lambda n, each: damaged(each, "fading:sepia=1,jpeg:quality=50..95", n)),
        "sepia, noise 25": ("sepia", lambda n, each: damaged(each, "fading:sepia=1,noise:sigma=25", n)),
        "sepia, old photo": (
            "sepia",
            lambda n, each: damaged(each, "grain,fading:sepia=1,scratches,dust,jpeg:quality=50..95", n),
        ),
        "print of one bluish tone": ("toned", lambda n, each: damaged(each, "toning:color=0:warmth=-0.4..-0.2", n)),
        "color": ("color", lambda n, each: each),
        "color, JPEG": ("color", lambda n, each: decoded(each, QUALITIES[n % 8])),
        "color, faded": ("color", lambda n, each: damaged(each, "fading:sepia=0", n)),
    }
    for name, (wanted, make) in makers.items():
        said = [color_mode(make(n, each)) for n, each in enumerate(photos)]
        wrong = {word: said.count(word) for word in set(said) - {wanted}}
        yield f"{name}: {said.count(wanted) / len(said):.1%} right{f', else {wrong}' if wrong else ''}"


def blur(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on blur."""
    for sigma in (0, 0.5, 1, 1.5, 2, 3):
        for strength in (0, 10):
            kind = f"blur:sigma={sigma},noise:sigma={strength}"
            found = [blur_sigma(each, noise_sigma(each)) or 0.0 for each in drawn(photos, kind)]
            blurred = sum(each >= BLUR_LIMIT for each in found) / len(found)
            said = summary([each - sigma for each in found], 0.5)
            yield f"blur {sigma}, noise {strength}: {said}; called blurred: {blurred:.0%}"


def lines(photos: list[Pixels]) -> Iterator[str]:
    """Lines of the table on scratches."""
    for kind in ("noise:sigma=0", "scratches:width=1..2:coverage=0.01", "scratches", "old-photo"):
        shares = [scratch_share(each) for each in drawn(photos, kind)]
        called = sum(each >= SCRATCH_LIMIT for each in shares) / len(shares)
        yield f"lines, {kind}: median share {np.median(shares):.4f}; called scratched: {called:.0%}"


def drawn(photos: list[Pixels], kind: str) -> Iterator[Pixels]:
    """Each photograph after its own draw of a degradation."""
    return (damaged(each, kind, n) for n, each in enumerate(photos))


def main(folder: str, most: int = 10**9) -> None:
    """Measure on the photographs of a folder."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    paths = folders.search(Path(folder)).images
    random.Random(0).shuffle(paths)
    photos = [image_io.read(path).pixels for path in paths[:most]]
    photos = [each for each in photos if each.shape[2] == 3]
    print(f"{len(photos)} photographs")
    for table in (noise, grain, impulses, jpeg, tints, faded, blur, lines):
        start = time.perf_counter()
        for line in table(photos):
            print(line, flush=True)
        print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
