"""Where training and test images are found: plain folders, and published sets as they are laid out on disk.

MNIST, CIFAR-10, SVHN and CelebA lie as torchvision has them, Stanford Cars and Tiny ImageNet as they were published.
Nothing is downloaded.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from agerestore import device as devices
from agerestore.data.file_sources import Entry, FolderSource, ListedSource, Pixels, Source
from agerestore.errors import NothingReadableError

Reader = Callable[[Path, str], Source]  # root of the layout, split -> images


class Layout(NamedTuple):
    """How a published set lies on disk.

    Attributes:
        name: of the set.
        marker: a file or folder that tells the layout, relative to its root.
        reader: opens a split of it.
    """

    name: str
    marker: str
    reader: Reader


def open_source(path: Path, split: str, limit: int | None = None, name: str | None = None) -> Source:
    """Open a set.

    Args:
        path: a folder of images (searched recursively), or the root of one of `LAYOUTS`.
        split: ``train`` or ``test``; a plain folder is taken as it is.
        limit: the most images to read: of a folder evenly spaced ones, of a published set the first.
        name: of the layout, where the root may hold several sets; None takes the first there is.

    Raises:
        NothingReadableError: no such folder, no image in it, or a damaged set.
    """
    if not path.is_dir():
        raise NothingReadableError(f"{path}: no such folder; give a folder of images")
    layout = find_layout(path, name)
    source = _complete(layout.reader, path, split) if layout else FolderSource(path)
    if limit is not None:
        source.limit(limit)
    return source


def find_layout(path: Path, name: str | None = None) -> Layout | None:
    """The layout of which a folder is the root; None where it is a plain folder.

    Args:
        path: the folder.
        name: of the set that is wanted, where the folder may hold several.
    """
    there = (row for row in LAYOUTS if name in (None, row.name) and (path / row.marker).exists())
    return next(there, None)


def find_set(folder: Path, name: str) -> Path | None:
    """The root of a set by its name, in a folder of several sets: the folder itself, or the one of that name in it.

    Args:
        folder: such as that to which torchvision downloads.
        name: ``mnist``, ``svhn``, ``cifar10``, ``celeba``, ``tinyimagenet`` or ``cars``.

    Returns:
        The path for `open_source`, with the same name; None where there is no such set.
    """
    if find_layout(folder, name):
        return folder
    return folder / name if (folder / name).is_dir() else None


def has_splits(path: Path, name: str | None = None) -> bool:
    """Whether a set has a training and a test part: one of `LAYOUTS`, not a plain folder."""
    return find_layout(path, name) is not None


def _complete(reader: Reader, path: Path, split: str) -> Source:
    """Call a reader, and say in one line where files of its set are missing or damaged."""
    try:
        return reader(path, split)
    except Exception as error:  # whatever torchvision, scipy or pickle say of a damaged file
        if devices.is_out_of_memory(error) or isinstance(error, NothingReadableError):
            raise
        said = " ".join(str(error).split())
        raise NothingReadableError(
            f"{path}: files of this set are missing or damaged ({said}); copy it again"
        ) from None


def _mnist(path: Path, split: str) -> Source:
    from torchvision.datasets import MNIST

    source = MNIST(path, train=split == "train")
    return Source(source.data.numpy()[..., None], len(source.data), source.targets)


def _cifar10(path: Path, split: str) -> Source:
    from torchvision.datasets import CIFAR10

    source = CIFAR10(path, train=split == "train")
    return Source(source.data, len(source.data), torch.tensor(source.targets))


def _svhn(path: Path, split: str) -> Source:
    from torchvision.datasets import SVHN

    source = SVHN(path, split=split)
    return Source(source.data.transpose(0, 2, 3, 1), len(source.data), torch.from_numpy(source.labels).long())


def _celeba(path: Path, split: str) -> Source:
    """Aligned CelebA, framed as the official code does: 178x218 scaled to 64x78, rows 7 to 70."""
    code = {"train": "0", "test": "2"}[split]
    rows = (path / "celeba" / "list_eval_partition.txt").read_text().split("\n")
    names = [row.split()[0] for row in rows if row.split()[1:] == [code]]
    folder = path / "celeba" / "img_align_celeba"
    return ListedSource(path, [Entry(folder / name) for name in names], _frame_face)


def _frame_face(pixels: Pixels) -> Pixels:
    return cv2.resize(pixels, (64, 78), interpolation=cv2.INTER_AREA)[7:71]


def _cars(path: Path, split: str) -> Source:
    """Stanford Cars (Krause et al., 2013), each image cropped to the box of its annotation.

    Of the test part the classes are in a file that was published later; without it there are no labels.
    """
    later = "cars_test_annos_withlabels.mat"
    lists = {
        "train": ("devkit/cars_train_annos.mat",),
        "test": (later, f"devkit/{later}", "devkit/cars_test_annos.mat"),
    }[split]
    there = [path / name for name in lists if (path / name).exists()]
    if not there:
        raise FileNotFoundError(f"there is no {lists[-1]}")
    rows = _annotations(there[0])
    has_class = "class" in (rows.dtype.names or ())
    return ListedSource(path, [_car(path / f"cars_{split}", row, has_class) for row in rows])


def _annotations(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    """The rows (N,) of a list in MATLAB's format, a record each."""
    from scipy.io import loadmat

    found: np.ndarray[Any, np.dtype[Any]] = np.atleast_1d(loadmat(path, squeeze_me=True)["annotations"])
    return found


def _car(folder: Path, row: Any, has_class: bool) -> Entry:
    """The boxes and classes of the lists count from 1, and the boxes include their last row and column."""
    left, top, right, bottom = (int(row[f"bbox_{side}"]) for side in ("x1", "y1", "x2", "y2"))
    label = int(row["class"]) - 1 if has_class else None
    return Entry(folder / str(row["fname"]), label, box=(left - 1, top - 1, right, bottom))


def _tinyimagenet(path: Path, split: str) -> Source:
    """Tiny ImageNet (Stanford's course CS231n): its validation part for testing, since its test part has no labels.

    Classes are numbered in the order of their WordNet ids.
    """
    train = sorted(folder for folder in (path / "train").iterdir() if (folder / "images").is_dir())
    if not train:
        raise NotADirectoryError("there is no train/CLASS/images")
    numbers = {folder.name: number for number, folder in enumerate(train)}
    if split == "test":
        rows = [row.split("\t") for row in (path / "val" / "val_annotations.txt").read_text().splitlines()]
        files = [(path / "val" / "images" / row[0], row[1]) for row in rows]
        return ListedSource(path, [Entry(file, numbers[wnid], wnid) for file, wnid in files])
    return ListedSource(path, _interleaved([
        [Entry(file, numbers[folder.name], folder.name) for file in sorted((folder / "images").iterdir())]
        for folder in train
    ]))  # fmt: skip


def _interleaved(classes: Sequence[Sequence[Entry]]) -> list[Entry]:
    """The first entry of each class, then the second, and so on, so that the first N are of all classes."""
    longest = max(len(entries) for entries in classes)
    return [entries[place] for place in range(longest) for entries in classes if place < len(entries)]


def _below(folder: str, reader: Reader) -> Reader:
    """A reader of a set in a folder of the root."""
    return lambda path, split: reader(path / folder, split)


LAYOUTS: tuple[Layout, ...] = (
    Layout("mnist", "MNIST/raw", _mnist),
    Layout("cifar10", "cifar-10-batches-py", _cifar10),
    Layout("svhn", "train_32x32.mat", _svhn),
    Layout("celeba", "celeba/list_eval_partition.txt", _celeba),
    Layout("cars", "devkit/cars_train_annos.mat", _cars),
    Layout("cars", "stanford_cars/devkit/cars_train_annos.mat", _below("stanford_cars", _cars)),
    Layout("tinyimagenet", "val/val_annotations.txt", _tinyimagenet),
    Layout("tinyimagenet", "tiny-imagenet-200/val/val_annotations.txt", _below("tiny-imagenet-200", _tinyimagenet)),
)
