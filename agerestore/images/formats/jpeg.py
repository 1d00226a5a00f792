"""Quantization tables and chroma subsampling of a JPEG, with which it can be written again at the same quality."""

import io
from functools import cache

import numpy as np
from PIL import Image

QUALITY = 95  # of images that were no JPEG
BASELINE = 255  # largest step of a baseline JPEG, all that many programs read (ITU-T T.81, B.2.4.1)
FULL, HALVED_ACROSS, HALVED = 0, 1, 2  # chroma subsampling by Pillow's numbers: 4:4:4, 4:2:2, 4:2:0


def jpeg_tables(image: Image.Image, turned: bool) -> tuple[tuple[int, ...], ...] | None:
    """Return the quantization tables of an open JPEG, one per component, equal ones at the end left out.

    Args:
        image: The image.
        turned: Whether rows become columns: the frequencies then are transposed, too.

    Returns:
        64 steps in row order for each component; None if the image is no JPEG.
    """
    tables, layers = getattr(image, "quantization", None), getattr(image, "layer", None)
    if not tables or not layers:
        return None
    # Encoders number tables freely: a component names the one it uses.
    numbers = [layer[3] for layer in layers[:3] if layer[3] in tables] or sorted(tables)[:1]
    found = [np.clip(np.reshape(tables[number], (8, 8)), 1, BASELINE) for number in numbers]
    used = [tuple((table.T if turned else table).ravel().tolist()) for table in found]
    if len(used) == 3 and used[1] == used[2]:
        used.pop()
    return tuple(used[:1] if len(set(used)) == 1 else used)


def jpeg_subsampling(image: Image.Image, turned: bool) -> int:
    """Return the chroma subsampling of an open JPEG; what Pillow cannot write becomes the next finer one.

    4:4:0, which every 4:2:2 turned on its side is, becomes 4:4:4, and 4:1:1 becomes 4:2:2.

    Args:
        image: The image.
        turned: Whether rows become columns.
    """
    layers = getattr(image, "layer", None)
    if not layers or len(layers) < 3:
        return -1
    across, down = (layers[0][i] / max(layer[i] for layer in layers[1:3]) for i in (1, 2))
    if turned:
        across, down = down, across
    if across < 2:
        return FULL
    return HALVED if down >= 2 else HALVED_ACROSS


def finer(tables: tuple[tuple[int, ...], ...] | None) -> tuple[tuple[int, ...], ...] | None:
    """Return the smaller steps of a file's quantization tables and of those of `QUALITY`."""
    if tables is None:
        return None
    new = _usual_tables()
    return tuple(tuple(map(min, table, new[min(number, len(new) - 1)])) for number, table in enumerate(tables))


def colored(tables: tuple[tuple[int, ...], ...] | None) -> tuple[tuple[int, ...], ...] | None:
    """Return the tables for an image that was given colors: luminance as it was, chroma no coarser than `QUALITY`."""
    if tables is None:
        return None
    chroma = _usual_tables()[-1]
    return (tables[0], *(tuple(map(min, table, chroma)) for table in tables[1:] or (chroma,)))


@cache
def _usual_tables() -> tuple[tuple[int, ...], ...]:
    """Return the tables of `QUALITY`, for luminance and for chroma."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=QUALITY)
    with Image.open(file) as image:
        tables = jpeg_tables(image, turned=False)
    assert tables is not None
    return tables
