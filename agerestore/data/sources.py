"""Read training and test images: plain folders, and the layouts of torchvision's data sets. Nothing is downloaded."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from agerestore.batch.masks import is_mask_name
from agerestore.config.training import TrainConfig
from agerestore.data.augment import MARGIN
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet
from agerestore.device import is_out_of_memory
from agerestore.errors import AgeRestoreError, ImageFileError, NothingReadableError
from agerestore.images import io

Arrays = tuple[Iterable[np.ndarray], Tensor | None, list[str]]  # images (H, W, C) uint8, labels, unreadable files


RUN = ("config.json", "log.jsonl")  # files that a training run leaves in its folder


def read_folder(path: Path) -> Arrays:
    """Read all images of a folder and its subfolders, in the order of their names.

    Masks (NAME.mask.png) and the contact sheets of training runs are left out. Images have labels if each lies in a
    folder that is named by a digit, as in 0/a.png and 7/b.png.
    """
    arrays: list[np.ndarray] = []
    folders: list[str] = []
    skipped: list[str] = []
    runs = {log.parent for log in path.rglob(RUN[1]) if (log.parent / RUN[0]).is_file()}
    for file in sorted(p for p in path.rglob("*") if io.is_image_name(p) and p.is_file()):
        if is_mask_name(file.name) or not runs.isdisjoint(file.parents):
            continue
        try:
            arrays.append(io.read_pixels(file))
            folders.append(file.parent.name)
        except ImageFileError as error:
            skipped.append(str(error))
    if not arrays:
        why = f"; the first of {len(skipped)} that cannot be read is {skipped[0]}" if skipped else ""
        raise NothingReadableError(f"{path}: no readable image in this folder; give a folder of images{why}")
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
    """Call a reader, and say in one line where files of its set are missing or damaged."""
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
    """Whether a set has a training and a test part: one of torchvision's layouts, not a plain folder."""
    return any((path / found).exists() for found, _ in LAYOUTS)


def load_training_set(path: Path, config: TrainConfig) -> TrainingSet:
    """Read the training set of a run in the form that its networks want.

    Args:
        path: as for `load_images`.
        config: of the run.

    Raises:
        NothingReadableError: no such folder, or no image in it that is readable and large enough.
    """
    network = config.network
    if network.image_size is None:
        return load_photographs(path, config.crop_size)
    stored = round(network.image_size * MARGIN) if config.augment else network.image_size
    return load_images(path, stored, network.channels, stretch=network.fit == "stretch")


def load_images(path: Path, image_size: int, channels: int, split: str = "train", stretch: bool = False) -> ImageSet:
    """Read a whole image set into memory.

    Args:
        path: a folder of images (searched recursively), or the root of MNIST, CIFAR-10, SVHN or CelebA as
            torchvision lays them out on disk.
        image_size: S; images are cropped to a centered square and scaled. 28-pixel MNIST is padded to 32 first.
        channels: 1 (luminance) or 3 (RGB).
        split: ``train`` or ``test``; a plain folder is taken as it is.
        stretch: scale the whole image, whatever its proportions, instead of the square in its middle.

    Raises:
        NothingReadableError: no such folder, or no readable image in it.
        AgeRestoreError: not enough memory for all of it.
    """
    arrays, labels, skipped = read(path, split)
    with _enough_memory(path):
        images = torch.stack([_fit(array, image_size, channels, stretch) for array in arrays])
    return ImageSet(images, labels, tuple(skipped))


def load_photographs(path: Path, least: int = 1, split: str = "train") -> PhotoSet:
    """Read photographs of any size into memory, as RGB.

    Args:
        path: as for `load_images`.
        least: smallest side of those that are taken.
        split: as for `load_images`.

    Raises:
        NothingReadableError: no such folder, or no image in it that is readable and large enough.
    """
    arrays, _, skipped = read(path, split)
    with _enough_memory(path):
        found = [_planes(array, 3) for array in arrays]
    images = tuple(image for image in found if min(image.shape[1:]) >= least)
    if not images:
        raise NothingReadableError(f"{path}: no image of at least {least}x{least} pixels; give larger photographs")
    if small := len(found) - len(images):
        skipped = [*skipped, f"{path}: {small} of {len(found)} images left out, smaller than {least}x{least} pixels"]
    return PhotoSet(images, skipped=tuple(skipped))


@contextmanager
def _enough_memory(path: Path) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise AgeRestoreError(f"{path}: not enough memory for the whole set; train on a part of it") from None


def _fit(array: np.ndarray, size: int, channels: int, stretch: bool = False) -> Tensor:
    """(H, W, C) uint8 -> (channels, size, size) uint8."""
    height, width = array.shape[:2]
    if (height, width) == (28, 28) and size in (32, round(32 * MARGIN)):
        array = np.pad(array, ((2, 2), (2, 2), (0, 0)))
        height = width = 32
    if (height, width) != (size, size):
        side = min(height, width)
        if not stretch:
            top, left = (height - side) // 2, (width - side) // 2
            array = array[top : top + side, left : left + side]
        shrink = side > size
        array = cv2.resize(array, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
        array = array.reshape(size, size, -1)  # OpenCV drops a single channel
    return _planes(array, channels)


def _planes(array: np.ndarray, channels: int) -> Tensor:
    """(H, W, C) uint8 -> (channels, H, W) uint8: color becomes luminance, gray is repeated."""
    if channels == 1 and array.shape[2] == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[:, :, None]
    image = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return image.expand(channels, -1, -1).clone() if image.shape[0] != channels else image
