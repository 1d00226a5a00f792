"""`--workers`: the same files, records and lines as without, for every verb that makes files of files."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import contents
from command import run
from pictures import noise

from agerestore.batch.manifest import NAME
from agerestore.images import io
from agerestore.images.photo import Photo


def rows(path):
    """The lines of a report, without seconds."""
    return [{**json.loads(line), "seconds": 0} for line in path.read_text().splitlines()]


def same_as_here(tmp_path, monkeypatch, verb, source, *options):
    """Run a verb here and in two workers; compare all that it leaves and says."""
    said = []
    for number, workers in enumerate(("0", "2")):
        monkeypatch.chdir(tmp_path)
        report = tmp_path / f"{workers}.jsonl"
        done = run(verb, source, "out", *options, "--workers", workers, "--report", report, "--threads", 1)
        said.append((done.exit_code, re.sub(r" in \d+\.\d s", "", done.stderr), rows(report)))
        (tmp_path / "out").rename(tmp_path / f"out{number}")
    assert said[0] == said[1]
    assert contents(tmp_path / "out0") == contents(tmp_path / "out1")
    assert (tmp_path / "out0" / NAME).read_bytes() == (tmp_path / "out1" / NAME).read_bytes()
    return said[0][0], contents(tmp_path / "out0")


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "in"
    for seed, name in enumerate(("a.png", "b.jpg", "sub/c.tif", "sub/d.png", "e.jpg")):
        io.write(folder / name, Photo(noise(40, 48, 1, seed=seed)))
    (folder / "b.jpg").write_bytes((folder / "b.jpg").read_bytes()[:200])
    io.write(folder / "a.mask.png", Photo(noise(40, 48, 1, seed=9) // 129 * 255))
    return folder


def test_restoring(tmp_path, monkeypatch, photographs, photo_weights):
    code, files = same_as_here(
        tmp_path, monkeypatch, "restore", photographs, "-m", photo_weights, "-n", 2, "--compare", "-v"
    )
    assert code == 1  # for the one that is truncated
    assert len(files) == 4 * 4


@pytest.mark.slow
def test_restoring_with_the_automatic_models(tmp_path, monkeypatch, photographs):
    assert same_as_here(tmp_path, monkeypatch, "restore", photographs, "--tones", 1)[0] == 1


@pytest.mark.slow
def test_coloring(tmp_path, monkeypatch, photographs):
    code, files = same_as_here(tmp_path, monkeypatch, "colorize", photographs, "--force", "-n", 2)
    assert (code, len(files)) == (1, 4 * 2)


@pytest.mark.slow
def test_degrading(tmp_path, monkeypatch, photographs):
    (tmp_path / "in" / "e.jpg").unlink()
    code, files = same_as_here(tmp_path, monkeypatch, "degrade", photographs, "--degradation", "old-photo", "-v")
    assert code == 1
    assert "a.damage.json" in files
    (tmp_path / "out0").rename(tmp_path / "damage")
    for earlier in ("out1", "0.jsonl", "1.jsonl"):
        (tmp_path / earlier).rename(tmp_path / f"{earlier}.earlier") if (tmp_path / earlier).exists() else None
    code, replayed = same_as_here(tmp_path, monkeypatch, "degrade", photographs, "--replay", tmp_path / "damage")
    assert code == 1
    assert replayed == files


@pytest.mark.parametrize("wrong", ["two", "-1", "1.5"])
def test_what_is_no_number_is_refused(tmp_path, photographs, photo_weights, wrong):
    done = run("restore", photographs, tmp_path / "out", "-m", photo_weights, f"--workers={wrong}")
    assert done.exit_code == 2
    assert f"--workers {wrong} is neither auto nor a number of processes" in done.stderr


def processes_of(group):
    """The processes of whom this one is an ancestor, by /proc."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(path.parent.name)] = (int(fields[1]), fields[0])
    below = {group}
    while more := {number for number, (parent, _) in found.items() if parent in below} - below:
        below |= more
    return below - {group}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_finishes_what_is_in_flight_and_leaves_no_process(tmp_path, photo_weights, number):
    for seed in range(300):
        io.write(tmp_path / "in" / f"{seed:03}.png", Photo(noise(64, 64, 1, seed=seed)))
    command = [
        sys.executable,
        "-m",
        "agerestore_cli",
        "restore",
        "in",
        "out",
        "-m",
        str(photo_weights),
        "--workers",
        "2",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as batch:
        while len(list((tmp_path / "out").glob("*.png"))) < 5:
            assert batch.poll() is None, batch.stderr.read()
            time.sleep(0.05)
        started = processes_of(batch.pid)
        assert len(started) == 2
        os.killpg(batch.pid, number)
        said = batch.communicate()[1]
    assert batch.returncode == 130, said
    assert "finishing the files in flight" in said
    assert "interrupted; what is finished is kept" in said
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{each}").exists() for each in started)
    left = contents(tmp_path / "out")
    lines = (tmp_path / "out" / NAME).read_text().splitlines()
    assert sorted(json.loads(line)["output"] for line in lines) == sorted(left)
    assert 5 <= len(left) < 300
