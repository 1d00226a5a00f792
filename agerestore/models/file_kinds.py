"""What a file is that is not weights of this package, and what to do about it."""

import json
from pathlib import Path
from typing import NamedTuple

MOST_HEADER = 100_000_000  # bytes; what safetensors itself allows


class _Kind(NamedTuple):
    """Files known by their beginning.

    Attributes:
        start: their first bytes, in lower case.
        what: what they are, and what to do.
    """

    start: bytes
    what: str


ONLY = "give a .safetensors file of a run, or the name of a shipped model"
FETCH = "download the file itself"
PAGE = f"is a web page, not the file it leads to; {FETCH}"
PICKLE = f"is a pickle, as torch.save writes it, which could run code and is not loaded; {ONLY}"
KINDS = (
    _Kind(b"version https://git-lfs", "is a pointer of Git LFS, not the file itself; run `git lfs pull` in its folder"),
    _Kind(b"<!doctype", PAGE),
    _Kind(b"<html", PAGE),
    _Kind(b"<?xml", f"is a page of XML, such as the error of a server; {FETCH}"),
    _Kind(b"pk\3\4", f"is a zip archive, as torch.save writes it (a pickle) or as downloads are packed; {ONLY}"),
    _Kind(b"\x80", PICKLE),  # the first operation of a pickle of protocol 2 or later
    _Kind(b"\x89hdf", f"is HDF5, as Keras writes it; {ONLY}"),
    _Kind(b"gguf", f"is GGUF, a language model; {ONLY}"),
    _Kind(b"\x1f\x8b", f"is compressed with gzip; unpack it, and {ONLY}"),
    _Kind(b"\x08", f"is ONNX or another protocol buffer; {ONLY}"),
    _Kind(b"\x89png", "is an image; give a .safetensors file"),
    _Kind(b"\xff\xd8\xff", "is an image; give a .safetensors file"),
)


def what_it_is(path: Path) -> str:
    """Say in half a sentence what a file is, by its contents, and what to do next.

    Args:
        path: a file without a header of this package, or a damaged one.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_dir():
        return "is a folder; give a .safetensors file"
    with path.open("rb") as file:
        start = file.read(64)
        size = path.stat().st_size
        if not size:
            return "is empty; copy the file again"
        known = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
        length = int.from_bytes(start[:8], "little")
        if start[8:9] == b"{" and 2 <= length <= MOST_HEADER:  # safetensors: a length, then JSON
            return _of_safetensors(start[8:] + file.read(max(length + 8 - len(start), 0)), length, size)
        return next(
            (kind.what for kind in KINDS if known.startswith(kind.start)),
            f"is no safetensors file; {ONLY}, and nothing else",
        )


def _of_safetensors(header: bytes, length: int, size: int) -> str:
    """What is wrong with a safetensors file, by its header of JSON and its whole size."""
    if len(header) < length:
        return f"is cut off within its header, at {size} bytes; copy the file again"
    try:
        rows = json.loads(header[:length])
        metadata = rows.pop("__metadata__", {})
        end = 8 + length + max((int(row["data_offsets"][1]) for row in rows.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return "has a damaged header; copy the file again"
    if size < end:
        return f"is cut off: {size} of its {end} bytes are there; copy the file again"
    if "agerestore" not in metadata:
        of = next((str(metadata[name]) for name in ("modelspec.architecture", "format") if name in metadata), "unknown")
        return f"holds weights of another program (its header says {of}); {ONLY}"
    return "is damaged; copy the file again"
