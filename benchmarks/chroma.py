"""How much of the chroma of photographs comes back when it is shrunk and upsampled again, and what 12 megapixels take.

    python benchmarks/chroma.py DIR [MOST] [THREADS]

DIR holds color photographs; MOST of them are taken, in an order drawn once. Bilinear interpolation is what the guided
one is compared with: PSNR over a and b (peak 255), and the ratio of their errors, guided / bilinear, near the edges of
the lightness, where chroma bleeds. The time and the peak memory are those of a gray image of 4,000 x 3,000 pixels
colored from 128 x 96, on THREADS threads.
"""

import random
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from agerestore.batch import folders
from agerestore.images import io
from agerestore.images.color import rgb_to_lab
from agerestore.images.photo import Photo
from agerestore.inference.chroma_upsampling import _along, _evaluate, _guide_size, _lines, color_pixels, lightness

SMALL = (16, 32, 64, 128)
STEEP = 120.0  # slope of L, as Sobel weighs it: about 15 a pixel

Planes = NDArray[np.float32]  # (C, H, W)


def resized(planes: Planes, size: tuple[int, int], how: int) -> Planes:
    """(C, h, w) at another size (H, W)."""
    return np.stack([cv2.resize(plane, size[::-1], interpolation=how) for plane in planes])


def guided(small: Planes, light: NDArray[np.float32]) -> Planes:
    """Small chroma (2, h, w) at the size of the lightness (H, W), before it is brought into the range of sRGB."""
    height, width = light.shape
    guide = resized(light[None], _guide_size(light.shape, small.shape[1:]), cv2.INTER_AREA)[0]
    lines = _along(_lines(small, guide), width, slice(0, width), dim=2)
    planes: Planes = _evaluate(_along(lines, height, slice(0, height), dim=1), torch.from_numpy(light)).numpy()
    return planes


def near_edges(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels lie within two of a steep slope of the lightness, (H, W)."""
    slope = cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    return cv2.dilate((slope > STEEP).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def psnr(found: Planes, truth: Planes) -> float:
    """Over a and b, for a peak of 255."""
    return float(10 * np.log10(255**2 / np.mean((found - truth) ** 2)))


def compare(lab: Planes, longest: int) -> tuple[float, float, float]:
    """PSNR of bilinear and of guided interpolation, and the ratio of their errors near edges (NaN without edges)."""
    light, truth = lab[0], lab[1:]
    scale = longest / max(light.shape)
    height, width = (max(1, round(length * scale)) for length in light.shape)
    small = resized(truth, (height, width), cv2.INTER_AREA)
    bilinear, ours = resized(small, light.shape, cv2.INTER_LINEAR), guided(small, light)
    edges = near_edges(light)
    wrong = [np.abs(found - truth)[:, edges].mean() if edges.any() else np.nan for found in (ours, bilinear)]
    return psnr(bilinear, truth), psnr(ours, truth), float(wrong[0] / wrong[1])


def quality(photos: list[Photo]) -> None:
    """Print a line for each size that the chroma is shrunk to."""
    labs = [rgb_to_lab(photo.to_tensor())[0].numpy() for photo in photos]
    for longest in SMALL:
        found = np.array([compare(lab, longest) for lab in labs if max(lab.shape) > longest])
        bilinear, ours = found[:, :2].mean(axis=0)
        better = (found[:, 1] > found[:, 0]).mean()
        print(
            f"chroma of {longest:3d} pixels: bilinear {bilinear:.2f} dB, guided {ours:.2f} dB "
            f"({ours - bilinear:+.2f}, better on {better:.0%}), error at edges x{np.nanmean(found[:, 2]):.3f}",
            flush=True,
        )


def cost(photo: Photo, kind: str, spread: float) -> None:
    """Print what an image of 12 megapixels takes."""
    pixels = cv2.resize(photo.pixels, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
    small = cv2.resize(pixels, (128, 96), interpolation=cv2.INTER_AREA)
    chroma = rgb_to_lab(Photo(small).to_tensor())[0, 1:].numpy() * np.float32(spread)
    start = time.perf_counter()
    colored = color_pixels(gray, chroma)
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of the process: KiB on Linux
    off = max(
        np.abs(lightness(new) - lightness(old)).max()
        for new, old in zip(np.split(colored, 10), np.split(gray, 10), strict=True)
    )
    print(f"12 megapixels, {kind}: {taken:.2f} s, peak {peak:.0f} MiB; lightness off by at most {off * 2.55:.2f}/255")


def main(folder: str, most: int = 100, threads: int = 1) -> None:
    """Measure on the photographs of a folder."""
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    paths = folders.search(Path(folder)).images
    random.Random(0).shuffle(paths)
    photos = [photo for photo in map(io.read, paths[:most]) if photo.pixels.shape[2] == 3]
    cost(photos[0], "its own chroma", 1)
    cost(photos[0], "ten times its chroma, most of it outside sRGB", 10)
    print(f"{len(photos)} photographs")
    quality(photos)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
