"""Many pictures through one piece of work: which files, where to, and what became of each.

Knows neither models nor pixels: `plan` turns two paths into jobs, `run` hands each job to a callable and
turns whatever happens into an outcome, so that one bad file never stops the others.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agerestore.errors import (
    AgeRestoreError,
    ImageFileError,
    NothingReadableError,
    UsageError,
    is_out_of_memory,
)
from agerestore.imagefile import SUFFIXES, UnreadableError, is_picture, printable

MASK_ENDINGS = (".mask.png", ".mask.PNG")


@dataclass(frozen=True)
class Job:
    """One picture to read and the file its result goes to."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: The job.
        seconds: How long it took.
        error: One line that names the file; None when done.
        detail: What the work reported.
        unreadable: Whether it failed because the source is no readable picture.
    """

    job: Job
    seconds: float
    error: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
    unreadable: bool = False

    @property
    def status(self) -> str:
        """`"done"` or `"failed"`."""
        return "done" if self.error is None else "failed"


def plan(source: Path, out: Path, *, exclude: Callable[[Path], bool] = lambda path: False) -> list[Job]:
    """Decide which pictures to work on and where each result goes.

    A file becomes `out`, or `out/NAME` when `out` is a folder or has no ending of a picture. A folder is
    searched with all below it, in sorted order, symbolic links followed but never in a circle, and `out`
    mirrors it with names and formats kept. Left out are hidden files and folders, masks (`*.mask.png`),
    whatever `exclude` says, and `out` itself where it lies inside. A folder below that cannot be listed
    becomes a job, to fail under its name.

    Args:
        source: A picture file or a folder.
        out: The file or folder for the results; it need not exist.
        exclude: Whether to leave out a file or folder found in the folder `source`.

    Returns:
        At least one job; no two share a target and no target is a source.

    Raises:
        UsageError: A result would replace its source, or `out` cannot take the results.
        NothingReadableError: There is no `source`, or no picture in it.
    """
    if source.is_dir():
        jobs = _plan_folder(source, out, exclude)
    elif source.exists() or source.is_symlink():
        jobs = [Job(source, _single_target(source, out))]
    else:
        raise NothingReadableError(f"{printable(source)}: no such file or folder; check the name")
    sources = {_real(job.source) for job in jobs}
    for job in jobs:
        if _real(job.target) in sources:
            what = "would be replaced by its own result or another's; choose another output"
            raise UsageError(f"{printable(job.target)}: {what}")
    return jobs


def _plan_folder(source: Path, out: Path, exclude: Callable[[Path], bool]) -> list[Job]:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{printable(out)}: is no folder, {printable(source)} is one; choose a folder")
    if _real(out) == _real(source):
        raise UsageError(f"{printable(out)}: is the source folder itself; choose another output folder")
    inside = frozenset({_real(source), _real(out)})
    found = list(_pictures(source, inside, exclude))
    if found == [source]:
        raise NothingReadableError(f"{printable(source)}: cannot be listed; check its permissions")
    if not found:
        looked_for = " ".join(sorted(SUFFIXES))
        what = f"holds no picture (looked for {looked_for}); choose a folder with some"
        raise NothingReadableError(f"{printable(source)}: {what}")
    return [Job(path, out / path.relative_to(source)) for path in found]


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
        if path.is_dir():
            if (real := _real(path)) not in seen:
                yield from _pictures(path, seen | {real}, exclude)
        elif is_picture(path) and not path.name.endswith(MASK_ENDINGS):
            yield path


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises on a link to itself


def _single_target(source: Path, out: Path) -> Path:
    if is_picture(out) and not out.is_dir():
        return out
    if out.exists() and not out.is_dir():
        endings = " ".join(sorted(SUFFIXES))
        raise UsageError(f"{printable(out)}: is neither a folder nor a picture ({endings}); choose another output")
    if not is_picture(source):
        raise UsageError(f"{printable(source)}: has no ending of a picture; name the output, as in restored.png")
    return out / source.name


def find_mask(source: Path, root: Path, mask: Path | None) -> Path | None:
    """Find the mask of a picture.

    Args:
        source: The picture, in `root` or below.
        root: The folder that was given, or that of the single file that was given.
        mask: A file, which is the mask of every picture; a folder that mirrors `root` and holds masks called
            NAME.EXT.mask.png, NAME.mask.png, NAME.EXT or NAME with another ending of a picture, the first of
            these found; None for a NAME.EXT.mask.png or NAME.mask.png beside the picture.

    Returns:
        The mask, or None where there is none for this picture.

    Raises:
        UsageError: `mask` does not exist.
    """
    if mask is not None and not mask.exists():
        raise UsageError(f"{printable(mask)}: no such mask file or folder; check the name")
    if mask is not None and not mask.is_dir():
        return mask
    names = [base + end for base in (source.name, source.stem) for end in MASK_ENDINGS]
    folder = source.parent
    if mask is not None:
        folder = mask / source.parent.relative_to(root)
        if _real(folder) != _real(source.parent):  # there these are the pictures themselves
            names += [source.name, *(source.stem + suffix for suffix in sorted(SUFFIXES))]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def run(
    jobs: Iterable[Job],
    work: Callable[[Job], dict[str, object]],
    *,
    overwrite: bool,
    report: Callable[[Outcome], None],
) -> list[Outcome]:
    """Do the work on every job; what goes wrong with one becomes its outcome and the next one follows.

    Args:
        jobs: What to do.
        work: Reads the source, writes the target, returns what is worth reporting.
        overwrite: Whether a target that exists is written again; else its job fails without being worked on.
        report: Called with each outcome as soon as it is known.

    Returns:
        One outcome for each job, in order. `KeyboardInterrupt` passes through.
    """
    outcomes = []
    for job in jobs:
        outcome = _attempt(job, work, overwrite)
        outcomes.append(outcome)
        report(outcome)
    return outcomes


def _attempt(job: Job, work: Callable[[Job], dict[str, object]], overwrite: bool) -> Outcome:
    start = time.perf_counter()
    try:
        if not overwrite and (job.target.exists() or job.target.is_symlink()):
            raise ImageFileError(f"{printable(job.target)}: exists; pass --overwrite or choose another output")
        detail = work(job)
    except Exception as error:  # whatever it is, the other pictures are not to suffer
        seconds = time.perf_counter() - start
        unreadable = isinstance(error, UnreadableError)
        return Outcome(job, seconds, _one_line(error, job.source), unreadable=unreadable)
    return Outcome(job, time.perf_counter() - start, detail=detail)


def _one_line(error: Exception, source: Path) -> str:
    if is_out_of_memory(error):
        reason = "not enough memory for it; close other programs or make the picture smaller"
    elif isinstance(error, AgeRestoreError | OSError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    line, name = " ".join(reason.splitlines()), printable(source)
    return line if name in line else f"{name}: {line}"


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """Return 0 when all are done, 3 when no source at all was a readable picture, 1 for any other failure."""
    known = list(outcomes)
    if all(outcome.error is None for outcome in known):
        return 0
    return 3 if all(outcome.unreadable for outcome in known) else 1
