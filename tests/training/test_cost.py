"""Operations that are counted before a run."""

import pytest
import torch
from tiny_runs import TINY
from torch.utils.flop_counter import FlopCounterMode

from agerestore.config.training import train_config
from agerestore.data.datasets import PhotoSet
from agerestore.training import cost
from agerestore.training import state as training

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL_PHOTO = ("network.widths=[2,3,5]", "network.blocks=[1,1,1]", "network.latent_dim=4", "estimate.batch_size=2",
               "estimate.steps=1", "batch_size=4", "steps=1", "precision=fp32",
               "degradation=noise:sigma=25")  # fmt: skip


def test_flops_of_an_encoder_step_are_those_counted_by_hand():
    # The official encoder at 32 pixels, layer by layer: output pixels x outputs x inputs x 16 weights.
    layers = [16 * 16 * 64 * 3 * 16, 8 * 8 * 128 * 64 * 16, 4 * 4 * 256 * 128 * 16, 2 * 2 * 128 * 256 * 16]
    # Forward and gradients of the weights take that each, gradients of the inputs all but the first layer's.
    multiply_adds = 3 * sum(layers) - layers[0]
    only_real = ("updates.encoder.weights.kl_fake=0", "updates.encoder.weights.match_x=0", "updates.generator.steps=0")
    config = train_config("age-cifar10", only_real)
    assert cost.flops_per_iteration(config)["adversarial"] == 2 * 64 * multiply_adds


def test_flops_of_the_estimator_are_those_counted_by_hand():
    config = train_config("photo", ("steps=0", "network.widths=[2,3,5]", "network.blocks=[1,1,2]"))
    # Inputs x outputs x weights of a kernel at full, half and quarter resolution: two blocks of two convolutions at the
    # first two, halving and doubling between them.
    full = 9 * 4 * 2 + 4 * 9 * 2 * 2 + 9 * 2 * 6
    half = 4 * 2 * 3 * 2 + 4 * 9 * 3 * 3
    quarter = 4 * 3 * 5 * 2 + 4 * 9 * 5 * 5
    pixels = 8 * 64 * 64
    multiply_adds = pixels * (3 * (full + half / 4 + quarter / 16) - 9 * 4 * 2)  # no gradient of the picture
    assert cost.flops_per_iteration(config) == {"estimate": 2 * multiply_adds}


@pytest.mark.parametrize(("preset", "settings"), [
    ("age-mnist", (*TINY, "robust.degradation=noise:sigma=25")), ("ali-mnist", (*TINY, "robust.steps=0")),
    ("photo", SMALL_PHOTO),
])  # fmt: skip
def test_flops_are_those_of_a_true_iteration(images, preset, settings):
    config = train_config(preset, settings)
    pictures = PhotoSet(tuple(torch.zeros(3, 3, 64, 64, dtype=torch.uint8))) if preset == "photo" else images
    state, found = training.Training(config, pictures, torch.device("cpu")), {}
    for number, stage in enumerate(state.stages):
        state.enter(number)
        with FlopCounterMode(display=False) as counter:
            state.iterate()
        found[stage.name] = counter.get_total_flops()
    assert cost.flops_per_iteration(config) == found
