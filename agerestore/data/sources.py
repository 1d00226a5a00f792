"""Read training and test images: plain folders, and published sets as they are laid out. Nothing is downloaded.

Files are found and read as every verb does it. Images are read one after the other and brought to the size that is
wanted at once, so that only one is in memory as it is in its file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from agerestore import device as devices
from agerestore import machine
from agerestore.config.training import TrainConfig
from agerestore.data.augment import MARGIN
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet
from agerestore.data.decoded_cache import cached
from agerestore.data.file_sources import Pixels, class_numbers
from agerestore.data.imagenet_classes import IMAGENET_CLASSES
from agerestore.data.layouts import open_source
from agerestore.errors import AgeRestoreError, NothingReadableError

COPIES = 2  # of a set of small images that are in memory at once while its parts for training and validation are made


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


def load_images(
    path: Path,
    image_size: int,
    channels: int,
    split: str = "train",
    stretch: bool = False,
    limit: int | None = None,
    name: str | None = None,
    cache: Path | None = None,
) -> ImageSet:
    """Read a whole image set into memory.

    Args:
        path: a folder of images (searched recursively), or the root of a published set, see
            `agerestore.data.layouts`.
        image_size: S; images are cropped to a centered square and scaled. 28-pixel MNIST is padded to 32 first.
        channels: 1 (luminance) or 3 (RGB).
        split: ``train`` or ``test``; a plain folder is taken as it is.
        stretch: scale the whole image, whatever its proportions, instead of the square in its middle.
        limit: as for `open_source`.
        name: as for `open_source`.
        cache: folder in which the decoded images are kept, see `agerestore.data.decoded_cache`; None for none.

    Raises:
        NothingReadableError: no such folder, or no readable image in it.
        AgeRestoreError: not enough memory for all of it.
    """
    source = open_source(path, split, limit, name)

    def decode() -> ImageSet:
        images = torch.empty(source.count, channels, image_size, image_size, dtype=torch.uint8)
        count = 0
        for image in source:
            images[count] = _fit(image, image_size, channels, stretch)
            count += 1
        return ImageSet(images[:count], source.labels, tuple(source.skipped), source.found)

    with _enough_memory(path, COPIES * source.count * channels * image_size**2):
        return decode() if cache is None else cached(cache, source, (image_size, channels, stretch), decode)


def load_photographs(path: Path, least: int = 1, split: str = "train", limit: int | None = None) -> PhotoSet:
    """Read photographs of any size into memory, as RGB.

    They have labels if each lies in a folder that is named by the WordNet id of its class in ImageNet, as in
    n01440764/a.jpg.

    Args:
        path: as for `load_images`.
        least: smallest side of those that are taken.
        split: as for `load_images`.
        limit: as for `open_source`.

    Raises:
        NothingReadableError: no such folder, or no image in it that is readable and large enough.
        AgeRestoreError: not enough memory for all of it.
    """
    source = open_source(path, split, limit)
    with _enough_memory(path, 3 * sum(source.areas(least))):
        sides = []
        images = []
        for image in source:
            sides.append(min(image.shape[:2]))
            if sides[-1] >= least:
                images.append(_planes(image, 3))
    if not images:
        raise NothingReadableError(f"{path}: no image of at least {least}x{least} pixels; give larger photographs")
    skipped = source.skipped
    if small := len(sides) - len(images):
        skipped = [*skipped, f"{path}: {small} of {len(sides)} images left out, smaller than {least}x{least} pixels"]
    labels = class_numbers(source.folders, IMAGENET_CLASSES)
    if labels is not None:
        labels = labels[torch.tensor(sides) >= least]
    return PhotoSet(tuple(images), labels, skipped=tuple(skipped), found=source.found)


@contextmanager
def _enough_memory(path: Path, needed: int) -> Iterator[None]:
    """Read a set that takes so many bytes, if there are as many.

    Raises:
        AgeRestoreError: There are not, or they run out.
    """
    free = machine.free_memory()
    if needed > free:
        sizes = f"its images take {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        raise AgeRestoreError(f"{path}: {sizes}; give a part of it, or a machine with more memory")
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not devices.is_out_of_memory(error):
            raise
        raise AgeRestoreError(f"{path}: not enough memory for the whole set; give a part of it") from None


def _fit(array: Pixels, size: int, channels: int, stretch: bool = False) -> Tensor:
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


def _planes(array: Pixels, channels: int) -> Tensor:
    """(H, W, C) uint8 -> (channels, H, W) uint8: color becomes luminance, gray is repeated."""
    if channels == 1 and array.shape[2] == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)[:, :, None]
    image = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return image.expand(channels, -1, -1).clone() if image.shape[0] != channels else image
