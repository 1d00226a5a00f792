"""A killed run that is resumed equals an uninterrupted one, bit for bit."""

import pytest
import torch
from tiny_runs import TINY, equal, fit, weights

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.models import weights as checkpoint
from agerestore.models.fuse import fuse

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("killed_after", [1, 3, 6, 7, 10])
def test_killed_and_resumed_equals_the_uninterrupted_run_bit_for_bit(images, tmp_path, killed_after):
    config = train_config("age-mnist", TINY)
    whole = fit(config, images, tmp_path / "whole")
    calls = []

    def stop():
        calls.append(None)
        return len(calls) == killed_after

    run = tmp_path / "run"
    if killed_after == 6:  # the last iteration of a stage: the stage is done and the run goes on
        fit(config, images, run, stop=stop)
    else:
        with pytest.raises(KeyboardInterrupt):
            fit(config, images, run, stop=stop)
        assert not (run / "final.safetensors").exists()
        fit(config, images, run, resume=True)
    assert equal(weights(whole), weights(run / "final.safetensors"))


def test_the_log_of_a_resumed_run_is_that_of_an_uninterrupted_one(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "state_minutes=9", "log_every=1"))  # saved at the end of each stage
    fit(config, images, tmp_path / "whole")
    calls, run = [], tmp_path / "run"

    def killed():
        calls.append(None)
        if len(calls) == 11:  # in the third stage: the last state is that of the end of the second
            raise OSError("the machine is gone")

    with pytest.raises(OSError, match="gone"):
        fit(config, images, run, stop=killed)
    with (run / "log.jsonl").open("a") as file:
        file.write('{"stage": "robust", "st')
    fit(config, images, run, resume=True)
    assert (run / "log.jsonl").read_text() == (tmp_path / "whole" / "log.jsonl").read_text()


def test_bf16_resumes_exactly_too(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "precision=bf16", "finetune.steps=0"))
    whole = fit(config, images, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(config, images, tmp_path / "run", stop=lambda: True)
    assert equal(weights(whole), weights(fit(config, images, tmp_path / "run", resume=True)))


def test_spectral_norms_resume_exactly_too_and_are_1_in_the_average(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "network.spectral=true", "lr=0.02"))
    whole = fit(config, images, tmp_path / "whole")
    encoder = fuse(checkpoint.load_weights(whole).networks.encoder)
    layers = [layer for layer in encoder.modules() if isinstance(layer, torch.nn.Conv2d)]
    norms = torch.stack([torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in layers])
    torch.testing.assert_close(norms, torch.ones(len(layers)), atol=0.1, rtol=0)
    calls = []
    with pytest.raises(KeyboardInterrupt):
        fit(config, images, tmp_path / "run", stop=lambda: calls.append(None) or len(calls) == 3)
    assert equal(weights(whole), weights(fit(config, images, tmp_path / "run", resume=True)))


def test_layers_that_draw_resume_exactly_too(tmp_path):
    """The stage of the code prior has dropout; a sheet is drawn between its iterations, from torch's own generator."""
    pictures = torch.randint(0, 256, (24, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    config = train_config("color", (
        "network.width=4", "network.latent_dim=4", "network.prior_components=3", "steps=2", "code_prior.steps=4",
        "batch_size=4", "precision=fp32", "augment=false", "sheet_every=3"))  # fmt: skip
    whole = fit(config, ImageSet(pictures), tmp_path / "whole")
    calls = []
    with pytest.raises(KeyboardInterrupt):
        fit(config, ImageSet(pictures), tmp_path / "run", stop=lambda: calls.append(None) or len(calls) == 4)
    torch.rand(7)
    assert equal(weights(whole), weights(fit(config, ImageSet(pictures), tmp_path / "run", resume=True)))


def test_a_run_from_given_weights_that_was_killed_at_once_resumes_from_them(images, tmp_path):
    config = train_config("age-mnist", (*TINY, "finetune.steps=0", "robust.steps=0"))
    init = checkpoint.load_weights(fit(config, images, tmp_path / "first"))
    whole = fit(config, images, tmp_path / "whole", init=init)

    def killed():
        raise OSError("the machine is gone")

    with pytest.raises(OSError, match="gone"):
        fit(config, images, tmp_path / "run", init=init, stop=killed)
    path = fit(config, images, tmp_path / "run", resume=True)
    assert equal(weights(whole), weights(path))
    assert checkpoint.read_header(path)["images_seen"] == 2 * init.header["images_seen"]
