"""Where images lie on disk: plain folders, and the layouts of torchvision's sets. Nothing is downloaded."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from agerestore.batch.masks import is_mask_name
from agerestore.device import is_out_of_memory
from agerestore.errors import ImageFileError, NothingReadableError
from agerestore.images import io
from agerestore.images.formats.catalog import readable_suffixes

Arrays = tuple[Iterable[np.ndarray], Tensor | None, list[str]]  # pictures (H, W, C) uint8, labels, unreadable files


RUN = ("config.json", "log.jsonl")  # what lies in the folder of a training run


def read_folder(path: Path) -> Arrays:
    """Every readable picture of a folder and those below it, in the order of their names.

    Masks, NAME.mask.png, and what training runs have drawn are none. Pictures have labels where each lies in a folder
    that is named by a digit: 0/a.png, 7/b.png.
    """
    arrays: list[np.ndarray] = []
    folders: list[str] = []
    skipped: list[str] = []
    suffixes = readable_suffixes()
    runs = {log.parent for log in path.rglob(RUN[1]) if (log.parent / RUN[0]).is_file()}
    for file in sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file()):
        if is_mask_name(file.name) or not runs.isdisjoint(file.parents):
            continue
        try:
            arrays.append(io.read_pixels(file))
            folders.append(file.parent.name)
        except ImageFileError as error:
            skipped.append(str(error))
    if not arrays:
        raise NothingReadableError(f"{path}: no readable image in this folder; give a folder of images")
    digits = all(name in tuple("0123456789") for name in folders)
    return arrays, torch.tensor([int(name) for name in folders]) if digits else None, skipped


def _mnist(path: Path, split: str) -> Arrays:
    from torchvision.datasets import MNIST

    source = MNIST(path, train=split == "train")
    return list(source.data.numpy()[..., None]), source.targets, []


def _cifar10(path: Path, split: str) -> Arrays:
    from torchvision.datasets import CIFAR10

    source = CIFAR10(path, train=split == "train")
    return list(source.data), torch.tensor(source.targets), []


def _svhn(path: Path, split: str) -> Arrays:
    from torchvision.datasets import SVHN

    source = SVHN(path, split=split)
    return list(source.data.transpose(0, 2, 3, 1)), torch.from_numpy(source.labels).long(), []


def _celeba(path: Path, split: str) -> Arrays:
    """Aligned CelebA, framed as the official code does: 178x218 scaled to 64x78, rows 7 to 70."""
    code = {"train": "0", "test": "2"}[split]
    rows = (path / "celeba" / "list_eval_partition.txt").read_text().split("\n")
    names = [row.split()[0] for row in rows if row.split()[1:] == [code]]
    arrays = []
    for name in names:
        pixels = io.read_pixels(path / "celeba" / "img_align_celeba" / name)
        arrays.append(cv2.resize(pixels, (64, 78), interpolation=cv2.INTER_AREA)[7:71])
    return arrays, None, []


LAYOUTS: tuple[tuple[str, Callable[[Path, str], Arrays]], ...] = (
    ("MNIST/raw", _mnist),
    ("cifar-10-batches-py", _cifar10),
    ("train_32x32.mat", _svhn),
    ("celeba/list_eval_partition.txt", _celeba),
)


def read(path: Path, split: str) -> Arrays:
    """Read a set: (arrays (H, W, C) uint8, labels or None, a line for each file that could not be read).

    Args:
        path: a folder of images (searched recursively), or the root of one of `LAYOUTS`.
        split: ``train`` or ``test``; a plain folder is taken as it is.

    Raises:
        NothingReadableError: no such folder, no readable image in it, or a damaged set.
    """
    if not path.is_dir():
        raise NothingReadableError(f"{path}: no such folder; give a folder of images")
    for found, reader in LAYOUTS:
        if (path / found).exists():
            return _complete(reader, path, split)
    return read_folder(path)


def _complete(reader: Callable[[Path, str], Arrays], path: Path, split: str) -> Arrays:
    """What a reader finds, or one line where files of a set are missing or damaged."""
    try:
        return reader(path, split)
    except Exception as error:  # whatever torchvision, scipy or pickle say of a damaged file
        if is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())
        raise NothingReadableError(
            f"{path}: files of this set are missing or damaged ({said}); copy it again"
        ) from None


def has_splits(path: Path) -> bool:
    """Whether a set knows its training and test part apart: one of torchvision's layouts, not a plain folder."""
    return any((path / found).exists() for found, _ in LAYOUTS)
