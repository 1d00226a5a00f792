"""Work that copies pictures, for the tests of batches."""

from pathlib import Path

from agerestore_cli._files import exit_code as code_of
from pictures import noise

from agerestore.batch import runner
from agerestore.batch.jobs import Job
from agerestore.batch.outcome import Outcome, Summary
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Encoded
from agerestore.images import io
from agerestore.images.photo import Photo


def pictures(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for seed, path in enumerate(paths):
        io.write(path, Photo(noise(16, 16, 3, seed=seed)))
    return paths


class Copying:
    """Work that needs no torch: every picture as it is."""

    def __init__(self) -> None:
        self.computed: list[str] = []

    def decode(self, job: Job, data: bytes, *extra: bytes) -> tuple[str, Photo]:
        return job.source.name, io.decode(data, job.source)

    def compute(self, item: tuple[str, Photo]) -> Photo:
        self.computed.append(item[0])
        return item[1]

    def encode(self, job: Job, result: Photo) -> Encoded:
        return Encoded({job.target: io.encode(result, job.suffix)}, {"width": result.pixels.shape[1]})


def run(jobs: list[Job], work: object = None, writer: OutputWriter | None = None, **options: object) -> list[Outcome]:
    """What is reported of each job, after a check that the summary agrees."""
    outcomes: list[Outcome] = []
    summary = runner.run(jobs, work or Copying(), writer or OutputWriter(), report=outcomes.append, **options)
    assert summary == summary_of(outcomes, len(jobs))
    return outcomes


def summary_of(outcomes: list[Outcome], total: int) -> Summary:
    summary = Summary(total)
    for outcome in outcomes:
        summary.add(outcome)
    return summary


def exit_code(outcomes: list[Outcome]) -> int:
    return code_of(summary_of(outcomes, len(outcomes)))


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
