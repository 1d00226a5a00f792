"""What became of the jobs of a batch."""

from dataclasses import dataclass, field
from pathlib import Path

from agerestore.batch.jobs import Job
from agerestore.errors import AgeRestoreError
from agerestore.files import printable


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: The job.
        seconds: How long it took, without waiting for others.
        status: `"done"`, `"skipped"` (an earlier run did it), `"failed"`, or in a preview `"planned"`.
        error: One line that names the file; None unless failed.
        code: The class of the error, such as `"UnreadableError"`; `"MemoryError"` for all that means that. None
            unless failed.
        detail: What the processor reported.
    """

    job: Job
    seconds: float = 0.0
    status: str = "done"
    error: str | None = None
    code: str | None = None
    detail: dict[str, object] = field(default_factory=dict)


@dataclass
class Summary:
    """How many of `total` jobs ended how.

    Attributes:
        total: All jobs.
        done: Written, or planned in a preview.
        skipped: Done by an earlier run.
        failures: The outcomes of those that failed.
        left_out: A line for each kind of files that a folder holds and that are no images to work on.
    """

    total: int
    done: int = 0
    skipped: int = 0
    failures: list[Outcome] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.done += outcome.status in ("done", "planned")
        self.skipped += outcome.status == "skipped"
        if outcome.status == "failed":
            self.failures.append(outcome)

    @property
    def failed(self) -> int:
        """How many failed."""
        return len(self.failures)

    @property
    def left(self) -> int:
        """How many were not begun."""
        return self.total - self.done - self.skipped - self.failed


def describe(error: BaseException, source: Path) -> tuple[str, str]:
    """Say what went wrong with a file.

    Returns:
        One line that names the file, and the class of the error; "MemoryError" for all that means that.
    """
    from agerestore.device import is_out_of_memory  # needs torch, and planning does not

    code = type(error).__name__
    if is_out_of_memory(error):
        reason, code = "not enough memory for it; close other programs or make the image smaller", "MemoryError"
    elif isinstance(error, AgeRestoreError | OSError):
        reason = str(error)
    else:
        reason = f"{code}: {error}"
    line, name = " ".join(reason.splitlines()), printable(source)
    return (line if name in line else f"{name}: {line}"), code
