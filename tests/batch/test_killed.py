"""Runs that are killed at random moments and resumed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from batches import contents, originals, run
from copying import pictures


def kill_and_resume(tmp_path: Path, count: int, kills: int, in_place: bool) -> None:
    source = tmp_path / "in"
    pictures(source, *(f"{n % 7}/{n}.png" for n in range(count)))
    before = contents(source)
    assert set(run(source, tmp_path / "undisturbed")) == {"d"}
    out = source if in_place else tmp_path / "out"
    script = Path(__file__).parents[1] / "killed_batch.py"
    command = [sys.executable, str(script), str(source), str(out), str(kills), "0.004", "1"]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(row["code"] != 0 and row["done"] != [] for row in rows) >= kills // 2  # else nothing was put to the test
    done: set[str] = set()
    for row in rows:
        assert done.isdisjoint(row["computed"])
        assert done <= set(row["done"])
        done = set(row["done"])
    assert len(done) == count
    after = contents(out)
    if in_place:
        assert originals(out) == before
        after = {name: data for name, data in after.items() if not name.endswith(".orig")}
    assert after == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("in_place", [False, True])
def test_killed_at_random_moments_and_resumed_nothing_is_lost_or_done_twice(tmp_path: Path, in_place: bool) -> None:
    kill_and_resume(tmp_path, count=40, kills=6, in_place=in_place)


@pytest.mark.slow
@pytest.mark.parametrize("in_place", [False, True])
def test_killed_fifty_times(tmp_path: Path, in_place: bool) -> None:
    kill_and_resume(tmp_path, count=200, kills=50, in_place=in_place)
