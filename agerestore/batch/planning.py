"""Which image files a batch works on, and where each result goes."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from agerestore.batch import folders, jobs
from agerestore.batch.folders import real
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.config.options import FileOptions
from agerestore.errors import NothingReadableError, UsageError
from agerestore.files import printable
from agerestore.images.io import is_image_name

DEFAULTS = FileOptions()


def plan(
    inputs: Path | Sequence[Path],
    out: Path,
    options: FileOptions = DEFAULTS,
    *,
    exclude: Path | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> list[Job]:
    """Decide which images to work on and where each result goes.

    A file becomes `out`, or `out/NAME` when `out` is a folder or has no ending. A folder is searched with all
    below it, in sorted order, symbolic links followed but never in a circle, and `out` mirrors it with names and
    formats kept. Of several inputs, files become `out/NAME` and folders are mirrored in `out/FOLDER`. Which
    files are taken says `agerestore.batch.folders`; `out` itself is left out where it lies inside. A folder below that
    cannot be listed becomes a job, to fail under its name.

    Args:
        inputs: An image file or a folder, or several of them.
        out: The file or folder for the results; it need not exist.
        options: How results are called.
        exclude: A file or folder to leave out, such as the mask.
        notify: Called with a line for each kind of files that a folder holds and that are left out.

    Returns:
        At least one job; no two share a target and, unless `in_place`, no target is a source.

    Raises:
        UsageError: A result would replace its source, or `out` cannot take the results.
        NothingReadableError: An input does not exist, or there is no image in it.
    """
    jobs.check_suffix(options.suffix)
    options = replace(options, ext=jobs.checked_ext(options.ext))
    sources = [inputs] if isinstance(inputs, Path) else list(dict.fromkeys(inputs))
    if not sources:
        raise NothingReadableError("no inputs; give an image file or a folder")
    left_out = None if exclude is None else real(exclude)

    def excluded(path: Path) -> bool:
        return left_out is not None and real(path) == left_out

    if len(sources) == 1:
        planned = _plan_input(sources[0], out, options, excluded, notify)
    else:
        planned = _plan_several(sources, out, options, excluded, notify)
    bare = Counter(job.target.with_suffix("") for job in planned)
    planned = [replace(job, stem_collision=bare[job.target.with_suffix("")] > 1) for job in planned]
    if options.in_place:
        return [replace(job, backup=jobs.backup_of(job.target)) for job in planned]
    _refuse_replaced_sources(planned)
    return planned


def _plan_several(
    sources: list[Path], out: Path, options: FileOptions, exclude: Callable[[Path], bool], notify: Callable[[str], None]
) -> list[Job]:
    if options.in_place:
        raise UsageError("`in_place` takes a single file or folder; call it for each")
    if is_image_name(out) and not out.is_dir():
        raise UsageError(f"{printable(out)}: names one file, and there are several inputs; give a folder")
    planned: list[Job] = []
    for source in sources:
        target = out / source.resolve().name if source.is_dir() else out
        planned += _plan_input(source, target, options, lambda path: exclude(path) or real(path) == real(out), notify)
    target, count = Counter(job.target for job in planned).most_common(1)[0]
    if count > 1:
        what = f"would be the result of {count} inputs; rename them, or write them to different folders"
        raise UsageError(f"{printable(target)}: {what}")
    return planned


def _plan_input(
    source: Path, out: Path, options: FileOptions, exclude: Callable[[Path], bool], notify: Callable[[str], None]
) -> list[Job]:
    if options.in_place and (options.suffix or options.ext or real(out) != real(source)):
        raise UsageError("`in_place` needs the input as output, too, and neither `suffix` nor `ext`")
    if source.is_dir():
        return _plan_folder(source, out, options, exclude, notify)
    if source.exists() or source.is_symlink():
        target = source if options.in_place else jobs.single_target(source, out, options.suffix, options.ext)
        return [Job(source, target, root=source.parent)]
    raise NothingReadableError(f"{printable(source)}: no such file or folder; check the name")


def _plan_folder(
    source: Path, out: Path, options: FileOptions, exclude: Callable[[Path], bool], notify: Callable[[str], None]
) -> list[Job]:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{printable(out)}: is not a folder, but {printable(source)} is one; choose a folder")
    same = real(out) == real(source)
    if same and not (options.suffix or options.in_place):
        what = "is the source folder itself; choose another output folder, a `suffix`, or `in_place`"
        raise UsageError(f"{printable(out)}: {what}")
    found = _search(source, out, options.suffix if same else "", exclude)
    found.require_images()
    for line in found.left_out():
        notify(line)
    targets = jobs.targets([out / path.relative_to(source) for path in found.images], options.suffix, options.ext)
    return [Job(path, target, root=source) for path, target in zip(found.images, targets, strict=True)]


def _refuse_replaced_sources(planned: list[Job]) -> None:
    sources = {real(job.source) for job in planned}
    for job in planned:
        if real(job.target) in sources:
            what = "would be replaced by its own result or another's; choose another output"
            raise UsageError(f"{printable(job.target)}: {what}")


def _search(source: Path, out: Path, suffix: str, exclude: Callable[[Path], bool]) -> folders.Found:
    """Search a folder; `suffix` is that of results that are written next to their sources, which are no sources."""
    if not suffix:
        return folders.search(source, avoid=[out], exclude=exclude)
    earlier, ending = Manifest.of_inputs(source), re.escape(suffix) + r"(\.sample-\d+|\.uncertainty|\.compare)?$"
    return folders.search(
        source,
        avoid=[out],
        exclude=lambda path: earlier.find(path) is not None or exclude(path),
        is_result=lambda path: re.search(ending, path.stem) is not None,
    )
