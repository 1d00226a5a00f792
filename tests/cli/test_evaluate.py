"""``agerestore evaluate``: rows for methods, suites, limits."""

import json

import numpy as np
import pytest
from command import EXAMPLES, run
from pictures import noise

from agerestore.images import io
from agerestore.images.photo import Photo


def test_evaluation_prints_a_row_for_each_method(weights, folder):
    result = run("evaluate", "-m", weights, EXAMPLES / "clean", "--degradation", "noise:sigma=50:clip=1",
                 "--degradation", "hole:size=10", "--baselines", "median,telea", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["degradation"].split(":")[0], row["method"]) for row in rows] == [
        ("noise", "input"), ("noise", "agerestore"), ("noise", "median"),
        ("hole", "input"), ("hole", "agerestore"), ("hole", "telea"),
    ]  # fmt: skip
    assert all(row["hole_psnr"] is not None for row in rows[3:])


def test_the_suite_of_the_paper_prints_a_line_for_each_measure(weights):
    result = run("evaluate", "--suite", "paper", "-m", weights, EXAMPLES / "clean", "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["what"] for row in rows] == [
        "reconstruction", "noise:sigma=128:clip=1", "saltpepper:amount=0.3", "hole:size=14", "missing:fraction=0.5",
        "moments of e(g(Z))", "samples", "other images",
    ]  # fmt: skip
    assert rows[-2]["frechet_of_our_transformation_classifier"] > 0


def test_an_unknown_suite_is_named(weights):
    result = run("evaluate", "--suite", "magic", "-m", weights, EXAMPLES / "clean")
    assert result.exit_code == 2
    assert "no suite 'magic'; there is one: --suite paper" in result.stderr


def test_an_unknown_baseline_is_named(weights):
    result = run("evaluate", "-m", weights, EXAMPLES / "clean", "--degradation", "noise", "--baselines", "magic")
    assert result.exit_code == 2
    assert "no baseline 'magic'; choose from" in result.stderr


def test_a_part_of_a_folder_holds_pictures_of_all_its_classes(weights, tmp_path):
    """Of a plain black and a plain gray class, each of one kind of picture: parts measure what the whole does."""
    for name, level in (("a", 0), ("b", 128)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            io.write(tmp_path / "set" / name / f"{number}.png", Photo(np.full((32, 32, 1), level, np.uint8)))
    options = ("evaluate", "-m", weights, tmp_path / "set", "--degradation", "blur:sigma=1", "--json")
    shown = []
    for limit in (2, 4, 8):
        lines = run(*options, "--limit", limit).stdout.splitlines()
        shown += [row["psnr"] for row in map(json.loads, lines) if row["method"] == "agerestore"]
    assert shown == pytest.approx([shown[-1]] * 3, abs=1e-3)


def test_photographs_are_evaluated_one_by_one(photo_weights, tmp_path):
    for name, size in (("a", (40, 50)), ("b", (64, 33))):
        level = np.random.default_rng(1).integers(100, 150, (*size, 3), dtype=np.uint8)  # far from clipping
        io.write(tmp_path / "set" / f"{name}.png", Photo(level))
    result = run("evaluate", "-m", photo_weights, tmp_path / "set", "--degradation", "noise:sigma=25",
                 "--baselines", "median,gaussian-blur", "--json")  # fmt: skip
    rows = {row["method"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["input"]["psnr"] == pytest.approx(20.2, abs=0.4)
    assert rows["agerestore"]["psnr"] == pytest.approx(rows["input"]["psnr"], abs=0.01)
    assert "gaussian-blur (best setting for each)" in rows
    refused = run("evaluate", "-m", photo_weights, tmp_path / "set", "--degradation", "noise", "--baselines", "pca")
    assert (refused.exit_code, "images of one size" in refused.stderr) == (2, True)


def test_evaluation_says_on_what_it_measured(weights, folder):
    (folder / "0.png").write_bytes(b"")
    (folder / "a.mask.png").unlink()
    result = run("evaluate", "-m", weights, folder, "--degradation", "noise:sigma=9", "--limit", 2)
    assert f"{folder / '0.png'}: " in result.stderr
    assert "measured on 2 of 4" in result.stderr


def test_an_unknown_degradation_is_refused_before_anything_is_measured_or_printed(weights):
    result = run("evaluate", "-m", weights, EXAMPLES / "clean", "--degradation", "noise", "--degradation", "nosuch")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nosuch" in result.stderr
    assert "measured" not in result.stderr


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_figures_are_the_same_to_the_last_digit_with_workers(photo_weights, tmp_path, count):
    for number, size in enumerate(((40, 50), (64, 33), (48, 48))):
        io.write(tmp_path / "set" / f"{number}.png", Photo(noise(*size, 3, seed=number)))
    command = ("evaluate", "-m", photo_weights, tmp_path / "set", "--degradation", "noise:sigma=5..50",
               "--degradation", "holes:count=1..3:size=8", "--baselines", "median,telea", "--threads", 1)  # fmt: skip
    here, there = (run(*command, "--json", "--workers", workers) for workers in (0, count))
    assert (here.exit_code, there.exit_code) == (0, 0), there.output
    assert here.stdout == there.stdout
    assert here.stderr == there.stderr
    assert [json.loads(line)["method"].split()[0] for line in here.stdout.splitlines()] == [
        "input", "agerestore", "median", "input", "agerestore", "telea"]  # fmt: skip


def test_workers_are_refused_where_they_cannot_divide_the_work(weights, folder):
    command = ("evaluate", "-m", weights, folder, "--degradation", "noise:sigma=9")
    for options, words in (
        (("--workers", 2), "--workers divide photographs of any size; leave it out"),
        (("--workers", 2, "--threads", 2), "--workers compute with one thread each; leave out --threads"),
        (("--workers", "two"), "--workers two is neither auto nor a number of processes"),
    ):
        refused = run(*command, *options)
        assert refused.exit_code == 2
        assert words in refused.stderr
        assert refused.stdout == ""
