"""What all verbs do that work on files: folders, formats, resuming, reports, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command import NOISE, run, tree

import agerestore
from agerestore.analysis.jpeg import quality_of_tables
from agerestore.images import io
from agerestore.images.photo import Photo


def test_another_format_and_quality(folder, weights, tmp_path):
    for verb in (("restore", "-m", weights), ("degrade", "--degradation", "noise:sigma=5")):
        out = tmp_path / verb[0]
        arguments = (verb[0], folder, out, *verb[1:], "--ext", ".jpg")
        assert run(*arguments, "--quality", 30).exit_code == 0
        assert [name for name in tree(out) if name.endswith(".jpg")] == ["a.jpg", "sub/b.jpg", "sub/c.jpg"]
        tables = {io.read(path).metadata.jpeg_tables for path in out.rglob("*.jpg")}
        assert [quality_of_tables(table) for table in tables] == [30]
        again = run(*arguments, "--quality", 80)
        assert (again.exit_code, again.stderr.count("with other settings")) == (1, 3)
    refused = run("restore", folder, tmp_path / "new", "-m", weights, "--ext", ".gif")
    assert refused.exit_code == 2
    assert "--ext .gif: '.gif' is no image format" in refused.stderr
    assert not (tmp_path / "new").exists()


def test_a_second_run_skips_what_is_there_and_says_so(folder, tmp_path):
    arguments = ("degrade", folder, tmp_path / "out", *NOISE)
    assert run(*arguments).exit_code == 0
    (tmp_path / "out" / "a.png").unlink()
    again = run(*arguments, "--json", "-v")
    assert again.exit_code == 0, again.output
    rows = [json.loads(line) for line in again.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["done", "skipped", "skipped"]
    assert len({row["settings"] for row in rows}) == 1
    assert "1 of 3 files written, 2 skipped (done before)" in again.stderr
    other = run(*arguments, "--seed", 1)
    assert other.exit_code == 1
    assert "with other settings; pass --overwrite" in other.stderr


def test_a_dry_run_of_a_folder_lists_what_would_be_done(folder, tmp_path):
    out = tmp_path / "out"
    result = run("degrade", folder, out, *NOISE, "--dry-run", "--report", tmp_path / "r.jsonl")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{folder / 'a.png'} -> {out / 'a.png'}"
    assert (out.exists(), (tmp_path / "r.jsonl").exists()) == (False, False)
    run("degrade", folder, out, *NOISE)
    listed = run("degrade", folder, out, *NOISE, "--dry-run").stdout
    assert listed.count("(skipped: done before)") == 3


def test_the_report_has_a_line_for_each_picture(folder, tmp_path):
    (folder / "bad.png").write_bytes(b"no picture")
    report = tmp_path / "report.jsonl"
    assert run("degrade", folder, tmp_path / "out", *NOISE, "--report", report).exit_code == 1
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [row["status"] for row in rows] == ["done", "failed", "done", "done"]
    assert all({"input", "output", "seconds", "settings", "status", "error"} <= set(row) for row in rows)
    assert rows[1]["error"].startswith(str(folder / "bad.png"))


def test_fail_fast_stops_at_the_first_failure(folder, tmp_path):
    (folder / "a.png").write_bytes(b"no picture")
    result = run("degrade", folder, tmp_path / "out", *NOISE, "--fail-fast")
    assert result.exit_code == 1
    assert "0 of 3 files written, 1 failed, 2 not begun" in result.stderr


def test_in_place_and_beside_the_original(folder, tmp_path):
    original = (folder / "a.png").read_bytes()
    assert run("degrade", folder, folder, *NOISE, "--suffix", ".bad").exit_code == 0
    assert (folder / "sub" / "c.bad.tif").exists()
    for path in folder.rglob("*.bad*"):
        path.unlink()
    assert run("degrade", folder, folder, *NOISE, "--in-place", "--backup", "--overwrite").exit_code == 0
    assert (folder / "a.png.orig").read_bytes() == original != (folder / "a.png").read_bytes()
    again = run("degrade", folder, folder, *NOISE, "--in-place", "--backup")
    assert "3 skipped" in again.stderr, again.output


def test_in_place_through_a_link_and_beside_a_link_to_itself(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to("self")
    original = (folder / "a.png").read_bytes()
    result = run("degrade", folder, tmp_path / "link", *NOISE, "--in-place", "--backup", "--overwrite")
    assert "3 of 3 files written" in result.stderr, result.output
    assert (folder / "a.png.orig").read_bytes() == original != (folder / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("in", "in", "--in-place"), "only go together"),
        (("in", "out", "--backup"), "only go together"),
        (("in", "out", "--in-place", "--backup"), "--in-place needs the input"),
        (("in", "out", "--suffix", ".mask"), "choose one such as .restored"),
        (("in", "-"), "only a single image can go to standard output"),
        (("-", "out"), "has no ending of an image"),
        (("in/a.png", "-", "--json"), "not both"),
        (("in", "out", "--report", "in/a.png"), "must end in .jsonl"),
        (("in", "out", "--report", "out/.agerestore.jsonl"), "must end in .jsonl"),
        (("in", "out", "--report", "nowhere/r.jsonl"), "No such file or directory"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(arguments, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {path: (folder / path).read_bytes() for path in tree(folder)}
    result = run("degrade", *arguments, *NOISE)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert {path: (folder / path).read_bytes() for path in tree(folder)} == before


def test_an_interrupted_batch_finishes_what_is_in_flight_and_is_resumed(tmp_path):
    names = [f"{number:03}.png" for number in range(150)]
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8)
        io.write(tmp_path / "in" / name, Photo(pixels))
    command = ["degrade", str(tmp_path / "in"), str(tmp_path / "out"), *NOISE, "--threads", "1"]
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {command!r}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("out/*.png")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "finishing the files in flight" in stderr
    assert "not begun" in stderr
    written = list((tmp_path / "out").glob("*.png"))
    assert 0 < len(written) < 150
    assert not list(tmp_path.glob("out/.*.tmp"))
    again = run(*command)
    assert again.exit_code == 0
    assert f"{150 - len(written)} of 150 files written, {len(written)} skipped" in again.stderr


def test_what_is_left_out_is_named_by_every_verb_and_not_if_it_is_to_be_quiet(folder, weights, tmp_path):
    for name in ("b.gif", "sub/c.NEF", "sub/d.gif", "notes.txt", "sub/x.mask.png", "@eaDir/a.png/THUMB.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    lines = [
        f"{folder}: left out: 2 .gif, 1 .nef, 1 .txt (b.gif, notes.txt, sub/c.NEF, sub/d.gif); save images",
        f"{folder}: left out: sub/x.mask.png, which are called like masks",
    ]
    measured = ("-m", weights, "--degradation", "noise:sigma=9", "--limit", 1)
    for verb in (("degrade", folder, tmp_path / "out", *NOISE), ("inspect", folder), ("evaluate", folder, *measured)):
        said, quiet = run(*verb).stderr, run(*verb, "-q").stderr
        assert [line in said for line in lines] == [True, True], verb
        assert "left out" not in quiet
        assert "THUMB" not in said
    summary = agerestore.restore_files(folder, tmp_path / "new", model=weights, dry_run=True)
    assert [line.startswith(start) for line, start in zip(summary.left_out, lines, strict=True)] == [True, True]


def test_results_beside_their_sources_are_no_sources_of_another_suffix(folder):
    assert "3 of 3" in run("degrade", folder, folder, *NOISE, "--suffix", ".bad").stderr
    assert "3 of 3" in run("degrade", folder, folder, *NOISE, "--suffix", ".worse").stderr
    assert not [path for path in folder.rglob("*.bad.worse.*") if path.suffix != ".json"]


def test_a_single_picture_restored_in_place_is_begun_again_from_its_backup(folder):
    arguments = ("degrade", folder / "sub" / "b.png", folder / "sub" / "b.png", *NOISE, "--in-place", "--backup")
    original = (folder / "sub" / "b.png").read_bytes()
    assert run(*arguments).exit_code == 0
    first = (folder / "sub" / "b.png").read_bytes()
    again = run(*arguments)
    assert (again.exit_code, "has been restored before" in again.stderr) == (1, True)
    assert run(*arguments, "--overwrite").exit_code == 0
    assert (folder / "sub" / "b.png").read_bytes() == first
    assert (folder / "sub" / "b.png.orig").read_bytes() == original


def test_verbose_prints_a_sentence_for_each_file(folder, tmp_path):
    arguments = ("degrade", folder, tmp_path / "out", *NOISE, "-v")
    lines = run(*arguments).stderr.splitlines()
    assert lines[0].startswith(f"{folder / 'a.png'}: written to {tmp_path / 'out' / 'a.png'} in ")
    assert "=" not in "".join(lines)
    assert f"skipped, {tmp_path / 'out' / 'a.png'} is done already" in run(*arguments).stderr


def test_of_a_single_file_that_fails_its_error_says_all(folder, tmp_path):
    (folder / "a.png").write_bytes(b"no picture")
    result = run("degrade", folder / "a.png", tmp_path / "out.png", *NOISE, "--json")
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 1)
    assert json.loads(result.stdout)["code"] == "UnreadableError"


def test_several_inputs_go_to_one_folder(folder, tmp_path):
    extra = tmp_path / "b.png"
    extra.write_bytes((folder / "a.png").read_bytes())
    arguments = ("degrade", folder / "sub", extra, tmp_path / "out", *NOISE)
    assert run(*arguments).exit_code == 0
    images = [name for name in tree(tmp_path / "out") if not name.endswith(".json")]
    assert images == ["b.png", "sub/b.png", "sub/c.tif"]
    assert "3 skipped" in run(*arguments).stderr
