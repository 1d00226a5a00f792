"""Decoded sets on disk: files that several runs read are decoded once."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import safetensors
import safetensors.torch

from agerestore.data.datasets import ImageSet
from agerestore.data.file_sources import Source

FORMAT = 1  # of what is stored; another number decodes everything anew


def cached(folder: Path, source: Source, form: tuple[object, ...], decode: Callable[[], ImageSet]) -> ImageSet:
    """A set as it lies in the cache, or decoded, and then kept there.

    It is decoded anew when a file was added, removed or changed, by its size or time. A set that is no files is as
    quick to read as the cache, and not kept.

    Args:
        folder: of the cache; made if missing.
        source: of the images; nothing is read of it where the cache has them.
        form: what else the decoded images depend on, such as their size.
        decode: reads the source.
    """
    if not source.files:
        return decode()
    path = folder / f"{_key(source, form)}.safetensors"
    found = _read(path)
    if found is None:
        found = decode()
        _write(path, found)
    return found


def _key(source: Source, form: tuple[object, ...]) -> str:
    files = []
    for file in source.files:
        try:
            status = file.stat()
            files.append((str(file), status.st_size, status.st_mtime_ns))
        except OSError:  # it is missing, which the source will say
            files.append((str(file), -1, -1))
    return hashlib.blake2b(repr((FORMAT, form, source.count, files)).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> ImageSet | None:
    """What lies in a file of the cache; None where there is none, or it is damaged."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["set"])
            labels = file.get_tensor("labels") if "labels" in file.keys() else None  # noqa: SIM118 - it is no mapping
            return ImageSet(file.get_tensor("images"), labels, tuple(about["skipped"]), about["found"])
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
        return None


def _write(path: Path, images: ImageSet) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"images": images.images} | ({} if images.labels is None else {"labels": images.labels})
    about = {"skipped": images.skipped, "found": images.found}
    temporary = path.with_suffix(".tmp")
    try:
        safetensors.torch.save_file(tensors, temporary, {"set": json.dumps(about)})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
