"""Workers in processes of their own: what they make, and what becomes of a batch when they, or it, are killed."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from batches import contents
from copying import Copying, exit_code, pictures, run
from worker_cases import Cases, Unbuildable

from agerestore.batch import planning, runner
from agerestore.batch.executors import ExecutorOptions, open_executor
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME, Manifest
from agerestore.batch.worker import Description, build
from agerestore.batch.worker_processes import WorkerProcesses, worker_count
from agerestore.errors import AgeRestoreError, UsageError, WeightsError

SCRIPT = Path(__file__).parents[1] / "worker_cases.py"


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerProcesses]:
    """Two processes, which all tests of this module share."""
    executor = WorkerProcesses(Cases(), 2)
    yield executor
    executor.close()


def children(of: int) -> list[int]:
    """The processes that a process has started, and that still run."""
    found = Path(f"/proc/{of}/task").glob("*/children")
    return [int(number) for path in found for number in path.read_text().split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def test_what_they_make_is_what_one_process_makes(tmp_path: Path, workers: WorkerProcesses) -> None:
    paths = pictures(tmp_path / "in", *(f"{n}.png" for n in range(9)), "sub/a.jpg")
    paths[4].write_bytes(paths[4].read_bytes()[:60])
    for name, executor in (("here", None), ("there", workers)):
        jobs, out = planning.plan(tmp_path / "in", tmp_path / name), tmp_path / name
        summary = runner.run_files(jobs, Cases(), out, "key", executor=executor)
        assert (summary.done, summary.failed) == (9, 1)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert (tmp_path / "there" / NAME).read_bytes() == (tmp_path / "here" / NAME).read_bytes()


def test_extra_inputs_travel_as_bytes(tmp_path: Path, workers: WorkerProcesses) -> None:
    source, other = pictures(tmp_path, "a.png", "b.png")
    run([Job(source, tmp_path / "out" / "a.png", extra_inputs=(other,))], Cases(), executor=workers)
    assert (tmp_path / "out" / "a.png").read_bytes() == other.read_bytes()


def test_a_file_whose_worker_dies_is_tried_once_more_and_the_others_are_done(
    tmp_path: Path, workers: WorkerProcesses
) -> None:
    names = ["a.png", "b.png", "dies-always.png", "dies-once.png", "f.png"]
    paths = pictures(tmp_path / "in", *names)
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"), Cases(), executor=workers)
    assert [each.job.source.name for each in outcomes] == names
    assert [each.status for each in outcomes] == ["done", "done", "failed", "done", "done"]
    line = f"{paths[2]}: its worker process ended 2 times: killed, most often by the system for want of memory"
    assert str(outcomes[2].error).startswith(line)
    assert outcomes[2].code == "WorkerError"
    assert (tmp_path / "in" / "dies-once.tried").exists()
    assert exit_code(outcomes) == 1


def test_closed_it_leaves_no_process_and_no_file_behind(tmp_path: Path) -> None:
    pictures(tmp_path / "in", *(f"slow-{n}.png" for n in range(200)))
    before = set(children(os.getpid()))

    class Stopped(Exception):
        pass

    def report(outcome: object) -> None:
        raise Stopped

    jobs = planning.plan(tmp_path / "in", tmp_path / "out")
    with pytest.raises(Stopped), open_executor(Cases(), ExecutorOptions(1)) as executor:
        runner.run_files(jobs, Cases(), tmp_path / "out", "key", report=report, executor=executor)
    assert set(children(os.getpid())) <= before
    assert all(name.endswith(".png") for name in contents(tmp_path / "out"))


def test_a_worker_that_cannot_be_built_ends_the_run(tmp_path: Path) -> None:
    pictures(tmp_path / "in", "a.png", "b.png")
    jobs = planning.plan(tmp_path / "in", tmp_path / "out")
    with (
        pytest.raises(AgeRestoreError, match="a worker cannot begin: ValueError: invalid literal"),
        open_executor(Unbuildable(), ExecutorOptions(1)) as executor,
    ):
        runner.run_files(jobs, Copying(), tmp_path / "out", "key", executor=executor)
    assert contents(tmp_path / "out") == {}


def test_another_version_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"is agerestore .*, the batch was begun by 0\.0\.1; install the same"):
        build(replace_version(Description.of(Copying())))


def replace_version(description: Description) -> Description:
    return description._replace(version="0.0.1")


def test_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agerestore.machine.usable_cores", lambda: 8)
    monkeypatch.setattr("agerestore.machine.free_memory", lambda: 5 * 2**30)
    assert worker_count("auto") == 5
    assert worker_count(3) == 3
    monkeypatch.setattr("agerestore.machine.free_memory", lambda: 1)
    assert worker_count("auto") == 1
    for wrong in (-1, "2", 1.5, True):
        with pytest.raises(UsageError, match="`workers`"):
            worker_count(wrong)
    with open_executor(Copying(), ExecutorOptions(0)) as executor:
        assert executor is None
    with open_executor(Copying(), ExecutorOptions(9), 2) as executor:
        assert executor.width == 2


def killed(source: Path, out: Path, results: int) -> list[int]:
    """Kill a batch once it has written so many results; the processes that it had started."""
    batch = subprocess.Popen([sys.executable, str(SCRIPT), str(source), str(out)])
    wait_until(lambda: len(list(out.glob("*.png"))) >= results or batch.poll() is not None, 240)
    started = children(batch.pid)
    batch.kill()
    assert batch.wait() in (0, -signal.SIGKILL)
    return started


def kill_and_resume(tmp_path: Path, kills: int, count: int) -> None:
    pictures(tmp_path / "in", *(f"slow-{n:03}.png" for n in range(count)))
    run(planning.plan(tmp_path / "in", tmp_path / "undisturbed"))
    out, draw, done = tmp_path / "out", random.Random(1), 0
    for _ in range(kills):
        started = killed(tmp_path / "in", out, done + draw.randint(1, count // kills))
        assert len(started) == 2
        wait_until(lambda started=started: not any(map(is_running, started)), 10)
        jobs, manifest = planning.plan(tmp_path / "in", out), Manifest(out)
        found = sum(manifest.find(job.target) is not None and job.target.exists() for job in jobs)
        assert found >= done
        done = found
    summary = runner.run_files(planning.plan(tmp_path / "in", out), Copying(), out, "key")
    assert (summary.skipped, summary.done) == (done, count - done)
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_killed_itself_a_batch_leaves_no_process_and_can_be_resumed(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, kills=1, count=40)


@pytest.mark.slow
def test_killed_itself_twenty_times(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, kills=20, count=300)


@pytest.mark.slow
def test_twenty_killed_workers_cost_no_file(tmp_path: Path) -> None:
    pictures(tmp_path / "in", *(f"slow-{n:03}.png" for n in range(400)))
    out, victims = tmp_path / "out", set()
    batch = subprocess.Popen([sys.executable, str(SCRIPT), str(tmp_path / "in"), str(out)])
    for number in range(20):
        wait_until(lambda number=number: len(list(out.glob("*.png"))) > 15 * number, 240)
        wait_until(lambda: len(children(batch.pid)) == 2, 240)
        victim = children(batch.pid)[number % 2]
        os.kill(victim, signal.SIGKILL)
        victims.add(victim)
    assert batch.wait() == 0
    assert len(victims) == 20
    run(planning.plan(tmp_path / "in", tmp_path / "undisturbed"))
    assert contents(out) == contents(tmp_path / "undisturbed")
    lines = (out / NAME).read_text().splitlines()
    assert len(lines) == len(set(lines)) == 400  # none was done twice


def test_a_description_is_small(tmp_path: Path) -> None:
    job = replace(Job(tmp_path / "a.png", tmp_path / "b.png"), root=tmp_path)
    assert len(pickle.dumps(job)) < 500
    assert len(Description.of(Cases()).processor) < 200
