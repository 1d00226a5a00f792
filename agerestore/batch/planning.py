"""Which pictures a batch works on, and where each result goes."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path

from agerestore.batch.masks import is_mask_name
from agerestore.errors import ImageFileError, NothingReadableError, UsageError
from agerestore.files import printable
from agerestore.images.formats import catalog
from agerestore.images.formats.catalog import OTHERS
from agerestore.images.io import SUFFIXES, is_image_name

BACKUP_ENDING = ".orig"  # no picture's: backups are never taken for pictures
UNCERTAINTY, COMPARE = "uncertainty.png", "compare.png"  # endings of what is written beside a result
STDIO = Path("-")  # standard input or output


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to read and the file its result goes to.

    Attributes:
        source: The picture; `STDIO` for standard input.
        target: The result; `STDIO` for standard output.
        beside: Other files that are read for it, such as its mask: what is in them decides the result, too.
        backup: What the source is called once the result has its place; only where target and source are one.
        stem_collision: Whether another target differs from this one in its ending only.
        ext: The ending that says in which format a result on standard output is; None for that of the source.
    """

    source: Path
    target: Path
    extra_inputs: tuple[Path, ...] = ()
    backup: Path | None = None
    stem_collision: bool = False
    ext: str | None = None

    @property
    def suffix(self) -> str | None:
        """The ending that says in which format the result is; None for that of the source."""
        return self.ext if self.target == STDIO else self.target.suffix

    def sidecar(self, ending: str) -> Path:
        """Name a further file that is written for this job, such as NAME.mask.png; no other job gives that name.

        Raises:
            UsageError: The target is standard output.
        """
        if self.target == STDIO:
            raise UsageError(f"a .{ending} file cannot go to standard output beside the picture; name an output file")
        return self.target.with_name(f"{self.target.name if self.stem_collision else self.target.stem}.{ending}")

    def sample(self, number: int) -> Path:
        """Name the file of a sample beside the result, in its format."""
        return self.sidecar(f"sample-{number}{self.suffix}")

    def sidecar_candidates(self) -> list[Path]:
        """The files that are there and are called like what goes beside a result if it is asked for."""
        samples = map(self.sample, count(1))
        first, others = next(samples), takewhile(os.path.isfile, samples)  # colorings begin with the second
        named = (first, self.sidecar(UNCERTAINTY), self.sidecar(COMPARE))
        return [*filter(os.path.isfile, named), *others]


def plan(
    source: Path,
    out: Path,
    *,
    exclude: Callable[[Path], bool] = lambda path: False,
    suffix: str = "",
    ext: str | None = None,
    in_place: bool = False,
) -> list[Job]:
    """Decide which pictures to work on and where each result goes.

    A file becomes `out`, or `out/NAME` when `out` is a folder or has no ending. A folder is searched with
    all below it, in sorted order, symbolic links followed but never in a circle, and `out` mirrors it with
    names and formats kept. Left out are hidden files and folders, masks (`*.mask.png` or of another ending),
    whatever `exclude` says, and `out` itself where it lies inside. A folder below that cannot be listed
    becomes a job, to fail under its name.

    Args:
        source: A picture file or a folder; `STDIO` for standard input.
        out: The file or folder for the results; it need not exist. `STDIO` for standard output.
        exclude: Whether to leave out a file or folder found in the folder `source`.
        suffix: Comes between name and ending of each result. With one, `out` may be `source` itself, in which
            pictures that bear it already are then left out, as results of an earlier run.
        ext: The ending of each result, such as ".png", in place of its source's. Where two results would then be
            one, or one would be called like a mask, they are called NAME.OLD.EXT, as in x.jpg.png.
        in_place: Results replace their sources, which are kept as NAME.EXT.orig; `out` must be `source`.

    Returns:
        At least one job; no two share a target and, unless `in_place`, no target is a source.

    Raises:
        UsageError: A result would replace its source, or `out` cannot take the results.
        NothingReadableError: There is no `source`, or no picture in it.
    """
    _check_suffix(suffix)
    ext = _checked_ext(ext)
    if in_place and (suffix or ext or STDIO in (source, out) or _real(out) != _real(source)):
        raise UsageError("--in-place needs the same file or folder as IN and OUT, and neither --suffix nor --ext")
    if source.is_dir():
        jobs = _plan_folder(source, out, exclude, suffix, ext, in_place)
    elif source == STDIO or source.exists() or source.is_symlink():
        jobs = [Job(source, source if in_place else _single_target(source, out, suffix, ext), ext=ext)]
    else:
        raise NothingReadableError(f"{printable(source)}: no such file or folder; check the name")
    jobs = _marked(jobs)
    if in_place:
        return [replace(job, backup=_backup(job.target)) for job in jobs]
    sources = {_real(job.source) for job in jobs}
    for job in jobs:
        if job.target != STDIO and _real(job.target) in sources:
            what = "would be replaced by its own result or another's; choose another output"
            raise UsageError(f"{printable(job.target)}: {what}")
    return jobs


def _marked(jobs: list[Job]) -> list[Job]:
    """The jobs, where targets differ in their ending only marked so."""
    bare = Counter(job.target.with_suffix("") for job in jobs if job.target != STDIO)
    return [replace(job, stem_collision=bare[job.target.with_suffix("")] > 1) for job in jobs]


def _check_suffix(suffix: str) -> None:
    result = Path(f"name{suffix}.png")
    if result.name != str(result) or is_mask_name(result.name):
        raise UsageError(f"--suffix {suffix!r}: no part of a name, or that of masks; choose one such as .restored")


def _backup(path: Path) -> Path:
    return path.with_name(path.name + BACKUP_ENDING)


def _checked_ext(ext: str | None) -> str | None:
    """The ending with its dot; what names no format that can be written here is refused before any work."""
    if ext is None:
        return None
    ext = ext if ext.startswith(".") else f".{ext}"
    try:
        catalog.of_suffix(ext)
    except ImageFileError as error:
        raise UsageError(f"--ext {ext}: {error}") from None
    return ext


def _named(path: Path, suffix: str, ext: str | None, whole: bool = False) -> Path:
    """What the result of a picture is called; with `whole` its old ending stays in the name."""
    return path.with_name((path.name if whole else path.stem) + suffix + (path.suffix if ext is None else ext))


def _targets(paths: list[Path], suffix: str, ext: str | None) -> list[Path]:
    """Names for the results of pictures, no two the same."""
    whole: set[Path] = set()
    while True:
        targets = [_named(path, suffix, ext, path in whole) for path in paths]
        taken = Counter(targets)
        more = {
            path
            for path, target in zip(paths, targets, strict=True)
            if ext is not None and (taken[target] > 1 or is_mask_name(target.name))
        } - whole
        if not more:  # whole names differ, as those of the pictures do
            return targets
        whole |= more


def _plan_folder(
    source: Path, out: Path, exclude: Callable[[Path], bool], suffix: str, ext: str | None, in_place: bool
) -> list[Job]:
    if out == STDIO:
        raise UsageError("only a single picture can go to standard output; choose an output folder")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{printable(out)}: is no folder, {printable(source)} is one; choose a folder")
    same = _real(out) == _real(source)
    if same and not (suffix or in_place):
        what = "is the source folder itself; choose another output folder, --suffix, or --in-place --backup"
        raise UsageError(f"{printable(out)}: {what}")
    inside = frozenset({_real(source), _real(out)})
    found = [
        path for path in _pictures(source, inside, exclude) if not (same and suffix and _is_result(path.stem, suffix))
    ]
    if found == [source]:
        raise NothingReadableError(f"{printable(source)}: cannot be listed; check its permissions")
    if not found:
        looked_for = " ".join(sorted(SUFFIXES))
        what = f"holds no picture (looked for {looked_for}); choose a folder with some"
        raise NothingReadableError(f"{printable(source)}: {what}")
    targets = _targets([out / path.relative_to(source) for path in found], suffix, ext)
    return [Job(path, target) for path, target in zip(found, targets, strict=True)]


def _pictures(folder: Path, seen: frozenset[Path], exclude: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the pictures of a folder and those below; `seen` are the folders above it and the output."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder  # to be reported when it cannot be read
        return
    for path in entries:
        if path.name.startswith(".") or exclude(path):
            continue
        if _is_folder(path):
            if (real := _real(path)) not in seen:
                yield from _pictures(path, seen | {real}, exclude)
        elif is_image_name(path) and not is_mask_name(path.name):
            yield path


def _is_result(stem: str, suffix: str) -> bool:
    """Whether a picture is called like the result of an earlier run, or like what goes beside one."""
    return re.search(re.escape(suffix) + r"(\.sample-\d+|\.uncertainty|\.compare)?$", stem) is not None


def left_out(folder: Path) -> Counter[str]:
    """How many pictures a folder and those below hold in formats that are not read here, by their endings."""
    found: Counter[str] = Counter()
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        endings = (Path(name).suffix.lower() for name in names if not name.startswith("."))
        found.update(ending for ending in endings if ending in OTHERS)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what cannot be looked at is to fail under its name
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises on a link to itself


def _single_target(source: Path, out: Path, suffix: str, ext: str | None) -> Path:
    if out == STDIO or (is_image_name(out) and not out.is_dir()):
        if suffix or (ext and out != STDIO):
            what = "names the result already; leave out --suffix and --ext, or name a folder"
            raise UsageError(f"{printable(out)}: {what}")
        return out
    if (out.suffix or out.exists()) and not out.is_dir():  # x.gif is more likely a wish than a new folder's name
        endings = " ".join(sorted(SUFFIXES))
        what = f"is neither a folder nor a picture; choose one of the endings {endings}, or a folder that exists"
        raise UsageError(f"{printable(out)}: {what}")
    if not is_image_name(source):
        raise UsageError(f"{printable(source)}: has no ending of a picture; name the output, as in restored.png")
    return _targets([out / source.name], suffix, ext)[0]
