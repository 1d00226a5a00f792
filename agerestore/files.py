"""File names in messages, and files written atomically: complete under a temporary name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agerestore.errors import ImageFileError, OutputExistsError


def printable(path: Path | str) -> str:
    """Return a path or text for one line: line breaks, control characters and undecodable bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))


def stage(path: Path, data: bytes, tag: str | None = None) -> Path:
    """Write a file completely and to the disk, under a temporary name in its folder, which is made if missing.

    Args:
        path: Where it belongs.
        data: The whole file.
        tag: Determines the temporary name. The caller makes sure that two runs do not use it at once, and removes
            what a killed run left under it; None for a random name.

    Returns:
        The temporary file; hidden, and not named like an image.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _unpublished(path, tag or os.urandom(8).hex())
    if tag is not None:
        temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def discard(path: Path, tag: str | None) -> None:
    """Remove the temporary file that a run left under a tag when it was killed."""
    if tag is not None:
        _unpublished(path, tag).unlink(missing_ok=True)


def _unpublished(path: Path, tag: str) -> Path:
    return path.with_name(f".{tag}.agerestore.tmp")


def publish(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Give a staged file its name.

    Raises:
        OutputExistsError: The name is taken and `overwrite` is false.
    """
    if overwrite:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)  # decides without a race whether the name is taken
    except OSError:  # taken, or a file system without hard links: FAT, some network shares
        refuse_taken(path)
        temporary.replace(path)
    temporary.unlink(missing_ok=True)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, replacing what was there."""
    staged = stage(path, data)
    try:
        publish(staged, path, overwrite=True)
    finally:
        staged.unlink(missing_ok=True)


def is_taken(path: Path) -> bool:
    """Whether there is anything of this name, even a link that leads nowhere."""
    return path.exists() or path.is_symlink()


def refuse_taken(path: Path) -> None:
    """Raise an OutputExistsError, without path, if there is anything of this name."""
    if is_taken(path):
        raise OutputExistsError("exists; pass `overwrite=True` or choose another output")


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Let what goes wrong inside name the file that was to be written."""
    try:
        yield
    except ImageFileError as refusal:
        raise type(refusal)(f"{printable(path)}: {refusal}") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"cannot be written ({reason}); check the space and permissions of its folder"
        raise ImageFileError(f"{printable(path)}: {what}") from error
