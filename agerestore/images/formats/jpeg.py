"""JPEG, WebP, AVIF and HEIC: how strongly a file was compressed, and writing it again with no more loss than that."""

import io
from functools import cache

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

QUALITY = 95  # where the source says nothing of its own
BASELINE = 255  # the largest step of a baseline JPEG; many programs read no others (ITU-T T.81, B.2.4.1)
# Coarsest sampling that Pillow can write and that loses nothing against luminance blocks of h x v chroma samples.
FULL, HALVED_ACROSS, HALVED = 0, 1, 2


def jpeg_tables(image: ImageFile, turned: bool) -> tuple[tuple[int, ...], ...] | None:
    """Return the quantization table of each component of an open JPEG, equal ones at the end left out.

    Args:
        image: The picture; None is returned if it is no JPEG.
        turned: Whether rows are to become columns: the frequencies then change places, too.
    """
    tables, layers = getattr(image, "quantization", None), getattr(image, "layer", None)
    if not tables or not layers:
        return None
    # Encoders number tables as they please: what counts is the one that a component names.
    numbers = [layer[3] for layer in layers[:3] if layer[3] in tables] or sorted(tables)[:1]
    found = [np.minimum(np.reshape(tables[number], (8, 8)), BASELINE) for number in numbers]
    used = [tuple((table.T if turned else table).ravel().tolist()) for table in found]
    if len(used) == 3 and used[1] == used[2]:
        used.pop()
    return tuple(used[:1] if len(set(used)) == 1 else used)


def jpeg_subsampling(image: ImageFile, turned: bool) -> int:
    """Return the chroma subsampling of an open JPEG, or the finer one of those that Pillow writes.

    4:4:0, which every 4:2:2 turned on its side is, becomes 4:4:4, and 4:1:1 becomes 4:2:2.

    Args:
        image: The picture.
        turned: Whether rows are to become columns.
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
    """Quantization tables that lose no more than those of a file, and no more than a new JPEG does."""
    if tables is None:
        return None
    new = _usual_tables()
    return tuple(tuple(map(min, table, new[min(number, len(new) - 1)])) for number, table in enumerate(tables))


def colored(tables: tuple[tuple[int, ...], ...] | None) -> tuple[tuple[int, ...], ...] | None:
    """The tables of a file whose picture is given colors: luminance as it was, chroma as in a new JPEG or finer."""
    if tables is None:
        return None
    chroma = _usual_tables()[-1]
    return (tables[0], *(tuple(map(min, table, chroma)) for table in tables[1:] or (chroma,)))


@cache
def _usual_tables() -> tuple[tuple[int, ...], ...]:
    """Those of `QUALITY`, for luminance and for chroma."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=QUALITY)
    with Image.open(file) as image:
        tables = jpeg_tables(image, turned=False)
    assert tables is not None
    return tables
