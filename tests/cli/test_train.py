"""``agerestore train``: a chain to `restore`, dry runs, resuming."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import EXAMPLES, TINY, run, tree

from agerestore.models import weights as checkpoint
from agerestore.training.resume import load_state


def test_train_then_restore_is_one_chain(folder, tmp_path):
    clean = EXAMPLES / "clean"
    trained = run("train", clean, "--out", tmp_path / "run", "--preset", "age-mnist", *TINY, "--data-license", "ours")
    assert trained.exit_code == 0, trained.output
    weights = Path(trained.stdout.strip())
    assert weights == tmp_path / "run" / "final.safetensors"
    info = json.loads(run("models", "info", weights, "--json").stdout)
    assert (info["data_license"], info["training"]["steps"], info["data"]) == ("ours", 3, "clean")
    restored = run("restore", folder, tmp_path / "out", "-m", weights)
    assert restored.exit_code == 0, restored.output
    assert len(tree(tmp_path / "out")) == 3


def test_augmented_training_of_a_folder(tmp_path):
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--preset", "age-mnist", *TINY, "--augment")
    assert result.exit_code == 0, result.output


def test_a_dry_run_prints_the_configuration_and_an_estimate_and_leaves_nothing(tmp_path):
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--dry-run", "--json", *TINY)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["config"]["network"]["width"] == 2
    assert printed["iterations"] == {"adversarial": 3, "finetune": 2, "robust": 2}
    assert printed["flop_per_iteration"]["adversarial"] > 0
    assert printed["hours"] > 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--out", "file"), 2, "file: is a file"),
        (("--out", "in"), 2, "in: not empty"),
        (("--out", "run", "--set", "batch_size=64"), 2, "fewer than one batch"),
        (("--out", "run", "--init", "nowhere"), 4, "no model 'nowhere'"),
        (("--out", "run", "--init", "mnist"), 2, "other networks"),
    ],
)
def test_a_dry_run_is_refused_as_the_run_would_be(arguments, code, words, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("precious")
    for dry in ((), ("--dry-run",)):
        result = run("train", EXAMPLES / "clean", "--preset", "age-mnist", *TINY, *arguments, *dry)
        assert (result.exit_code, words in result.stderr) == (code, True), result.output
    assert (Path("file").read_text(), Path("run").exists()) == ("precious", False)


def test_interrupted_training_leaves_a_state_that_resumes(tmp_path):
    settings = [*TINY, "--set", "steps=120", "--set", "log_every=1", "--threads", "1"]
    command = ["train", str(EXAMPLES / "clean"), "--out", str(tmp_path / "run"), "--preset", "age-mnist", *settings,
               "--data-license", "ours"]  # fmt: skip
    code = f"import sys; from agerestore_cli.app import main; sys.argv[1:] = {command!r}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    log = tmp_path / "run" / "log.jsonl"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr
    assert load_state(tmp_path / "run")[1]["step"] >= 1
    other = run(*command, "--resume", "--set", "lr=1")
    assert other.exit_code == 2
    assert "begun with other settings" in other.stderr
    resumed = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert checkpoint.read_header(tmp_path / "run" / "final.safetensors")["data_license"] == "ours"
    run(
        "train", EXAMPLES / "clean", "--out", tmp_path / "run", "--resume", "--data-license", "yours"
    )  # which is done already
    assert checkpoint.read_header(tmp_path / "run" / "final.safetensors")["data_license"] == "yours"
    assert run("train", EXAMPLES / "clean", "--out", tmp_path / "nothing", "--resume").exit_code == 2


def test_results_are_json_lines_to_the_last(tmp_path):
    settings = [*TINY, "--set", "steps=2", "--set", "log_every=1"]
    result = run("train", EXAMPLES / "clean", "--out", tmp_path / "run", "--preset", "age-mnist", *settings, "--json")
    assert json.loads(result.stdout.splitlines()[-1]) == {"weights": str(tmp_path / "run" / "final.safetensors")}
    drawn = run("sample", tmp_path / "x.png", "-n", 2, "--json")
    assert json.loads(drawn.stdout) == {"output": str(tmp_path / "x.png")}
