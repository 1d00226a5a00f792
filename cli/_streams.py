"""``-`` as input or output: standard input and standard output in the place of image files."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agerestore.batch.jobs import Job, checked_ext, single_target
from agerestore.batch.outputs import Files, Leftovers, OutputWriter, WorkItem
from agerestore.config.options import FileOptions
from agerestore.errors import UsageError

from ._terminal import write_bytes

STDIO = Path("-")


def plan(inputs: list[Path], out: Path, options: FileOptions) -> list[Job]:
    """Plan a single image that is read from standard input or written to standard output.

    Raises:
        UsageError: There is more than one, or an option that needs files.
    """
    if len(inputs) != 1 and out != STDIO:
        raise UsageError("standard input is one image; give it alone, or the files of all images")
    if len(inputs) != 1 or inputs[0].is_dir():
        raise UsageError("only a single image can go to standard output; choose an output folder")
    if options.in_place or options.suffix:
        raise UsageError("standard input and output have no names: leave out --in-place and --suffix")
    (source,) = inputs
    ext = checked_ext(options.ext)
    if out == STDIO:
        return [Job(source, STDIO, ext=ext, root=source.parent)]
    return [Job(source, single_target(source, out, "", ext), root=source.parent)]


@dataclass(frozen=True)
class StreamWriter(OutputWriter):
    """Writes results as ever, but for those of the streams."""

    def prepare(self, job: Job) -> WorkItem | None:
        """Read what a job needs; nothing is in the way of standard output."""
        if job.target != STDIO:
            return super().prepare(job)
        return self._item(job, self.read(job.source), None)

    def read(self, path: Path) -> bytes:
        """The contents of a source."""
        return sys.stdin.buffer.read() if path == STDIO else super().read(path)

    def commit(self, item: WorkItem, made: Files, optional: Collection[Path] = ()) -> Leftovers:
        """Write the files of a job."""
        if item.job.target != STDIO:
            return super().commit(item, made, optional)
        write_bytes(made[STDIO] or b"")
        return Leftovers([], [])
