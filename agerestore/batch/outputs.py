"""Reads what a job needs and writes its results, so that no file is lost and no work is done twice.

What may be replaced is decided before an image is worked on (`policy`), and checked again when its result is there.
"""

import hashlib
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from agerestore import files
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest, Record, digest
from agerestore.batch.policy import Action, InPlaceState, State, decide
from agerestore.errors import ImageFileError, OutputExistsError
from agerestore.files import printable
from agerestore.images.io import read_bytes

Files = Mapping[Path, bytes | None]  # what to write; None for a file that is not to be there


class Leftovers(NamedTuple):
    """What people should know once the files of a job are written.

    Attributes:
        similar: Files that look like sidecar files of the result, and are not of this run.
        refused: Why optional files were not written, one line each.
    """

    similar: list[Path]
    refused: list[str]


@dataclass(frozen=True)
class WorkItem:
    """A job that is to be done.

    Attributes:
        job: The job.
        data: The contents of its source.
        extra: Those of the job's extra inputs, such as its mask.
        input: SHA-256 of everything that is read for it.
        earlier: What an earlier run made of just this, if some of it is missing or was only partly written.
    """

    job: Job
    data: bytes = field(repr=False)
    input: str
    earlier: Record | None = None
    extra: tuple[bytes, ...] = field(default=(), repr=False)


def read_again(item: WorkItem) -> WorkItem:
    """A job whose contents another process has read, with these contents, from a disk that both see.

    Raises:
        ImageFileError: The files are not the same here.
    """
    extra = tuple(map(read_bytes, item.job.extra_inputs))
    for path in filter(None, (item.job.backup, item.job.source)):
        if path.exists() and digest([data := read_bytes(path), *extra]) == item.input:
            return replace(item, data=data, extra=extra)
    what = "a worker does not find the same contents under this name; leave out `shared_disk`, or share the disk"
    raise ImageFileError(f"{printable(item.job.source)}: {what}")


@dataclass(frozen=True)
class OutputWriter:
    """Writes the results of a run into a folder that remembers them.

    Attributes:
        manifest: That of the output folder.
        cache_key: SHA-256 of what results depend on besides the files that are read, see `cache_key`.
        overwrite: Whether a file that is in the way is replaced; else its job fails.
    """

    manifest: Manifest = field(default_factory=Manifest)
    cache_key: str = ""
    overwrite: bool = False
    _committed: set[Path] = field(default_factory=set, repr=False)

    def prepare(self, job: Job) -> WorkItem | None:
        """Read what a job needs.

        Returns:
            What is to be worked on; None if the manifest says that this very result is there already.

        Raises:
            ImageFileError: The source cannot be read, or a file is in the way.
        """
        state, item = self._state(job) if job.backup is None else self._state_in_place(job, job.backup)
        action = decide(state)
        if action is Action.PROCESS:
            return item
        if action is not Action.SKIP:
            where = job.target if job.backup is None else job.source
            backup = "" if job.backup is None else printable(job.backup)
            raise OutputExistsError(f"{printable(where)}: {action.value.format(backup=backup)}")
        if item.earlier:
            self._remove_temporary_files(job, item.earlier)
        return None

    def read(self, path: Path) -> bytes:
        """The contents of a source.

        Raises:
            ImageFileError: It cannot be read.
        """
        return read_bytes(path)

    def _state(self, job: Job) -> tuple[State, WorkItem]:
        record = self.manifest.find(job.target, self.cache_key)
        if record is None:
            self._refuse_existing(job.target, None)  # before a large file is read
        item = self._item(job, self.read(job.source), record)
        ours, complete = self._compare(job, record)
        exists = files.is_taken(job.target)
        return State(exists, ours, complete, same=item.earlier is not None, overwrite=self.overwrite), item

    def _compare(self, job: Job, record: Record | None) -> tuple[bool, bool]:
        """Whether the target, and whether every file of a record, is to the byte what the record says."""
        if record is None:
            return False, False
        unchanged = self.manifest.unchanged(record)
        return self.manifest.name(job.target) in unchanged, len(unchanged) == len(record.files)

    def _state_in_place(self, job: Job, backup: Path) -> tuple[InPlaceState, WorkItem]:
        """As `_state`, of a job that works on the backup if there is one."""
        record = self.manifest.find(job.target, self.cache_key)
        if job.source.is_symlink():
            what = "is a link; process the file that it points to, or choose an output"
            raise ImageFileError(f"{printable(job.source)}: {what}")
        present = self.read(job.source)
        ours, complete = self._compare(job, record)
        if not backup.exists():
            same = record is not None and record.settings == self.cache_key
            return InPlaceState(ours=ours, same=same), self._item(job, present, None)
        original = read_bytes(backup)
        item = self._item(job, original, record if ours else None)
        state = InPlaceState(
            backup=True,
            original=present == original,
            ours=ours,
            complete=complete,
            same=item.earlier is not None,
            overwrite=self.overwrite,
            remembered=self.manifest.folder is not None,
        )
        return state, item

    def _item(self, job: Job, data: bytes, record: Record | None) -> WorkItem:
        extra = tuple(path.read_bytes() for path in job.extra_inputs)
        read = digest([data, *extra])  # what is hashed is what is worked on
        same = record is not None and (record.input, record.settings) == (read, self.cache_key)
        return WorkItem(job, data, read, record if same else None, extra)

    def _remove_temporary_files(self, job: Job, record: Record) -> None:
        """Remove what a run left that was killed when the files had their names already."""
        for path in (job.target.with_name(Path(name).name) for name in record.files):
            files.discard(path, self.manifest.tag(path))

    def commit(self, item: WorkItem, made: Files, optional: Collection[Path] = ()) -> Leftovers:
        """Write the files of a job: each appears whole, or nothing changes; the job's target comes last.

        Sidecar files that an earlier run wrote, and this one has not, are removed if results are overwritten.

        Args:
            item: What `prepare` gave.
            made: What to write.
            optional: Files of `made` without which the others are written all the same.

        Raises:
            ImageFileError: A file is in the way, the disk is full, the folder cannot be written to.
        """
        stale, left = self._stale_sidecars(item.job, made)
        new = {**dict.fromkeys(stale), **made}
        staged: dict[Path, Path] = {}
        refused: list[str] = []
        try:
            for path, data in list(new.items()):
                try:
                    self._refuse_conflict(item, path)
                    if data is not None:
                        with files.writing(path):
                            staged[path] = files.stage(path, data, self.manifest.tag(path))
                except ImageFileError as error:
                    if path not in optional:
                        raise
                    refused.append(str(error))
                    del new[path]
            self.manifest.append(self._record(item, new))
            self._committed.update(made)
            for path in new:
                with files.writing(path):
                    self._publish(item, path, staged.get(path))
        finally:
            for temporary in staged.values():
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
        return Leftovers(left, refused)

    def _stale_sidecars(self, job: Job, made: Files) -> tuple[list[Path], list[Path]]:
        """Sidecar files of an earlier result that the new one does not have: those to remove, and the rest."""
        record = self.manifest.find(job.target, self.cache_key)
        if record is None:  # then it is not known what made these files
            found = job.sidecar_candidates() if self.overwrite else []
            return [], [path for path in found if self._is_unclaimed(path, made)]
        named = (job.target.with_name(Path(name).name) for name, digest in record.files.items() if digest)
        found = [path for path in named if path.exists() and self._is_unclaimed(path, made)]
        stale = [path for path in found if self.overwrite and self.manifest.wrote(record, path)]
        return stale, [path for path in found if path not in stale]

    def _is_unclaimed(self, path: Path, made: Files) -> bool:
        """Whether a file is neither made now nor the result of any other image."""
        return path not in made and path not in self._committed and self.manifest.find(path) is None

    def _record(self, item: WorkItem, new: Files) -> Record:
        name = self.manifest.name
        digests = {name(path): None if data is None else hashlib.sha256(data).hexdigest() for path, data in new.items()}
        return Record(name(item.job.target), item.input, self.cache_key, digests)

    def _publish(self, item: WorkItem, path: Path, staged: Path | None) -> None:
        if staged is None:
            path.unlink(missing_ok=True)
        elif _is_backed_up(item.job, path):
            shutil.copymode(path, staged)
            _keep_original(path, item.job.backup)
            files.publish(staged, path, overwrite=True)
        else:
            ours = item.earlier is not None and self.manifest.wrote(item.earlier, path)
            files.publish(staged, path, overwrite=self.overwrite or ours)

    def _refuse_conflict(self, item: WorkItem, path: Path) -> None:
        if path in self._committed:
            what = "was written for another image of this run; choose another output"
            raise OutputExistsError(f"{printable(path)}: {what}")
        if not _is_backed_up(item.job, path):
            self._refuse_existing(path, item.earlier)

    def _refuse_existing(self, path: Path, earlier: Record | None) -> None:
        """Refuse to replace a file unless asked, or unless it is to the byte this job's own from an earlier run."""
        if self.overwrite or (earlier is not None and self.manifest.wrote(earlier, path)):
            return
        with files.writing(path):
            files.refuse_taken(path)


def _is_backed_up(job: Job, path: Path) -> bool:
    return job.backup is not None and path == job.target


def _keep_original(path: Path, backup: Path | None) -> None:
    """Give the original its second name, on the disk, before the result takes the first."""
    if backup is None or backup.exists():  # then `prepare` began from it
        return
    try:
        backup.hardlink_to(path)
    except OSError:  # a file system without hard links
        files.publish(files.stage(backup, path.read_bytes()), backup, overwrite=False)
    files.sync_folder(backup.parent)
