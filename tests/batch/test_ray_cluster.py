"""Workers on a cluster of Ray. Without Ray these tests are skipped; with it they take a minute."""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import contents
from copying import Copying, exit_code, pictures, run
from worker_cases import Cases, Unbuildable

from agerestore.batch import planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME
from agerestore.batch.outputs import OutputWriter, read_again
from agerestore.batch.ray_cluster import TOKEN, RayCluster, connect, has_token
from agerestore.errors import AgeRestoreError, ImageFileError, UsageError

ray = importlib.util.find_spec("ray")

needs_ray = pytest.mark.skipif(ray is None, reason="needs the extra ray: pip install 'agerestore[ray]'")
ignores_ray = pytest.mark.filterwarnings("ignore")  # Ray leaves sockets and files open


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A cluster of two workers on this machine."""
    executor = RayCluster(Cases(), "auto", most=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # where workers find the tests' own work
        patch.setattr("agerestore.machine.usable_cores", lambda: 3)  # one is for another executor
        yield executor
    executor.close()


@pytest.mark.slow
@needs_ray
@ignores_ray
def test_what_they_make_is_what_one_process_makes(tmp_path: Path, cluster: RayCluster) -> None:
    paths = pictures(tmp_path / "in", *(f"{n}.png" for n in range(9)), "sub/a.jpg")
    paths[4].write_bytes(paths[4].read_bytes()[:60])
    for name, executor in (("here", None), ("there", cluster)):
        jobs, out = planning.plan(tmp_path / "in", tmp_path / name), tmp_path / name
        summary = runner.run_files(jobs, Cases(), out, "key", executor=executor)
        assert (summary.done, summary.failed) == (9, 1)
        assert summary.failures[0].code == "UnreadableError"
        assert str(summary.failures[0].error).startswith(f"{paths[4]}: cannot be decoded")  # nothing of Ray around it
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert (tmp_path / "there" / NAME).read_bytes() == (tmp_path / "here" / NAME).read_bytes()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert cluster.width == 2


@pytest.mark.slow
@needs_ray
@ignores_ray
def test_a_file_whose_worker_dies_is_tried_once_more_and_the_others_are_done(
    tmp_path: Path, cluster: RayCluster
) -> None:
    names = ["a.png", "b.png", "dies-always.png", "dies-once.png", "f.png"]
    paths = pictures(tmp_path / "in", *names)
    outcomes = run(planning.plan(tmp_path / "in", tmp_path / "out"), Cases(), executor=cluster)
    assert [each.status for each in outcomes] == ["done", "done", "failed", "done", "done"]
    assert str(outcomes[2].error).startswith(f"{paths[2]}: its worker ended 2 times")
    assert exit_code(outcomes) == 1


@pytest.mark.slow
@needs_ray
@ignores_ray
def test_ray_leaves_the_signals_as_they_were(cluster: RayCluster) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.slow
@needs_ray
@ignores_ray
def test_on_a_shared_disk_workers_read_the_sources(tmp_path: Path, cluster: RayCluster) -> None:
    source, other = pictures(tmp_path / "in", "a.png", "b.png")
    cluster._shared_disk = True
    try:
        job = Job(source, tmp_path / "out" / "a.png", extra_inputs=(other,))
        assert [each.status for each in run([job], Cases(), executor=cluster)] == ["done"]
    finally:
        cluster._shared_disk = False
    assert (tmp_path / "out" / "a.png").read_bytes() == other.read_bytes()


@pytest.mark.slow
@needs_ray
@ignores_ray
def test_a_worker_that_cannot_be_built_ends_the_run(tmp_path: Path, cluster: RayCluster) -> None:
    pictures(tmp_path / "in", "a.png", "b.png")
    executor = RayCluster(Unbuildable(), "auto", most=1)
    with pytest.raises(AgeRestoreError, match="a worker cannot begin: ValueError: invalid literal"):
        runner.run_files(planning.plan(tmp_path / "in", tmp_path / "out"), Copying(), executor=executor)
    executor.close()
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
def test_without_ray_it_is_said_what_to_install() -> None:
    with pytest.raises(UsageError, match=r"`cluster` needs Ray; pip install 'agerestore\[ray\]'"):
        connect("auto")


def test_what_is_read_again_is_the_same_or_refused(tmp_path: Path) -> None:
    source, mask = pictures(tmp_path, "a.png", "b.png")
    item = OutputWriter().prepare(Job(source, tmp_path / "out.png", extra_inputs=(mask,)))
    bare = item.__class__(item.job, b"", item.input)
    assert read_again(bare) == item
    mask.write_bytes(source.read_bytes())
    with pytest.raises(ImageFileError, match=r"a\.png: a worker does not find the same contents under this name"):
        read_again(bare)


def test_a_token_is_shown_to_clusters_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_token()
    (tmp_path / ".ray").mkdir()
    (tmp_path / TOKEN).write_text("ab")
    assert has_token()
    (tmp_path / TOKEN).unlink()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "ab")
    assert has_token()
