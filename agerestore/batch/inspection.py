"""Batches that only look at images: what is read, where the masks of found defects go, and a writer of nothing else."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from agerestore import files
from agerestore.batch import folders
from agerestore.batch.jobs import FOUND_MASK, Job
from agerestore.batch.mask_source import MaskSource, with_masks
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import OutputWriter, WorkItem
from agerestore.batch.parts import OF_A_FILE, Part
from agerestore.errors import NothingReadableError, OutputExistsError, UsageError
from agerestore.files import printable

RESTORED = ".restored"  # ends the name of a result that `inspect` has proposed


class Inspections(NamedTuple):
    """What there is to inspect.

    Attributes:
        jobs: Images, each with its mask as an extra input; where no mask is to be written the target is the source.
        failed: What is said of inputs that are folders without images.
    """

    jobs: list[Job]
    failed: list[Outcome]


def plan_inspections(
    inputs: Sequence[Path],
    masks: Path | None = None,
    part: Part | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> Inspections:
    """Find the images to inspect, in order.

    Args:
        inputs: Image files, whatever they are called, and folders, which are searched with all below them; results of
            earlier proposals are left out there.
        masks: Where the defects that are found go: the mask of a single image, or a folder of NAME.EXT.mask.png, which
            mirrors the folder that was given, and of several each under its name; None for nowhere.
        part: The part of the images to take.
        notify: Called with a line for each kind of files that a folder holds and that are left out.

    Raises:
        UsageError: Two images would have the same mask, a mask would replace its image, or one file is to be divided.
    """
    several = len(inputs) > 1
    if part is not None and not several and not inputs[0].is_dir():
        raise UsageError(OF_A_FILE)
    jobs: list[Job] = []
    failed: list[Outcome] = []
    for source in dict.fromkeys(inputs):
        try:
            jobs += _plan_input(source, masks, several, notify)
        except NothingReadableError as error:
            failed.append(Outcome(Job(source, source), status="failed", error=str(error), code="UnreadableError"))
    if masks is not None:
        _refuse_conflicts(jobs)
    return Inspections(with_masks(jobs if part is None else part.select(jobs), MaskSource()), failed)


def _plan_input(source: Path, masks: Path | None, several: bool, notify: Callable[[str], None]) -> list[Job]:
    """The jobs of an image file, whatever it is called, or of a folder.

    Raises:
        NothingReadableError: It is a folder without images.
    """
    if not source.is_dir():
        target = _named(masks / source.name) if masks and several else masks
        return [Job(source, target or source, root=source.parent)]
    folder = masks / source.resolve().name if masks and several else masks
    found = _search(source, notify)
    targets = [_named(folder / path.relative_to(source)) if folder else path for path in found]
    return [Job(path, target, root=source) for path, target in zip(found, targets, strict=True)]


def _named(path: Path) -> Path:
    """The mask that lies as an image does."""
    return path.with_name(f"{path.name}.{FOUND_MASK}")


def _search(folder: Path, notify: Callable[[str], None]) -> list[Path]:
    """The images of a folder; what is left out is said.

    Raises:
        NothingReadableError: There is none.
    """
    found = folders.search(folder, is_result=lambda path: path.stem.endswith(RESTORED))
    found.require_images()
    for line in found.left_out():
        notify(line)
    return found.images


def _refuse_conflicts(jobs: Sequence[Job]) -> None:
    for target, count in Counter(job.target for job in jobs).items():
        if count > 1:
            what = f"would be the mask of {count} images; inspect them apart, with a `mask` folder for each"
            raise UsageError(f"{printable(target)}: {what}")
    for job in jobs:
        if job.target == job.source:
            raise UsageError(f"{printable(job.target)}: is the image itself; choose another name for `mask`")


class InspectionWriter(OutputWriter):
    """Reads sources, writes masks, and keeps no manifest; no file is replaced."""

    def prepare(self, job: Job) -> WorkItem:
        """Read what a job needs.

        Raises:
            ImageFileError: The source cannot be read, or there is a file where its mask goes.
        """
        if job.target != job.source and files.is_taken(job.target):
            raise OutputExistsError(f"{printable(job.target)}: exists; choose another name for `mask`")
        return self._item(job, self.read(job.source), None)
