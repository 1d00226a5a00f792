"""Working through a folder of the server: its files, and their results under the contract of batches."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agerestore.errors import OutputExistsError, UsageError
from agerestore.files import printable

from .._wording import in_options
from .settings import Wanted
from .store import Held, Output
from .worker import Task

if TYPE_CHECKING:
    from agerestore.batch.jobs import Job
    from agerestore.batch.manifest import Manifest
    from agerestore.batch.outcome import Outcome
    from agerestore.batch.processing import Encoded


class Folder:
    """A folder of files and the one for their results, which remembers what was made."""

    def __init__(self, source: Path, out: Path | None = None) -> None:
        """Name them; nothing is read or written yet.

        Args:
            source: The folder.
            out: For the results; None for that of the same name with .restored.
        """
        self.source = source
        self.out = out or source.resolve().with_name(f"{source.resolve().name}.restored")
        self.left_out: list[str] = []
        self._jobs: dict[Path, Job] = {}

    # ------------------------------------------------------------------------------------------ files

    def files(self) -> dict[Path, dict[str, Output]]:
        """The files of the folder, as the library finds them, and what earlier runs made of each.

        Raises:
            AgeRestoreError: There is none, or the folder for the results cannot be that.
        """
        from agerestore.batch.manifest import Manifest
        from agerestore.batch.planning import plan

        self._jobs = {job.source: job for job in plan([self.source], self.out, notify=self.left_out.append)}
        manifest = Manifest.of_inputs(self.out)
        return {job.source: made(job) if manifest.find(job.target) else {} for job in self._jobs.values()}

    def name_of(self, source: Path) -> str:
        """The name of a file, for people."""
        return printable(source.relative_to(self.source))

    def as_json(self) -> dict[str, Any]:
        """The folder as clients see it."""
        return {
            "name": printable(self.source),
            "out": printable(self.out),
            "locked": self._locked(),
            "left_out": self.left_out,
        }

    def _locked(self) -> str | None:
        """What to say where another run is at work in the folder of the results."""
        from agerestore.batch.manifest import refuse_locked

        try:
            refuse_locked(self.out)
        except UsageError as error:
            return str(error)
        return None

    def job_of(self, held: Held, ext: str | None = None) -> "Job":
        """The names of the files that are made of a file."""
        assert held.source is not None
        job = self._jobs[held.source]
        if ext is None or ext == job.target.suffix:
            return job
        others = {each.target for each in self._jobs.values()}
        short, long = job.target.with_suffix(ext), job.target.with_name(job.target.name + ext)
        return replace(job, target=long if short in others else short, ext=ext)

    def mask_of(self, held: Held) -> Path | None:
        """The mask of a file: that of its result, or the one next to it."""
        from agerestore.batch.masks import Masks

        kept = self.mask_path(held)
        assert held.source is not None
        return kept if kept.is_file() else Masks(root=self.source).of(held.source)

    def mask_path(self, held: Held) -> Path:
        """The file of the mask: the one it was read from, or where the result's is kept."""
        from agerestore.batch.jobs import FOUND_MASK

        return (held.mask and held.mask.path) or self.job_of(held).sidecar(FOUND_MASK)

    # ------------------------------------------------------------------------------------------ one result

    def refuse_taken(self, job: "Job", wanted: Wanted) -> None:
        """Refuse, before any work is spent on it, a result that could not be written.

        Raises:
            UsageError: Another run is at work in the folder.
            OutputExistsError: A file of that name is there, which no run has made.
        """
        from agerestore.batch.manifest import Manifest, refuse_locked
        from agerestore.files import is_taken

        refuse_locked(self.out)
        if is_taken(job.target) and not self._may_replace(Manifest(self.out), job, wanted):
            what = "exists, and is not what was made here; pass `overwrite=True` to replace it"
            raise OutputExistsError(f"{printable(job.target)}: {what}")

    def save(self, held: Held, job: "Job", encoded: "Encoded", key: str, wanted: Wanted) -> list[str]:
        """Write a result, and record it as the command would with the same settings and mask.

        A mask that was painted is kept next to the result, as NAME.mask.png: with it the command gives the same.

        Returns:
            What people should know.
        """
        from agerestore.batch.manifest import Manifest, digest
        from agerestore.batch.outputs import OutputWriter, WorkItem

        data, masks, new = held.read(), [], {}
        if wanted.mask == "given" and held.mask is not None:
            masks = [held.mask.png if held.mask.path is None else held.mask.path.read_bytes()]
            new = {} if held.mask.path else {self.mask_path(held): held.mask.png}
        with Manifest.open(self.out) as manifest:
            writer = OutputWriter(manifest, key, self._may_replace(manifest, job, wanted))
            item = WorkItem(job, data, digest([data, *masks]))
            left = writer.commit(item, {**new, **encoded.files}, encoded.optional)
        return [f"not written: {line}" for line in left.refused]

    def _may_replace(self, manifest: "Manifest", job: "Job", wanted: Wanted) -> bool:
        record = manifest.find(job.target)
        return wanted.overwrite or (record is not None and manifest.wrote(record, job.target))

    # ------------------------------------------------------------------------------------------ all results

    def refuse(self, wanted: Wanted) -> None:
        """Refuse to restore all.

        Raises:
            UsageError: Another run is at work in the folder, or the setting is for single files.
        """
        from agerestore.batch.manifest import refuse_locked

        if wanted.ext is not None:
            raise UsageError("`ext` is for single pictures; of a folder every result has the format of its source")
        refuse_locked(self.out)

    def restore_all(self, wanted: Wanted, processor: Any, files: Mapping[Path, Held], task: Task) -> None:
        """Restore the whole folder as the command does: what is done is not done again.

        Args:
            wanted: The settings.
            processor: That of the command.
            files: By their paths, which learn what was made of them.
            task: Which learns how far it is.
        """
        from agerestore.batch.mask_source import MaskSource, with_masks
        from agerestore.batch.runner import run_files

        option = None if wanted.mask == "auto" and wanted.model == "auto" else wanted.mask
        jobs = with_masks(list(self._jobs.values()), MaskSource.of(option, selects=wanted.model == "auto"))
        counts: Counter[str] = Counter()

        def report(outcome: "Outcome") -> None:
            kept = outcome.code == OutputExistsError.__name__
            counts["kept, as they were made otherwise" if kept else outcome.status] += 1
            if outcome.error and not kept:
                task.remarks.append(in_options(outcome.error))
            elif not outcome.error and outcome.job.source in files:
                held = files[outcome.job.source]
                held.results, held.version = made(outcome.job), held.version + 1
            task.update(done=counts.total(), total=len(jobs))

        task.update(total=len(jobs))
        run_files(
            jobs, processor, self.out, processor.key,
            overwrite=wanted.overwrite, report=report, stop=task.is_canceled,
        )  # fmt: skip
        task.check()
        task.remarks.insert(0, ", ".join(f"{count} {what}" for what, count in counts.items()))


def made(job: "Job") -> dict[str, Output]:
    """What lies on the disk of the results of a job, by what it is."""
    if not job.target.is_file():
        return {}
    return outputs(job, dict.fromkeys([job.target, *job.sidecar_candidates()]))


def outputs(job: "Job", files: Mapping[Path, bytes | None]) -> dict[str, Output]:
    """The files of a job by what they are: after, sample-1, uncertainty, ...; without bytes those on the disk."""
    named = {what_of(job, path): Output(path.name, data, path) for path, data in files.items()}
    return dict(sorted(named.items()))


def what_of(job: "Job", path: Path) -> str:
    """What a file is that a job makes: after, sample-1, uncertainty, mask, ..."""
    if path == job.target:
        return "after"
    return path.name.removeprefix(job.sidecar("").name).partition(".")[0]
