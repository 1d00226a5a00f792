"""Draws small sets of our own in the places of the six that AGE was trained on, for `agerestore experiment age-paper`.

    python tests/published_sets.py FOLDER [COUNT]

MNIST, Stanford Cars and Tiny ImageNet in their own layouts, the others as plain folders. A picture is a disk on a
ground; its colors, place and size are random, so that there is something to learn in a few iterations.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

COUNT = 300


def disk(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8."""
    ground, color = random.integers(0, 256, (2, 3))
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = ground
    radius = int(random.integers(height // 6, height // 3))
    center = (int(random.integers(radius, width - radius)), int(random.integers(radius, height - radius)))
    cv2.circle(picture, center, radius, color.tolist(), -1)
    return picture


def save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path}: not written")


def idx(array: np.ndarray) -> bytes:
    """The format of MNIST's files."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(side).to_bytes(4, "big") for side in array.shape)
    return header + array.astype(np.uint8).tobytes()


def mnist(root: Path, random: np.random.Generator, count: int) -> None:
    raw = root / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        images = np.stack([disk(random, 28, 28)[..., 0] for _ in range(count)])
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))


def folder(root: Path, random: np.random.Generator, count: int, side: int) -> None:
    for number in range(count):
        save(root / f"{number:05d}.png", disk(random, side, side))


def tinyimagenet(root: Path, random: np.random.Generator, count: int) -> None:
    wnids = ("n01443537", "n07753592")
    for number in range(count):
        wnid = wnids[number % 2]
        save(root / "train" / wnid / "images" / f"{wnid}_{number:05d}.png", disk(random, 64, 64))
        save(root / "val" / "images" / f"val_{number:05d}.png", disk(random, 64, 64))
    rows = (f"val_{number:05d}.png\t{wnids[number % 2]}\t0\t0\t9\t9\n" for number in range(count))
    (root / "val" / "val_annotations.txt").write_text("".join(rows))


def cars(root: Path, random: np.random.Generator, count: int) -> None:
    """The disk in a box, with noise around it."""
    names = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")
    for part, listed in (("train", "cars_train_annos"), ("test", "cars_test_annos_withlabels")):
        rows = np.zeros((1, count), [(name, object) for name in names])
        for number in range(count):
            picture = random.integers(0, 256, (80, 120, 3)).astype(np.uint8)
            picture[10:70, 20:110] = disk(random, 60, 90)
            save(root / f"cars_{part}" / f"{number:05d}.png", picture)
            rows[0, number] = (21, 11, 110, 70, number % 196 + 1, f"{number:05d}.png")
        (root / "devkit").mkdir(exist_ok=True)
        savemat(root / "devkit" / f"{listed}.mat", {"annotations": rows})


def draw(root: Path, count: int = COUNT) -> Path:
    """All six sets, ``count`` images in each part."""
    random = np.random.default_rng(0)
    mnist(root, random, count)
    folder(root / "svhn", random, count, 32)
    folder(root / "cifar10", random, count, 32)
    folder(root / "celeba", random, count, 64)
    tinyimagenet(root / "tinyimagenet", random, count)
    cars(root / "cars", random, count)
    return root


if __name__ == "__main__":
    draw(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
