"""A job, and the names of its files: result, sidecar files, backup; no two the same."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path

from agerestore.batch.masks import is_mask_name
from agerestore.errors import ImageFileError, UsageError
from agerestore.files import printable
from agerestore.images.formats import catalog
from agerestore.images.io import is_image_name

BACKUP_ENDING = ".orig"  # not that of an image: backups are never taken for images
UNCERTAINTY, COMPARE, FOUND_MASK = "uncertainty.png", "compare.png", "mask.png"  # endings of sidecar files
# Names of sidecar files but masks: of restoring, coloring and degrading; before them stands that of the result.
SIDECAR = r"(?P<image>.+)\.(uncertainty\.png|compare\.png|sample-\d+\.\w+|damage\.json)"


@dataclass(frozen=True, slots=True)
class Job:
    """One image file to read and the file its result goes to.

    Attributes:
        source: The image file.
        target: The file of the result.
        extra_inputs: Other files that are read for it, such as its mask; the result depends on their contents.
        backup: Where the source is kept; only when the result replaces it.
        stem_collision: Whether another target differs from this one only in its ending.
        ext: The ending that gives the format of the result; None for that of `target`, or if it has none of `source`.
        root: The folder that was given as input, or that of the single file.
    """

    source: Path
    target: Path
    extra_inputs: tuple[Path, ...] = ()
    backup: Path | None = None
    stem_collision: bool = False
    ext: str | None = None
    root: Path = field(default=Path(), compare=False)

    @property
    def suffix(self) -> str | None:
        """The ending that gives the format of the result; None for the format of the source."""
        return self.ext or self.target.suffix or None

    @property
    def name(self) -> Path:
        """The source, relative to the folder that was given as input."""
        return self.source.relative_to(self.root)

    def sidecar(self, ending: str) -> Path:
        """Name a further file that is written for this job, such as NAME.mask.png; no other job gives that name."""
        return self.target.with_name(f"{self.target.name if self.stem_collision else self.target.stem}.{ending}")

    def sample(self, number: int) -> Path:
        """Name the file of a further sample, in the format of the result."""
        return self.sidecar(f"sample-{number}{self.suffix}")

    def sidecar_candidates(self) -> list[Path]:
        """The existing files that have the name of a sidecar file of this job."""
        samples = map(self.sample, count(1))
        first, others = next(samples), takewhile(os.path.isfile, samples)  # colorizations begin with the second
        named = (first, *map(self.sidecar, (UNCERTAINTY, COMPARE, FOUND_MASK)))
        return [*filter(os.path.isfile, named), *others]


def check_suffix(suffix: str) -> None:
    """Refuse a suffix that is not part of a file name, or that would make results look like masks.

    Raises:
        UsageError: As said.
    """
    result = Path(f"name{suffix}.png")
    if result.name != str(result) or is_mask_name(result.name):
        what = "is not part of a file name, or is that of masks; choose one such as .restored"
        raise UsageError(f"`suffix` {suffix!r}: {what}")


def checked_ext(ext: str | None) -> str | None:
    """Return the ending with its dot.

    Raises:
        UsageError: No format that can be written has this ending.
    """
    if ext is None:
        return None
    ext = ext if ext.startswith(".") else f".{ext}"
    try:
        catalog.of_suffix(ext)
    except ImageFileError as error:
        raise UsageError(f"`ext` {ext}: {error}") from None
    return ext


def backup_of(path: Path) -> Path:
    """Where the original is kept when its result takes its name."""
    return path.with_name(path.name + BACKUP_ENDING)


def targets(paths: Sequence[Path], suffix: str, ext: str | None) -> list[Path]:
    """Name the results of image files, no two the same.

    Args:
        paths: Where each result would go under the name of its source.
        suffix: Comes between name and ending.
        ext: The ending of all results; None keeps that of each source. Where two results would have the same name,
            or one the name of a mask, the old ending stays in the name, as in x.jpg.png.
    """
    whole: set[Path] = set()
    while True:
        named = [_named(path, suffix, ext, path in whole) for path in paths]
        taken = Counter(named)
        more = {
            path
            for path, target in zip(paths, named, strict=True)
            if ext is not None and (taken[target] > 1 or is_mask_name(target.name))
        } - whole
        if not more:  # whole names differ, as those of the sources do
            return named
        whole |= more


def _named(path: Path, suffix: str, ext: str | None, whole: bool) -> Path:
    return path.with_name((path.name if whole else path.stem) + suffix + (path.suffix if ext is None else ext))


def single_target(source: Path, out: Path, suffix: str, ext: str | None) -> Path:
    """Name the result of a single file: `out` itself, or a file in the folder `out`.

    Raises:
        UsageError: `out` is neither an image file nor a folder, or names the result already although `suffix` or
            `ext` are given.
    """
    if is_image_name(out) and not out.is_dir():
        if suffix or ext:
            what = "names the result already; leave out `suffix` and `ext`, or give a folder"
            raise UsageError(f"{printable(out)}: {what}")
        return out
    if (out.suffix or out.exists()) and not out.is_dir():  # x.gif is rather a mistake than the name of a new folder
        endings = " ".join(sorted(catalog.SUFFIXES))
        what = f"is neither a folder nor an image file; choose one of the endings {endings}, or a folder that exists"
        raise UsageError(f"{printable(out)}: {what}")
    if not is_image_name(source):
        raise UsageError(f"{printable(source)}: has no ending of an image; name the output file, as in restored.png")
    return targets([out / source.name], suffix, ext)[0]
