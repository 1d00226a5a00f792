"""The images that `make_fixtures` draws: squares and rings, gradients with rectangles, files of them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def gradient(height: int, width: int, channels: int, number: int) -> np.ndarray:
    """A smooth image, (H, W, C) uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [(x * (3 + number % 4) + y * (5 - plane) + 40 * plane + 31 * number) % 511 for plane in range(channels)]
    return np.stack([np.where(wave > 255, 510 - wave, wave) for wave in waves], 2).astype(np.uint8)


def square(side: int, number: int, label: int) -> np.ndarray:
    """A gray image (S, S, 1) uint8 with a square, or, of label 1, a ring."""
    image = np.zeros((side, side, 1), np.uint8)
    size, top, left = 8 + number % 5 * 2, 2 + number * 5 % 11, 3 + number * 7 % 9
    image[top : top + size, left : left + size] = 180 + 5 * (number % 15)
    if label:
        image[top + 2 : top + size - 2, left + 2 : left + size - 2] = 20
    return image


def scene(side: int, number: int) -> np.ndarray:
    """A color image (S, S, 3) uint8: a gradient with two rectangles."""
    image = gradient(side, side, 3, number)
    image[side // 4 : side // 2, side // 5 : side - 6] = (40 * number % 256, 200 - 15 * number, 90 + 12 * number)
    image[side // 2 + number : side - 8, side // 3 : side // 2 + number] = (230 - 20 * number, 30 + 9 * number, 128)
    return image


def flat_scene(side: int, number: int) -> np.ndarray:
    """A color image (S, S, 3) uint8: two rectangles on a plain ground."""
    image = np.empty((side, side, 3), np.uint8)
    image[:] = (90 + 25 * number, 200 - 30 * number, 60 + 11 * number)
    image[side // 4 : side // 2, 5 + number : side - 6] = (40 * number, 120, 220 - 20 * number)
    image[side // 2 + number : side - 8, side // 3 : side // 2 + 3 * number] = (230 - 20 * number, 30 + 9 * number, 20)
    return image


def noisy(pixels: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """Gaussian noise, sigma on the scale 0..255, rounded and clipped."""
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def box(height: int, width: int, top: int, left: int, size: int) -> np.ndarray:
    """A mask (H, W, 1) uint8, white in a square."""
    mask = np.zeros((height, width, 1), np.uint8)
    mask[top : top + size, left : left + size] = 255
    return mask


def save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    """Write (H, W, C) uint8 in the format that the name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, optimize=True, **options)


def training_images(folder: Path) -> None:
    """What tiny networks learn from: digits/LABEL/, 24 gray images; photographs/, 4; cars/, 6 of 80 x 80 pixels."""
    for number in range(24):
        save(folder / "digits" / str(number % 2) / f"{number:02d}.png", square(32, number, number % 2))
    for number, side in enumerate((40, 44, 48, 52)):
        save(folder / "photographs" / f"{number}.png", scene(side, number))
    for number in range(6):
        save(folder / "cars" / f"{number}.png", flat_scene(80, number))


def batch_images(folder: Path) -> None:
    """What batches work on: images/, masks/ for them, broken/ with one that is none, cars/, reference.png."""
    images = folder / "images"
    save(images / "a.png", noisy(square(32, 3, 0), 30, 1)[2:30, :24])
    save(images / "b.jpg", noisy(square(32, 6, 1), 10, 2)[:24], quality=70)
    save(images / "sub" / "c.png", square(32, 9, 0))
    save(images / "sub" / "c.mask.png", box(32, 32, 10, 8, 9))
    save(folder / "masks" / "a.png", box(28, 24, 4, 12, 8))
    save(folder / "broken" / "a.png", square(32, 5, 0))
    (folder / "broken" / "no-image.png").write_bytes(b"no image")
    save(folder / "reference.png", scene(32, 2))
