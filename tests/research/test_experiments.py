"""Every experiment runs at a small scale and leaves one picture and one file of figures; a second time for little."""

import json

import numpy as np
import pytest
import torch
from agerestore_cli.app import app
from typer.testing import CliRunner

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.images.io import read, write
from agerestore.images.photo import Photo
from agerestore.models import weights
from agerestore.models.registry import build
from agerestore.research.experiments import EXPERIMENTS, Context, requirements_of, run_experiment
from agerestore.research.experiments.aae import PLOT, scatter
from agerestore.research.experiments.ablations import ABLATIONS, IMPROVEMENTS, NETWORKS
from agerestore.research.experiments.context import DataRequirements
from agerestore.research.experiments.features import Described, activations, standardized

TINY = ("steps=2", "robust.steps=1", "batch_size=8", "robust.batch_size=8", "network.width=4", "finetune.steps=0")


def bars(size=32, channels=1, count=200):
    """Bright rows at a place that is their label."""
    labels = torch.arange(count) % 10
    images = torch.zeros(count, channels, size, size, dtype=torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 4, 4:28] = 255
    return ImageSet(images, labels)


@pytest.fixture
def context(tmp_path):
    pictures = bars()
    return Context(pictures, pictures.take(torch.arange(50)), tmp_path / "runs", settings=TINY)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_leaves_a_picture_and_figures(name, tmp_path, monkeypatch):
    wanted = requirements_of(name)
    pictures = bars(wanted.size, wanted.channels, 1200 if name in ("aae-semi", "aae-reduction-labels") else 200)
    if not wanted.labels:
        pictures = ImageSet(pictures.images[:40])
    few = {row: ABLATIONS[row] for row in ("as it ships", "batches of 8", "DCGAN")}
    monkeypatch.setattr("agerestore.research.experiments.ablations.ABLATIONS", few)
    few = {row: IMPROVEMENTS[row] for row in ("as published", "spectral norms in the encoder")}
    monkeypatch.setattr("agerestore.research.experiments.ablations.IMPROVEMENTS", few)
    test = pictures.take(torch.arange(min(50, len(pictures))))
    outcome = run_experiment(name, Context(pictures, test, tmp_path / "runs", settings=TINY), tmp_path)
    said = json.loads((tmp_path / f"{name}.json").read_text())
    assert said["figures"] == outcome.figures
    assert not said["full"]
    assert min(read(tmp_path / f"{name}.png").pixels.shape[:2]) > 32
    assert all(torch.isfinite(torch.tensor(list(row.values()))).all() for row in outcome.figures.values())


def test_what_was_trained_is_not_trained_again_and_other_settings_are_not_mixed_in(context, tmp_path, monkeypatch):
    run_experiment("aae-style", context, tmp_path)
    monkeypatch.setattr("agerestore.research.experiments.context.train", None)
    run_experiment("aae-style", context, tmp_path)
    other = Context(context.training, context.test, context.runs, settings=(*TINY, "lr=1"))
    with pytest.raises(UsageError, match="trained with other settings"):
        run_experiment("aae-style", other, tmp_path)


@pytest.mark.parametrize("name", ["aae-style", "aae-semi"])  # the second makes runs that differ in their seed
def test_the_command_trains_with_the_seed_in_the_precision_and_on_the_device_it_is_told(name, tmp_path, monkeypatch):
    told = []

    def train(config, images, run, *, device, resume):
        told.append((config.seed, config.precision, device.type))
        raise UsageError("enough")

    monkeypatch.setattr("agerestore.research.experiments.context.train", train)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    digits(tmp_path / "set")
    command = ["experiment", name, "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*command, "--seed", "5", "--precision", "bf16", "--device", "mps"])
    assert "enough" in result.stderr
    assert told == [(5, "bf16", "mps")]


def test_points_are_plotted_where_they_are():
    plot = scatter(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([0, 5]))
    assert plot.shape == (1, 3, PLOT, PLOT)
    places = (plot[0].amin(dim=0) < 1).nonzero().tolist()
    assert places == [[0, PLOT - 1], [PLOT // 2 - 1, PLOT // 2]]


def test_unknown_experiments_and_sets_without_labels_are_named(context, tmp_path):
    with pytest.raises(UsageError, match="no experiment 'x'; choose one of aae-priors"):
        run_experiment("x", context, tmp_path)
    blind = Context(ImageSet(context.training.images), context.test, tmp_path)
    with pytest.raises(UsageError, match="systems needs labels: give a set"):
        run_experiment("systems", blind, tmp_path)
    with pytest.raises(UsageError, match="systems-celeba is made on pictures of 64x64 with 3 channels"):
        run_experiment("systems-celeba", context, tmp_path)


def test_every_ablation_differs_from_what_ships_and_sees_as_many_pictures():
    runs = {
        name: train_config(row.preset, (f"batch_size={row.batch}", *NETWORKS, *row.settings))
        for name, row in ABLATIONS.items()
    }
    shipped = runs.pop("as it ships")
    assert shipped.updates == train_config("age-mnist").updates
    assert all(other != shipped for other in runs.values())
    assert len({other.model_dump_json() for other in runs.values()}) == len(runs)
    assert runs["no reconstruction terms"].updates["encoder"].weights["match_x"] == 0
    assert runs["right KL, doubled"].updates["generator"].weights["kl_fake"] == 20


def test_every_improvement_changes_the_published_plan_in_one_thing():
    plans = {name: train_config(row.preset).model_dump() for name, row in IMPROVEMENTS.items()}
    published, ours = plans.pop("as published"), plans.pop("our balance, flips")
    del plans["the same, spectral norms"]  # which sets it beside its preset
    assert published["updates"] != ours["updates"]
    assert [{key for key in plan if plan[key] != published[key]} - {"preset"} for plan in plans.values()] == [
        {"ema"}, {"margin"}, {"network"}, {"batch_size"}, {"flip"},
    ]  # fmt: skip


@pytest.mark.parametrize(("architecture", "size", "expected"), [
    ("dcgan", 32, 8 * 256 + 16 * 64 + 32 * 16), ("dcgan", 64, 16 * 256 + 32 * 64 + 64 * 16),
    ("resnet", 32, 32 * 64 + 64 * 16 + 64 * 16),
])  # fmt: skip
def test_features_are_the_last_three_blocks_and_the_code(architecture, size, expected):
    model = build(AutoencoderConfig(architecture=architecture, image_size=size, latent_dim=5, width=8)).eval()
    images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = activations(model.encoder, images)
    assert found.shape == (3, expected + 5)
    assert torch.equal(found[:, -5:], model.encoder(images))


def test_features_are_scaled_by_what_training_pictures_say():
    labels = torch.zeros(2, dtype=torch.int64)
    known = Described(torch.tensor([[0.0, 5.0], [4.0, 5.0]]), labels)
    a, b = standardized(known, Described(torch.tensor([[2.0, 5.0], [6.0, 5.0]]), labels))
    assert a.features[:, 0].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert b.features.tolist() == [pytest.approx([0, 0]), pytest.approx([2 * 0.5**0.5, 0])]


def test_classes_that_activations_show_are_found_and_the_figure_says_what_it_is(tmp_path):
    pictures, config = bars(32, 3), AutoencoderConfig(latent_dim=5, width=4)
    weights.save_weights(tmp_path / "w.safetensors", build(config), {"training": {"validation": 0.05}})
    context = Context(pictures, pictures.take(torch.arange(50)), tmp_path, weights=str(tmp_path / "w.safetensors"))
    found = run_experiment("svhn-features", context, tmp_path).figures["80 labels"]
    assert found["error"] < 0.02
    assert found["features"] == 4 * 256 + 8 * 64 + 16 * 16 + 5
    assert "error of the first 12" in found  # of 250 that training on one folder would have held out
    assert "not comparable with the paper's 23.7 %" in json.loads((tmp_path / "svhn-features.json").read_text())["note"]


def test_a_model_of_other_pictures_is_named(tmp_path):
    weights.save_weights(tmp_path / "w.safetensors", build(AutoencoderConfig(channels=1, latent_dim=5, width=2)), {})
    context = Context(bars(32, 3), bars(32, 3), tmp_path, weights=str(tmp_path / "w.safetensors"))
    with pytest.raises(UsageError, match="encode no color pictures of 32x32"):
        run_experiment("svhn-features", context, tmp_path)


def digits(folder):
    """Twenty even pictures as files, in three folders."""
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
