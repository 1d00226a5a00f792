"""How many pages `agerestore.analysis.documents` recognizes, and how many photographs it takes for pages.

    python benchmarks/document_accuracy.py PAGES PHOTOS [STEP]

PAGES holds documents, drawings and screenshots, KIND-NUMBER.png, such as `examples/draw_graphics.py` draws; PHOTOS
photographs, also in folders below, of which every STEP-th is taken. Pages are looked at as they are, compressed, on
cream paper, with noise, photographed, and with a photograph on them; photographs as they are, faded, grainy, gray, high
in key, low in key, and compressed.
"""

import io
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agerestore.analysis.documents import recognize_document
from agerestore.batch import folders
from agerestore.images import io as image_io

Pixels = NDArray[np.uint8]  # (H, W, 3)
Look = Callable[[np.random.Generator, Pixels], Pixels]


def in_8_bits(values: NDArray[np.floating]) -> Pixels:
    """Gray levels, clipped and rounded."""
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """What a JPEG of an image shows."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def on_cream(rng: np.random.Generator, page: Pixels) -> Pixels:
    """Printed on yellowed paper in ink that is not black."""
    paper, ink = rng.uniform([235, 222, 185], [252, 240, 222]), rng.uniform(15, 60, 3)
    return in_8_bits(ink + page / 255 * (paper - ink))


def with_noise(rng: np.random.Generator, page: NDArray[np.floating] | Pixels) -> Pixels:
    """With white noise of a standard deviation of 2 to 5."""
    return in_8_bits(page + rng.uniform(2, 5) * rng.standard_normal(page.shape, np.float32))


def photographed(rng: np.random.Generator, page: Pixels) -> Pixels:
    """Seen by a telephone: in perspective, in uneven light, a little soft and noisy, compressed."""
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + (rng.uniform(-0.05, 0.05, (4, 2)) * [width, height]).astype(np.float32)
    table = [float(value) for value in rng.uniform(60, 130, 3)]
    seen = cv2.warpPerspective(page, cv2.getPerspectiveTransform(corners, moved), (width, height), borderValue=table)
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * math.pi)
    light = rng.uniform(0.75, 0.9) + rng.uniform(0, 0.1) * (np.cos(angle) * across + np.sin(angle) * down)
    soft = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), rng.uniform(0.4, 0.9))
    lit = soft * light[..., None] * rng.uniform([1, 0.93, 0.82], 1)
    return as_jpeg(with_noise(rng, lit), int(rng.integers(75, 93)))


def with_photograph(rng: np.random.Generator, page: Pixels, photo: Pixels) -> Pixels:
    """A page with a photograph on a fifth to a half of it, and a margin around that."""
    scale = math.sqrt(rng.uniform(0.2, 0.5) * page.size / photo.size)
    scale = min(scale, *(0.94 * long / short for long, short in zip(page.shape[:2], photo.shape[:2], strict=True)))
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    height, width = small.shape[:2]
    top, left = (int(rng.integers(0, long - short)) for long, short in zip(page.shape, small.shape[:2], strict=False))
    page = page.copy()
    page[max(top - 8, 0) : top + height + 8, max(left - 8, 0) : left + width + 8] = page[0, 0]
    page[top : top + height, left : left + width] = small
    return page


def grainy(rng: np.random.Generator, photo: Pixels) -> Pixels:
    """With grain of a standard deviation of 8 to 20, about a pixel in size."""
    grain = cv2.GaussianBlur(rng.standard_normal(photo.shape[:2], np.float32), (0, 0), 0.6)
    return in_8_bits(photo + rng.uniform(8, 20) * (grain / grain.std())[..., None])


PAGE_LOOKS: dict[str, Look] = {
    "as drawn": lambda rng, page: page,
    "JPEG 90": lambda rng, page: as_jpeg(page, 90),
    "JPEG 75": lambda rng, page: as_jpeg(page, 75),
    "cream": on_cream,
    "noise 2 to 5": with_noise,
    "photographed": photographed,
}
PHOTO_LOOKS: dict[str, Look] = {
    "as they are": lambda rng, photo: photo,
    "faded to gray": lambda rng, photo: in_8_bits(0.45 * photo.mean(axis=2, keepdims=True).repeat(3, 2) + 100),
    "gray": lambda rng, photo: in_8_bits(photo.mean(axis=2, keepdims=True).repeat(3, 2)),
    "grainy": grainy,
    "high key": lambda rng, photo: in_8_bits(1.15 * photo.astype(np.float32) + 56),
    "low key": lambda rng, photo: in_8_bits(0.45 * 255 * (photo / 255) ** 2.2),
    "JPEG 30": lambda rng, photo: as_jpeg(photo, 30),
}


def name_of(pixels: Pixels) -> str:
    """What an image is taken for."""
    document = recognize_document(pixels)
    return document.name if document else "a photograph"


def counted(names: Counter[str]) -> str:
    """Counts of the answers, the most frequent first."""
    return ", ".join(f"{count} {name}" for name, count in names.most_common())


def read(path: Path) -> Pixels:
    """The image of a file, gray ones in three channels."""
    return np.ascontiguousarray(np.broadcast_to(pixels := image_io.read(path).pixels, (*pixels.shape[:2], 3)))


def pages(paths: list[Path], photos: list[Path]) -> Iterator[str]:
    """Lines of the tables on pages: by look, and as drawn by kind."""
    looks, kinds = defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    for number, path in enumerate(paths):
        rng, page = np.random.default_rng(number), read(path)
        for look, make in PAGE_LOOKS.items():
            looks[look][name := name_of(make(rng, page))] += 1
            kinds[path.stem.rsplit("-", 1)[0]][name] += 1
        laid = with_photograph(rng, page, read(photos[int(rng.integers(len(photos)))]))
        looks["a photograph on it"][name_of(laid)] += 1
    yield from (f"pages, {look}: {counted(found)}" for look, found in looks.items())
    yield from (f"pages, {kind}, all looks: {counted(found)}" for kind, found in kinds.items())


def photographs(paths: list[Path]) -> Iterator[str]:
    """Lines of the table on photographs, and the files that are taken for pages."""
    looks = defaultdict[str, Counter[str]](Counter)
    for number, path in enumerate(paths):
        rng, photo = np.random.default_rng(number), read(path)
        for look, make in PHOTO_LOOKS.items():
            looks[look][name := name_of(make(rng, photo))] += 1
            if name != "a photograph":
                yield f"{path}, {look}: {name}"
    yield from (f"photographs, {look}: {counted(found)}" for look, found in looks.items())


def main(page_folder: str, photo_folder: str, step: int = 1) -> None:
    """Measure on the images of two folders."""
    cv2.setNumThreads(1)
    drawn, photos = (folders.search(Path(folder)).images for folder in (page_folder, photo_folder))
    for table in (pages(drawn, photos), photographs(photos[::step])):
        start = time.perf_counter()
        for line in table:
            print(line, flush=True)
        print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
