"""How a job's picture is taken in and how its result takes its place, so that neither a file is lost nor work is.

What may be replaced is decided twice: before a picture is worked on, and again when its result is there.
"""

import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agerestore import files
from agerestore.batch.manifest import Manifest, Record, digest, digest_of_bytes
from agerestore.batch.planning import STDIO, Job
from agerestore.errors import ImageFileError
from agerestore.files import printable
from agerestore.images.io import read_bytes


@dataclass(frozen=True)
class WorkItem:
    """A job that is to be done.

    Attributes:
        job: The job.
        data: The contents of its source.
        input: SHA-256 of all that is read for it.
        earlier: What an earlier run made of just this, if some of it is missing or half of it was placed.
    """

    job: Job
    data: bytes = field(repr=False)
    input: str
    earlier: Record | None = None


@dataclass(frozen=True)
class OutputWriter:
    """The rules of a run, and the folder that remembers the results.

    Attributes:
        manifest: That of the output folder.
        settings: SHA-256 of the model and of every setting: what a result depends on beside what is read.
        overwrite: Whether a file that is in the way is replaced; else its job fails.
    """

    manifest: Manifest = field(default_factory=Manifest)
    settings: str = ""
    overwrite: bool = False
    _delivered: set[Path] = field(default_factory=set, repr=False)

    def accept(self, job: Job) -> WorkItem | None:
        """Read what a job needs.

        Returns:
            What is to be worked on; None if the manifest says that this very result is there already.

        Raises:
            ImageFileError: The source is unreadable, or a file is in the way.
        """
        if job.backup is not None:
            return self._accept_in_place(job, job.backup)
        record = self.manifest.find(job.target)
        if record is None:
            self._refuse_foreign(job.target, None)  # before minutes are spent on it
        data = sys.stdin.buffer.read() if job.source == STDIO else read_bytes(job.source)
        taken = self._taken(job, data, record)
        if taken.earlier and self.manifest.kept(taken.earlier):
            self._sweep(job, taken.earlier)
            return None
        if record and not taken.earlier and not self.overwrite and self.manifest.kept(record):
            what = "was made of other contents or with other settings; pass --overwrite or choose another output"
            raise ImageFileError(f"{printable(job.target)}: {what}")
        self._refuse_foreign(job.target, taken.earlier)
        return taken

    def _accept_in_place(self, job: Job, backup: Path) -> WorkItem | None:
        """As `accept`, where the original is under the backup's name once the result has its own."""
        if job.source.is_symlink():
            raise ImageFileError(f"{printable(job.source)}: is a link; restore what it points to, or choose an output")
        present = read_bytes(job.source)
        record = self.manifest.find(job.target)
        ours = record if record and self.manifest.wrote(record, job.target) else None
        if not backup.exists():  # nor ever was, or somebody was content with the result
            return None if ours and ours.settings == self.settings else self._taken(job, present, None)
        original = read_bytes(backup)
        taken = self._taken(job, original, ours)
        if taken.earlier and self.manifest.kept(taken.earlier):
            self._sweep(job, taken.earlier)
            return None
        if taken.earlier:
            return taken
        forgotten = self.manifest.folder is None  # a single file's folder remembers nothing
        if present == original or ((ours or forgotten) and self.overwrite):
            return taken
        if forgotten:
            what = f"has been restored before, as {printable(backup)} is there; pass --overwrite to begin again from it"
        elif ours:
            what = f"was made with other settings; pass --overwrite to begin again from {printable(backup)}"
        else:
            what = f"was not made from {printable(backup)}, which is in the way; move one of them elsewhere"
        raise ImageFileError(f"{printable(job.source)}: {what}")

    def _sweep(self, job: Job, record: Record) -> None:
        """Clear away what a run left that was killed when the files had their names already."""
        for path in (job.target.with_name(Path(name).name) for name in record.files):
            files.discard(path, self.manifest.tag(path))

    def _taken(self, job: Job, data: bytes, record: Record | None) -> WorkItem:
        # What is hashed is what is worked on; a mask that changes afterwards makes a record that matches nothing.
        read = digest([data, *(path.read_bytes() for path in job.extra_inputs)])
        same = record is not None and (record.input, record.settings) == (read, self.settings)
        return WorkItem(job, data, read, record if same else None)

    def deliver(self, accepted: WorkItem, made: Mapping[Path, bytes | None]) -> list[Path]:
        """Write the files of a job: each appears whole, or nothing changes; the job's target comes last.

        What an earlier run made beside the result, and this one has not, goes if results are overwritten.

        Returns:
            What lies beside the result, as if it belonged to it, and was not ours to remove.

        Raises:
            ImageFileError: A file is in the way, the disk is full, the folder is not writable.
        """
        job = accepted.job
        if job.target == STDIO:
            sys.stdout.buffer.write(made[STDIO] or b"")
            sys.stdout.buffer.flush()
            return []
        outdated, left = self._outlived(job, made)
        new = {**dict.fromkeys(outdated), **made}
        staged: dict[Path, Path] = {}
        try:
            for path, data in new.items():
                if path in self._delivered:
                    raise ImageFileError(f"{printable(path)}: is what another picture became; choose another output")
                if not self._is_backed_up(job, path):
                    self._refuse_foreign(path, accepted.earlier)
                if data is not None:
                    with files.writing(path):
                        staged[path] = files.stage(path, data, self.manifest.tag(path))
            self.manifest.append(self._record(accepted, new))
            self._delivered.update(made)
            for path in new:
                with files.writing(path):
                    self._place(accepted, path, staged.get(path))
        finally:
            for temporary in staged.values():
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
        return left

    def _outlived(self, job: Job, made: Mapping[Path, bytes | None]) -> tuple[list[Path], list[Path]]:
        """What lies beside a result that was made anew without it: what is ours to remove, and the rest."""
        record = self.manifest.find(job.target)
        if record is None:  # then nobody knows who made what is there
            beside = job.sidecar_candidates() if self.overwrite else []
            return [], [path for path in beside if self._is_beside(path, made)]
        named = (job.target.with_name(Path(name).name) for name, digest in record.files.items() if digest)
        beside = [path for path in named if path.exists() and self._is_beside(path, made)]
        ours = [path for path in beside if self.overwrite and self.manifest.wrote(record, path)]
        return ours, [path for path in beside if path not in ours]

    def _is_beside(self, path: Path, made: Mapping[Path, bytes | None]) -> bool:
        """Whether a file is neither made now nor the result of any other picture."""
        return path not in made and path not in self._delivered and self.manifest.find(path) is None

    def _record(self, accepted: WorkItem, files: Mapping[Path, bytes | None]) -> Record:
        name = self.manifest.name
        digests = {name(path): None if data is None else digest_of_bytes(data) for path, data in files.items()}
        return Record(name(accepted.job.target), accepted.input, self.settings, digests)

    def _place(self, accepted: WorkItem, path: Path, staged: Path | None) -> None:
        if staged is None:
            path.unlink(missing_ok=True)
        elif self._is_backed_up(accepted.job, path):
            shutil.copymode(path, staged)
            _keep_original(path, accepted.job.backup)
            files.publish(staged, path, overwrite=True)
        else:
            mine = accepted.earlier is not None and self.manifest.wrote(accepted.earlier, path)
            files.publish(staged, path, overwrite=self.overwrite or mine)

    def _is_backed_up(self, job: Job, path: Path) -> bool:
        return job.backup is not None and path == job.target

    def _refuse_foreign(self, path: Path, earlier: Record | None) -> None:
        """Refuse to replace what is neither to be overwritten nor, to the byte, this job's own from an earlier run."""
        if self.overwrite or path == STDIO or (earlier is not None and self.manifest.wrote(earlier, path)):
            return
        with files.writing(path):
            files.refuse_taken(path)


def _keep_original(path: Path, backup: Path | None) -> None:
    """Give the original its second name, on the disk, before the result takes the first."""
    if backup is None or backup.exists():  # then `accept` began from it
        return
    try:
        backup.hardlink_to(path)
    except OSError:  # a file system without hard links
        files.publish(files.stage(backup, path.read_bytes()), backup, overwrite=False)
    files.sync_folder(backup.parent)
