"""What all experiments share: their data, their runs, what they write; each trains for a moment in the slow tests."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from bars import bars
from command import run
from typer.testing import CliRunner

from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.images.io import read, write
from agerestore.images.photo import Photo
from agerestore.research.experiments import (
    EXPERIMENTS,
    Context,
    DataRequirements,
    ExperimentResult,
    requirements_of,
    run_experiment,
)
from agerestore.research.experiments.ablations import ABLATIONS, IMPROVEMENTS
from agerestore.training.resume import load_state
from agerestore.training.session import Session

TINY = ("steps=2", "robust.steps=1", "batch_size=8", "robust.batch_size=8", "network.width=4", "finetune.steps=0")


@pytest.fixture
def context(tmp_path):
    images = bars()
    return Context(images, images.take(torch.arange(50)), tmp_path / "runs", settings=TINY)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_trains_and_leaves_a_picture_and_finite_figures(name, tmp_path, monkeypatch):
    needed = requirements_of(name)
    images = bars(needed.size, needed.channels, 1200 if name in ("aae-semi", "aae-reduction-labels") else 200)
    if not needed.labels:
        images = ImageSet(images.images[:40])
    few = {row: ABLATIONS[row] for row in ("as it ships", "batches of 8", "DCGAN")}
    monkeypatch.setattr("agerestore.research.experiments.ablations.ABLATIONS", few)
    few = {row: IMPROVEMENTS[row] for row in ("as published", "spectral norms in the encoder")}
    monkeypatch.setattr("agerestore.research.experiments.ablations.IMPROVEMENTS", few)
    test = images.take(torch.arange(min(50, len(images))))
    result = run_experiment(name, Context(images, test, tmp_path / "runs", settings=TINY), tmp_path)
    assert min(read(tmp_path / f"{name}.png").pixels.shape[:2]) > 32
    assert all(torch.isfinite(torch.tensor(list(row.values()))).all() for row in result.figures.values())


def test_the_contact_sheet_and_the_figures_are_written_as_the_experiment_gives_them(context, tmp_path, monkeypatch):
    row = torch.zeros(3, 1, 32, 32)
    row[1] = 1
    given = ExperimentResult([row], {"a": {"error": 0.25}}, note="of bars")
    monkeypatch.setitem(EXPERIMENTS, "aae-style", lambda context: given)
    run_experiment("aae-style", context, tmp_path / "out")
    assert json.loads((tmp_path / "out/aae-style.json").read_text()) == {
        "experiment": "aae-style", "full": False, "seed": 0, "settings": list(TINY),
        "figures": {"a": {"error": 0.25}}, "note": "of bars",
    }  # fmt: skip
    pixels = read(tmp_path / "out/aae-style.png").pixels
    assert pixels.shape[1] >= 3 * 32 > pixels.shape[0]
    assert {0, 255} <= set(pixels.flatten().tolist())


def test_what_was_trained_is_not_trained_again_and_other_settings_are_not_mixed_in(context, monkeypatch):
    first = context.model("aae-mnist-supervised")
    monkeypatch.setattr("agerestore.research.experiments.context.Session", None)
    again = context.model("aae-mnist-supervised")
    assert torch.equal(*(next(model.networks.parameters()) for model in (first, again)))
    other = Context(context.training, context.test, context.runs, settings=(*TINY, "lr=1"))
    with pytest.raises(UsageError, match="trained with other settings"):
        other.model("aae-mnist-supervised")


@pytest.mark.parametrize("name", ["aae-style", "aae-semi"])  # the second makes runs that differ in their seed
def test_the_command_trains_with_the_seed_in_the_precision_and_on_the_device_it_is_given(name, tmp_path, monkeypatch):
    runs = []

    def train(config, images, run, device, init, resume):
        runs.append((config.seed, config.precision, device.type))
        raise UsageError("enough")

    monkeypatch.setattr("agerestore.research.experiments.context.Session", train)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    digits(tmp_path / "set")
    command = ["experiment", name, str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*command, "--seed", "5", "--precision", "bf16", "--device", "mps"])
    assert "enough" in result.stderr
    assert runs == [(5, "bf16", "mps")]


def test_an_experiment_that_is_stopped_saves_its_run_and_goes_on_with_it(context, tmp_path):
    whole = context.model("aae-mnist-supervised")
    stopped = replace(context, runs=tmp_path / "stopped", stop=lambda: True)
    with pytest.raises(KeyboardInterrupt):
        stopped.model("aae-mnist-supervised")
    (folder,) = (tmp_path / "stopped").iterdir()
    assert load_state(folder)[1]["step"] >= 1
    assert not (folder / "final.safetensors").exists()
    resumed = replace(context, runs=tmp_path / "stopped").model("aae-mnist-supervised")
    for first, second in zip(whole.networks.parameters(), resumed.networks.parameters(), strict=True):
        assert torch.equal(first, second)


def test_the_command_ends_an_experiment_at_sigterm(tmp_path, monkeypatch):
    def train(self, progress, stop, provenance):
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "run", train)
    digits(tmp_path / "set")
    command = ["experiment", "aae-style", str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    result = run(*command, *(each for setting in TINY for each in ("--set", setting)))
    assert result.exit_code == 130
    assert "ending the iteration and saving the state" in result.stderr


def test_unknown_experiments_and_sets_without_labels_are_named(context, tmp_path):
    with pytest.raises(UsageError, match="no experiment 'x'; choose one of aae-priors"):
        run_experiment("x", context, tmp_path)
    blind = Context(ImageSet(context.training.images), context.test, tmp_path)
    with pytest.raises(UsageError, match="systems needs labels: give a set"):
        run_experiment("systems", blind, tmp_path)
    with pytest.raises(UsageError, match="systems-celeba needs images of 64x64 with 3 channels"):
        run_experiment("systems-celeba", context, tmp_path)


def digits(folder):
    """Twenty flat images as files, in three folders."""
    for number in range(20):
        (folder / str(number % 3)).mkdir(parents=True, exist_ok=True)
        write(folder / str(number % 3) / f"{number}.png", Photo(np.full((32, 32, 3), 10 * number, np.uint8)))


def test_of_a_folder_a_part_is_held_out_and_folders_of_digits_are_labels(tmp_path):
    digits(tmp_path / "set")
    training, test = DataRequirements(32, 3).load(tmp_path / "set", 3)
    assert len(training) == 16
    assert len(test) == 3
    for part in (training, test):
        assert torch.equal(part.labels, part.images[:, 0, 0, 0].long() // 10 % 3)
