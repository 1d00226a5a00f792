"""Which image files a batch works on, and where each result goes."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agerestore.batch import jobs
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.masks import is_mask_name
from agerestore.config.options import FileOptions
from agerestore.errors import NothingReadableError, UsageError
from agerestore.files import printable
from agerestore.images.formats.catalog import OTHERS, SUFFIXES
from agerestore.images.io import is_image_name

DEFAULTS = FileOptions()


def plan(
    inputs: Path | Sequence[Path],
    out: Path,
    options: FileOptions = DEFAULTS,
    *,
    exclude: Path | None = None,
) -> list[Job]:
    """Decide which images to work on and where each result goes.

    A file becomes `out`, or `out/NAME` when `out` is a folder or has no ending. A folder is searched with all
    below it, in sorted order, symbolic links followed but never in a circle, and `out` mirrors it with names and
    formats kept. Of several inputs, files become `out/NAME` and folders are mirrored in `out/FOLDER`. Left out are
    hidden files and folders, masks (`*.mask.png` or of another ending), sidecar files that an earlier run wrote,
    `exclude`, and `out` itself where it lies inside. A folder below that cannot be listed becomes a
    job, to fail under its name.

    Args:
        inputs: An image file or a folder, or several of them.
        out: The file or folder for the results; it need not exist.
        options: How results are called.
        exclude: A file or folder to leave out, such as the mask.

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
    left_out = None if exclude is None else _real(exclude)

    def excluded(path: Path) -> bool:
        return left_out is not None and _real(path) == left_out

    if len(sources) == 1:
        planned = _plan_input(sources[0], out, options, excluded)
    else:
        planned = _plan_several(sources, out, options, excluded)
    bare = Counter(job.target.with_suffix("") for job in planned)
    planned = [replace(job, stem_collision=bare[job.target.with_suffix("")] > 1) for job in planned]
    if options.in_place:
        return [replace(job, backup=jobs.backup_of(job.target)) for job in planned]
    _refuse_replaced_sources(planned)
    return planned


def _plan_several(sources: list[Path], out: Path, options: FileOptions, exclude: Callable[[Path], bool]) -> list[Job]:
    if options.in_place:
        raise UsageError("`in_place` takes a single file or folder; call it for each")
    if is_image_name(out) and not out.is_dir():
        raise UsageError(f"{printable(out)}: names one file, and there are several inputs; give a folder")
    planned: list[Job] = []
    for source in sources:
        target = out / source.resolve().name if source.is_dir() else out
        planned += _plan_input(source, target, options, lambda path: exclude(path) or _real(path) == _real(out))
    target, count = Counter(job.target for job in planned).most_common(1)[0]
    if count > 1:
        what = f"would be the result of {count} inputs; rename them, or write them to different folders"
        raise UsageError(f"{printable(target)}: {what}")
    return planned


def _plan_input(source: Path, out: Path, options: FileOptions, exclude: Callable[[Path], bool]) -> list[Job]:
    if options.in_place and (options.suffix or options.ext or _real(out) != _real(source)):
        raise UsageError("`in_place` needs the input as output, too, and neither `suffix` nor `ext`")
    if source.is_dir():
        return _plan_folder(source, out, options, exclude)
    if source.exists() or source.is_symlink():
        target = source if options.in_place else jobs.single_target(source, out, options.suffix, options.ext)
        return [Job(source, target, root=source.parent)]
    raise NothingReadableError(f"{printable(source)}: no such file or folder; check the name")


def _plan_folder(source: Path, out: Path, options: FileOptions, exclude: Callable[[Path], bool]) -> list[Job]:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{printable(out)}: is not a folder, but {printable(source)} is one; choose a folder")
    same = _real(out) == _real(source)
    if same and not (options.suffix or options.in_place):
        what = "is the source folder itself; choose another output folder, a `suffix`, or `in_place`"
        raise UsageError(f"{printable(out)}: {what}")
    earlier, next_to_inputs = Manifest.of_inputs(source), same and bool(options.suffix)

    def excluded(path: Path) -> bool:
        return earlier.is_sidecar(path) or (next_to_inputs and earlier.find(path) is not None) or exclude(path)

    images = _images(source, frozenset({_real(source), _real(out)}), excluded)
    found = [path for path in images if not (next_to_inputs and _is_result(path, options.suffix))]
    if found == [source]:
        raise NothingReadableError(f"{printable(source)}: cannot be listed; check its permissions")
    if not found:
        what = f"holds no image (looked for {' '.join(sorted(SUFFIXES))}); choose a folder with some"
        raise NothingReadableError(f"{printable(source)}: {what}")
    targets = jobs.targets([out / path.relative_to(source) for path in found], options.suffix, options.ext)
    return [Job(path, target, root=source) for path, target in zip(found, targets, strict=True)]


def _refuse_replaced_sources(planned: list[Job]) -> None:
    sources = {_real(job.source) for job in planned}
    for job in planned:
        if _real(job.target) in sources:
            what = "would be replaced by its own result or another's; choose another output"
            raise UsageError(f"{printable(job.target)}: {what}")


def _images(folder: Path, seen: frozenset[Path], excluded: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the image files of a folder and those below; `seen` are the folders above it and the output."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder  # to be reported when it cannot be read
        return
    for path in entries:
        if path.name.startswith(".") or excluded(path):
            continue
        if _is_folder(path):
            if (real := _real(path)) not in seen:
                yield from _images(path, seen | {real}, excluded)
        elif is_image_name(path) and not is_mask_name(path.name):
            yield path


def _is_result(path: Path, suffix: str) -> bool:
    """Whether a file has the name of an earlier result, or of one of its sidecar files."""
    return re.search(re.escape(suffix) + r"(\.sample-\d+|\.uncertainty|\.compare)?$", path.stem) is not None


def unsupported_files(folder: Path) -> Counter[str]:
    """Count the image files of a folder and those below in formats that are not read here, by their endings."""
    found: Counter[str] = Counter()
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        endings = (Path(name).suffix.lower() for name in names if not name.startswith("."))
        found.update(ending for ending in endings if ending in OTHERS)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a path that cannot be examined is to fail under its name
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises on a link to itself
