"""A batch whose images are processed by an executor: the same files and reports, and a bound on what is in flight."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from batches import contents
from copying import Copying, exit_code, pictures, run, tree

from agerestore.batch import planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import WorkItem
from agerestore.batch.processing import Encoded, Processed, process, processed_in_order
from agerestore.errors import WeightsError
from agerestore.images.photo import Photo

COUNT = 20


class Threads:
    """An executor in threads of this process, which counts what was submitted and has not come back."""

    def __init__(self, width: int, processor: Copying | None = None, gate: threading.Event | None = None) -> None:
        self.width, self.processor, self.gate = width, processor or Copying(), gate
        self.pool = ThreadPoolExecutor(width)
        self.submitted: list[str] = []
        self.begun = 0

    def submit(self, item: WorkItem) -> Future[Processed]:
        self.submitted.append(item.job.source.name)
        return self.pool.submit(self.process, item)

    def process(self, item: WorkItem) -> Processed:
        self.begun += 1
        if self.gate is not None:
            assert self.gate.wait(10)
        return process(self.processor, item)

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)


def folder(tmp_path: Path, count: int = COUNT) -> Path:
    paths = pictures(tmp_path / "in", *(f"{n:02}.png" for n in range(count)))
    paths[3].write_bytes(paths[3].read_bytes()[:60])
    return tmp_path / "in"


def batch(source: Path, out: Path, executor: Threads | None, **options: object) -> list[Outcome]:
    found: list[Outcome] = []
    jobs = planning.plan(source, out)
    runner.run_files(jobs, Copying(), out, "key", report=found.append, executor=executor, **options)
    if executor is not None:
        executor.close()
    return found


def rows(outcomes: list[Outcome], out: Path) -> list[object]:
    return [(each.job.target.relative_to(out), each.status, each.error, each.code, each.detail) for each in outcomes]


def test_files_manifest_and_reports_are_those_without_an_executor(tmp_path: Path) -> None:
    source, here, there = folder(tmp_path), tmp_path / "here", tmp_path / "there"
    expected, found = batch(source, here, None), batch(source, there, Threads(3))
    assert rows(found, there) == rows(expected, here)
    assert contents(there) == contents(here)
    assert (there / NAME).read_bytes() == (here / NAME).read_bytes()
    assert exit_code(found) == 1
    again = batch(source, there, Threads(3))
    assert [each.status for each in again] == ["failed" if n == 3 else "skipped" for n in range(COUNT)]


@pytest.mark.parametrize("width", [1, 2, 5])
def test_no_more_than_twice_its_width_is_in_flight(tmp_path: Path, width: int) -> None:
    source, gate = folder(tmp_path), threading.Event()
    executor = Threads(width, gate=gate)

    def stop() -> bool:  # asked before each job; with the gate closed nothing can come back
        if len(executor.submitted) == 2 * width - 1:
            threading.Timer(0.05, gate.set).start()
        return False

    done: list[str] = []
    jobs = planning.plan(source, tmp_path / "out")
    in_flight: list[int] = []

    def report(outcome: Outcome) -> None:
        in_flight.append(len(executor.submitted) - len(done))
        done.append(outcome.job.source.name)

    runner.run_files(jobs, Copying(), tmp_path / "out", "key", report=report, stop=stop, executor=executor)
    executor.close()
    assert done == sorted(done)
    assert max(in_flight) <= 2 * width + 1  # and the one that is being written
    assert max(in_flight) >= 2 * width  # the bound is reached


def test_asked_to_stop_what_no_worker_has_begun_is_left(tmp_path: Path) -> None:
    source, gate = folder(tmp_path), threading.Event()
    executor = Threads(2, gate=gate)
    jobs = planning.plan(source, tmp_path / "out")

    def stop() -> bool:
        if len(executor.submitted) == 3:
            gate.set()
        return len(executor.submitted) == 3

    found: list[Outcome] = []
    summary = runner.run_files(jobs, Copying(), tmp_path / "out", report=found.append, stop=stop, executor=executor)
    executor.close()
    assert len(found) in (2, 3)  # the third may be begun between the gate's opening and its cancellation
    assert tree(tmp_path / "out")[-len(found) :] == [f"{n:02}.png" for n in range(len(found))]
    assert summary.left == COUNT - len(found)


def test_with_fail_fast_none_is_sent_after_one_that_failed(tmp_path: Path) -> None:
    executor = Threads(1)
    found = batch(folder(tmp_path), tmp_path / "out", executor, fail_fast=True)
    assert found[3].status == "failed"
    assert len(executor.submitted) <= 4 + 2
    assert len(found) <= len(executor.submitted)


def test_what_an_executor_raises_ends_the_run_and_what_is_written_is_whole(tmp_path: Path) -> None:
    class Refusing(Threads):
        def process(self, item: WorkItem) -> Processed:
            if item.job.source.name == "02.png":
                raise WeightsError("worker on a: other weights")
            return super().process(item)

    with pytest.raises(WeightsError, match="other weights"):
        batch(folder(tmp_path), tmp_path / "out", Refusing(2))
    assert tree(tmp_path / "out")[-2:] == ["00.png", "01.png"]


def test_a_remark_that_holds_for_all_is_said_of_the_first_alone(tmp_path: Path) -> None:
    class Remarking(Copying):
        def encode(self, job: object, result: Photo) -> Encoded:
            made = super().encode(job, result)
            return Encoded(made.files, {"warning": "dark"}, once=("slow",))

    jobs = planning.plan(folder(tmp_path, 5), tmp_path / "out")
    for number, executor in enumerate((None, Threads(2, Remarking()))):
        jobs = planning.plan(tmp_path / "in", tmp_path / f"out{number}")
        found = run(jobs, Remarking(), executor=executor)
        warnings = [each.detail.get("warning") for each in found]
        assert warnings == ["dark; slow (said once)", "dark", "dark", None, "dark"]


def test_items_without_files_come_back_in_order_with_no_more_in_flight(tmp_path: Path) -> None:
    class Lengths:
        def decode(self, job: Job, data: bytes) -> bytes:
            return data

        def compute(self, data: bytes) -> int:
            return len(data) * len(data) // len(data)

        def encode(self, job: Job, length: int) -> Encoded:
            return Encoded({}, {"length": length})

    executor, asked = Threads(2, Lengths()), []

    def items() -> Iterator[WorkItem]:
        for length in (3, 0, 2, 5, 4, 1, 7):
            asked.append(length)
            yield WorkItem(Job(Path(f"item {length}"), Path()), bytes(length), "")

    made = processed_in_order(executor, items())
    first = next(made)
    assert first.encoded.detail == {"length": 3}
    assert len(asked) == 2 * executor.width + 1
    rest = list(made)
    executor.close()
    assert rest[0].error.startswith("item 0: ZeroDivisionError")
    assert [each.encoded.detail["length"] for each in rest[1:]] == [2, 5, 4, 1, 7]
