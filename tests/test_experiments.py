"""Every experiment runs at a small scale and leaves one picture and one file of figures; a second time for little."""

import json

import pytest
import torch

from agerestore.data import ImageSet
from agerestore.errors import UsageError
from agerestore.experiments import EXPERIMENTS, Setting, run_experiment
from agerestore.experiments.aae import PLOT, scatter
from agerestore.imagefile import read

TINY = ("steps=2", "robust.steps=1", "batch_size=8", "robust.batch_size=8", "network.width=4", "settle.steps=0")


@pytest.fixture
def setting(tmp_path):
    """Bright rows at a place that is their label."""
    labels = torch.arange(200) % 10
    images = torch.zeros(200, 1, 32, 32, dtype=torch.uint8)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, 3 * label : 3 * label + 4, 4:28] = 255
    return Setting(ImageSet(images, labels), ImageSet(images[:50], labels[:50]), tmp_path / "runs", settings=TINY)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_leaves_a_picture_and_figures(name, setting, tmp_path):
    outcome = run_experiment(name, setting, tmp_path)
    said = json.loads((tmp_path / f"{name}.json").read_text())
    assert said["figures"] == outcome.figures
    assert not said["full"]
    assert min(read(tmp_path / f"{name}.png").pixels.shape[:2]) > 32
    assert all(torch.isfinite(torch.tensor(list(row.values()))).all() for row in outcome.figures.values())


def test_what_was_trained_is_not_trained_again_and_other_settings_are_not_mixed_in(setting, tmp_path, monkeypatch):
    run_experiment("aae-style", setting, tmp_path)
    monkeypatch.setattr("agerestore.experiments.setting.train", None)
    run_experiment("aae-style", setting, tmp_path)
    other = Setting(setting.training, setting.test, setting.runs, settings=(*TINY, "lr=1"))
    with pytest.raises(UsageError, match="trained with other settings"):
        run_experiment("aae-style", other, tmp_path)


def test_points_are_plotted_where_they_are():
    plot = scatter(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([0, 5]))
    assert plot.shape == (1, 3, PLOT, PLOT)
    places = (plot[0].amin(dim=0) < 1).nonzero().tolist()
    assert places == [[0, PLOT - 1], [PLOT // 2 - 1, PLOT // 2]]


def test_unknown_experiments_and_sets_without_labels_are_named(setting, tmp_path):
    with pytest.raises(UsageError, match="no experiment 'x'; choose one of aae-priors"):
        run_experiment("x", setting, tmp_path)
    blind = Setting(ImageSet(setting.training.images), setting.test, tmp_path)
    with pytest.raises(UsageError, match="experiments need labels"):
        run_experiment("systems", blind, tmp_path)
