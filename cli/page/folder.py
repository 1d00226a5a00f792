"""Working through a folder of the server: its files, and their results under the contract of batches."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest, digest, refuse_locked
from agerestore.batch.mask_source import MaskSource, with_masks
from agerestore.batch.masks import Masks
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import OutputWriter, WorkItem
from agerestore.batch.planning import plan
from agerestore.batch.processing import Encoded
from agerestore.batch.runner import run_files
from agerestore.errors import OutputExistsError, UsageError
from agerestore.files import is_taken, printable

from .._wording import in_options
from .settings import Wanted
from .store import Held, Output
from .worker import Task


class Folder:
    """A folder of files, and the one for their results, which remembers what was made."""

    def __init__(self, source: Path, out: Path | None = None) -> None:
        """Name them; without `out` it is called like the folder, with .restored. Nothing is read or written yet."""
        self.source = source
        self.out = out or source.resolve().with_name(f"{source.resolve().name}.restored")
        self._files: list[Held] = []
        self._left_out: list[str] = []

    def search(self) -> list[Held]:
        """The files of the folder, as the library finds them, with what earlier runs have made of each.

        Raises:
            AgeRestoreError: There is none, or the folder for the results cannot be that.
        """
        jobs = plan([self.source], self.out, notify=self._left_out.append)
        records = Manifest.of_inputs(self.out)
        results = [made(job) if records.find(job.target) else {} for job in jobs]
        self._files = [Held(printable(job.name), job, results=found) for job, found in zip(jobs, results, strict=True)]
        return self._files

    def as_json(self) -> dict[str, Any]:
        """The folder as clients see it."""
        locked = None
        try:
            refuse_locked(self.out)
        except UsageError as error:
            locked = str(error)
        own = {"name": printable(self.source), "out": printable(self.out), "left_out": self._left_out}
        return {**own, "locked": locked}

    def mask_of(self, held: Held) -> Path | None:
        """The mask of a file on the disk: the one that was kept with its result, or the one next to it."""
        return held.mask_path if held.mask_path.is_file() else Masks(root=self.source).of(held.path)

    def refuse_taken(self, job: Job, wanted: Wanted) -> None:
        """Refuse, before any work is spent on it, a result that could not be written."""
        refuse_locked(self.out)
        if is_taken(job.target) and not _may_replace(Manifest(self.out), job, wanted):
            what = "exists, and was not made here; pass `overwrite=True` to replace it"
            raise OutputExistsError(f"{printable(job.target)}: {what}")

    def save(self, held: Held, job: Job, encoded: Encoded, key: str, wanted: Wanted) -> list[str]:
        """Write a result, and record it as the command would with the same settings and mask; say what was not written.

        A mask that was painted is kept next to the result, as NAME.mask.png: with it the command makes the same.
        """
        read, new = [data := held.read()], dict(encoded.files)
        if wanted.mask == "given" and held.mask is not None:
            read.append(held.mask.path.read_bytes() if held.mask.path else held.mask.png)
            if held.mask.path is None:
                new = {held.mask_path: read[-1], **new}  # the result comes last
        with Manifest.open(self.out) as manifest:
            writer = OutputWriter(manifest, key, _may_replace(manifest, job, wanted))
            left = writer.commit(WorkItem(job, data, digest(read)), new, encoded.optional)
        return [f"not written: {line}" for line in left.refused]

    def restore_all(self, wanted: Wanted, device: str, task: Task) -> None:
        """Restore all files as the command does: what is done is not done again; they learn what was made of them."""
        processor = wanted.processor(device, lambda done, total: task.check())
        files, counts = {held.path: held for held in self._files}, Counter[str]()
        masks = MaskSource(detect=wanted.mask == "auto", ignore=wanted.mask == "none")
        jobs = with_masks([held.job for held in self._files if held.job], masks)

        def report(outcome: Outcome) -> None:
            kept = outcome.code == OutputExistsError.__name__
            counts["kept, as made otherwise" if kept else outcome.status] += 1
            if outcome.error and not kept:
                task.remarks.append(in_options(outcome.error))
            elif not outcome.error:
                held = files[outcome.job.source]
                held.results, held.version = made(outcome.job), held.version + 1
            task.done = counts.total()

        task.total = len(jobs)
        rules: dict[str, Any] = {"overwrite": wanted.overwrite, "report": report, "stop": lambda: task.canceled}
        run_files(jobs, processor, self.out, processor.key, **rules)
        task.check()
        task.remarks.insert(0, ", ".join(f"{count} {what}" for what, count in counts.items()))


def _may_replace(manifest: Manifest, job: Job, wanted: Wanted) -> bool:
    record = manifest.find(job.target)
    return wanted.overwrite or (record is not None and manifest.wrote(record, job.target))


def made(job: Job) -> dict[str, Output]:
    """What lies on the disk of the results of a job."""
    if not job.target.is_file():
        return {}
    return outputs(job, dict.fromkeys([job.target, *job.sidecar_candidates()]))


def outputs(job: Job, files: Mapping[Path, bytes | None]) -> dict[str, Output]:
    """The files of a job by what they are: after, sample-1, uncertainty, ...; without bytes those on the disk."""
    prefix = job.sidecar("").name
    names = {p: "after" if p == job.target else p.name.removeprefix(prefix).partition(".")[0] for p in files}
    return {names[path]: Output(path.name, files[path], path) for path in sorted(files, key=names.__getitem__)}
