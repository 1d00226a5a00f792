"""A GPU computes what the CPU does: restoring, coloring, and a step of training of every preset.

SMOKE_DEVICE=mps python -m pytest tests/test_cuda.py     # another device than cuda; cpu tests the tests
"""

import os

import numpy as np
import pytest
import torch
from bars import bars
from scenes import noisy, scene
from tiny_runs import drawn

import agerestore
from agerestore.config.presets import presets
from agerestore.config.training import train_config
from agerestore.data.datasets import PhotoSet
from agerestore.research.experiments.plans import PLANS
from agerestore.training.cuda_graph import WARM_UP
from agerestore.training.state import Training

DEVICE = os.environ.get("SMOKE_DEVICE", "cuda")
WITHOUT = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}.get(DEVICE, False)
pytestmark = [
    pytest.mark.skipif(WITHOUT, reason=f"this machine has no {DEVICE} device that torch can use"),
    pytest.mark.filterwarnings("ignore::agerestore.errors.RestoreWarning"),  # of images unlike those of the training
]

PLACES = 2 / 255  # by which rounding in another order may move a pixel, in a range of 1


def on_both(verb, image, name, **options):
    """The same verb on the CPU and on the device, in fp32; uint8 images as float in [0, 1]."""
    where = (torch.device("cpu"), torch.device(DEVICE))
    found = [verb(image, model=agerestore.load(name, device=str(each)), precision="fp32", **options) for each in where]
    return [np.asarray(each).astype(np.float64) / 255 for each in found]


@pytest.mark.parametrize("name", ["photo", "celeba", "mnist"])
def test_an_image_is_restored_as_on_the_cpu(name):
    side = {"photo": 192, "celeba": 64, "mnist": 32}[name]
    image = scene(1 if name == "mnist" else 3, side)
    damaged = np.clip(image + (noisy(128, 25, image.shape).astype(int) - 128), 0, 255).astype(np.uint8)
    expected, found = on_both(agerestore.restore, damaged, name)
    assert np.abs(found - damaged / 255).mean() > PLACES  # something was done
    assert np.quantile(np.abs(found - expected), 0.999) <= PLACES


def test_a_hole_is_filled_as_on_the_cpu():
    image, mask = scene(3, 128), np.zeros((128, 128), np.uint8)
    mask[40:80, 40:80] = 255
    expected, found = on_both(agerestore.restore, image, "photo", mask=mask)
    assert np.array_equal(found[:40], image[:40] / 255)
    assert np.quantile(np.abs(found - expected), 0.999) <= 2 * PLACES


@pytest.mark.parametrize("name", ["photo-color", "cars-color"])
def test_an_image_is_colored_as_on_the_cpu(name):
    gray = scene(1, 128)
    expected, found = (each[0] for each in on_both(agerestore.colorize, gray, name, force=True))
    assert np.ptp(found, axis=-1).max() > PLACES  # there is a color
    assert np.quantile(np.abs(found - expected), 0.99) <= 4 * PLACES


def images_for(config):
    """A set that a preset can be trained on: labeled images of its size, or photographs."""
    network = config.network
    if network.image_size is None:
        side = config.crop_size + 8
        return PhotoSet(tuple((drawn(3, side, side, seed=number) * 255).byte() for number in range(8)))
    return bars(network.image_size, network.channels, max(1200, config.batch_size))


def finite_steps(config, count=1):
    """Take iterations of each stage on the device; the terms of the last of them must be numbers."""
    training = Training(config, images_for(config), torch.device(DEVICE))
    for number, stage in enumerate(training.stages):
        if number:
            training.enter(number)
        before = [parameter.clone() for name in sorted(stage.learners) for parameter in _network(training, name)]
        for _ in range(count):
            terms = training.iterate()
        assert terms
        assert all(torch.isfinite(value) for value in terms.values()), stage.name
        assert {value.device.type for value in terms.values()} == {torch.device(DEVICE).type}
        after = [parameter for name in sorted(stage.learners) for parameter in _network(training, name)]
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)), stage.name


def _network(training, name):
    return getattr(training.model, name).parameters()


@pytest.mark.parametrize("preset", presets())
def test_each_preset_takes_a_step_of_each_stage(preset):
    finite_steps(train_config(preset))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_published_plans_run_as_graphs_in_bf16(plan):
    graph = "true" if DEVICE == "cuda" else "false"
    finite_steps(train_config(plan.preset, ("precision=bf16", f"cuda_graph={graph}", "robust.steps=0")), WARM_UP + 2)
