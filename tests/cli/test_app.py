"""The command as a whole: exit codes, one line for each error, options that are refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import EXAMPLES, NOISE, run, tree


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("restore", "nowhere", "out"), 3, "nowhere: no such file or folder"),
        (("restore", "empty", "out"), 3, "empty: holds no image"),
        (("restore", "in", "in"), 2, "is the source folder itself"),
        (("restore", "in", "out", "-m", "unknown"), 4, "no model 'unknown'; shipped are"),
        (("restore", "in", "out", "-m", "text.safetensors"), 4, "text.safetensors: not weights of agerestore"),
        (("restore", "in", "out", "-m", "."), 4, ".: a folder without final.safetensors"),
        (("restore", "in", "out", "--device", "abacus"), 2, "device 'abacus' is unknown"),
        (("restore", "in", "out", "--device", "cuda:99"), 2, "device cuda:99"),
        (("restore", "in", "out", "--precision", "fp7"), 2, "precision 'fp7' is unknown"),
        (("restore", "in", "out", "--mask", "nothing.png"), 2, "nothing.png: no such mask"),
        (("degrade", "in", "out"), 2, "--degradation"),
        (("degrade", "in", "out", "--degradation", "rain"), 2, "unknown degradation 'rain'"),
        (("train", "empty", "--out", "run"), 3, "empty: holds no image"),
        (("train", "in", "--out", "run", "--preset", "x"), 2, "no preset 'x'"),
        (("train", "in", "--out", "run", "--set", "lr=fast"), 2, "--set lr"),
        (("evaluate", "empty", "--degradation", "noise"), 3, "empty: holds no image"),
        (("restore", "in/a.png", "-", "--samples", "2", "--compare"), 2, "--samples and --compare"),
        (("colorize", "in/a.png", "-", "-n", "2"), 2, "without -n"),
        (("models", "info", "unknown"), 4, "no model 'unknown'"),
        (("restore",), 2, "IN"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_one_line_and_a_documented_exit_code(
    arguments, code, words, folder, weights, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("text.safetensors").write_text("<html>")
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not Path("out").exists() or tree(Path("out")) == []


def test_version():
    result = run("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "agerestore")


@pytest.mark.parametrize(
    "arguments",
    [("models", "list"), ("degrade", "a.png", "-", *NOISE)],
    ids=lambda arguments: arguments[0],
)
def test_a_reader_that_has_read_enough_ends_a_verb_in_silence(arguments, folder):
    """As in `agerestore models list | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {list(arguments)!r}; main()"
    try:
        result = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, cwd=folder)
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sample", "x.png", "--seed", 2**32), "--seed"),
        (("export", "x.jpg", "-m", "mnist"), "ends in .onnx"),
        (("models", "calibrate", "photo", "x.safetensors", "--data", "in", "--negatives", "in"), "without --negatives"),
    ],
)  # fmt: skip
def test_options_out_of_place_are_refused(arguments, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.output


def test_options_that_a_named_model_does_not_support_are_refused(weights, photo_weights, folder, tmp_path):
    restore = ("restore", folder / "a.png", tmp_path / "out.png", "-m")
    evaluate = ("evaluate", EXAMPLES / "clean", "--degradation", "noise", "-m")
    cases = [
        ((*restore, weights, "--samples", 2, "--sigma", 9, "--tile", 64), "support --sigma and --tile and -n"),
        (
            (*restore, photo_weights, "--latent-steps", 5),
            "does not support --latent-steps; leave that out",
        ),
        ((*evaluate, photo_weights, "--compare-with", weights), "does not support --compare-with"),
        ((*evaluate, photo_weights, "--training", folder), "does not support --training"),
        ((*evaluate, weights, "--ensemble", 8), "does not support --ensemble"),
        ((*evaluate, weights, "--suite", "paper"), "--suite paper does not support --degradation"),
        (("evaluate", folder, "-m", "cars-color", "--precision", "bf16"), "does not support --precision"),
    ]
    for arguments, words in cases:
        result = run(*arguments)
        assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert not (tmp_path / "out.png").exists()
