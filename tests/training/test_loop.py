"""`agerestore.train`: the same options as the command, from a folder to weights."""

import inspect
import math
import warnings
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import torch

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.errors import NothingReadableError, UsageError
from agerestore.models import zoo
from agerestore.training.loop import TrainOptions, estimate, train
from agerestore.training.validation import RestorationValidator

TINY = ("network.width=2", "network.latent_dim=4", "batch_size=4", "steps=2", "finetune.steps=1", "robust.steps=1",
        "robust.batch_size=4", "validation=0.2", "log_every=1", "precision=fp32")  # fmt: skip
SET = ImageSet(torch.zeros(8, 3, 32, 32, dtype=torch.uint8))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(8):
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), np.full((32, 32, 3), 30 * number, np.uint8))
    return tmp_path / "photos"


def test_a_folder_becomes_a_model(folder, tmp_path):
    seen = []
    path = train(folder, out=tmp_path / "run", settings=TINY, data_license="CC0", device="cpu", progress=seen.append)
    assert path == tmp_path / "run" / "final.safetensors"
    header = zoo.load(path).header
    assert (header["data"], header["data_license"]) == ("photos", "CC0")
    assert [each.stage for each in seen] == ["adversarial", "adversarial", "finetune", "robust"]
    train(folder, out=tmp_path / "more", settings=TINY, init=zoo.load(path), device="cpu")
    assert zoo.load(tmp_path / "more").header["images_seen"] == 2 * header["images_seen"]


def test_a_set_in_memory_can_be_trained_on(tmp_path):
    header = zoo.load(train(SET, out=tmp_path / "run", settings=TINY, device="cpu")).header
    assert "data" not in header
    assert header["data_license"] == "not stated"


def test_what_is_left_out_is_a_warning(folder, tmp_path):
    (folder / "broken.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"broken\.png"):
        estimate(folder, out=tmp_path / "run", settings=TINY, device="cpu")


def test_an_estimate_writes_nothing_and_refuses_what_the_run_would(folder, tmp_path):
    found = estimate(folder, out=tmp_path / "run", settings=TINY, device="cpu")
    assert found["iterations"] == {"adversarial": 2, "finetune": 1, "robust": 1}
    assert found["images"] == 6
    assert found["hours"] > 0
    assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match="fewer than one batch"):
        estimate(folder, out=tmp_path / "run", settings=("batch_size=99", "robust.steps=0"), device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingReadableError):
        estimate(tmp_path / "empty", out=tmp_path / "run", device="cpu")


def test_a_run_that_is_resumed_without_settings_has_those_it_was_begun_with(folder, tmp_path):
    def interrupted():
        raise OSError("the machine is gone")

    with pytest.raises(OSError, match="gone"):
        train(folder, out=tmp_path / "run", preset="age", settings=TINY, seed=3, device="cpu", stop=interrupted)
    header = zoo.load(train(folder, out=tmp_path / "run", resume=True, device="cpu")).header
    assert (header["training"]["seed"], header["training"]["steps"]) == (3, 2)


def configurations(monkeypatch):
    """The list that the configurations of runs go to, of which nothing else is made."""
    seen = []
    monkeypatch.setattr("agerestore.training.loop.Session", lambda config, *rest: seen.append(config) or Mock())
    monkeypatch.setattr("agerestore.training.loop.estimate_cost", lambda training: None)
    return seen


@pytest.mark.parametrize(("asked", "expected"), [
    ({"preset": "age"}, "fp32"), ({"preset": "photo"}, "fp32"), ({"precision": "bf16"}, "bf16"),
    ({"settings": ("precision=bf16",)}, "bf16"),
])  # fmt: skip
@pytest.mark.parametrize("capability", [(7, 5), (8, 0)])
def test_a_preset_in_bf16_is_trained_in_fp32_where_a_gpu_only_emulates_bf16(
    asked, expected, capability, monkeypatch, tmp_path
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    seen = configurations(monkeypatch)
    estimate(SET, out=tmp_path / "run", device="cuda", **asked)
    assert seen[0].precision == ("bf16" if capability == (8, 0) else expected)


def test_a_run_in_bf16_is_resumed_in_bf16(monkeypatch, tmp_path):
    monkeypatch.setattr("agerestore.device.emulates_bf16", lambda device: True)
    (tmp_path / "config.json").write_text(train_config("age", ("precision=bf16",)).model_dump_json())
    seen = configurations(monkeypatch)
    estimate(SET, out=tmp_path, resume=True, device="cpu")
    assert seen[0].precision == "bf16"


def test_the_function_has_the_options_of_the_command_and_their_defaults():
    from agerestore_cli.train import train as command

    theirs = inspect.signature(command).parameters
    mine = inspect.signature(train).parameters
    for name, parameter in mine.items():
        if name in ("progress", "stop"):  # the command shows progress itself, and stops at Ctrl-C
            continue
        assert name in theirs, name
        assert (parameter.default or None) == (theirs[name].default or None), name
    extra = set(theirs) - set(mine)
    assert extra <= {"dry_run", "quiet", "verbose", "as_json"}


def test_what_is_checked_before_a_run_has_the_options_of_the_run():
    assert set(TrainOptions.__annotations__) <= set(inspect.signature(train).parameters)


def test_no_warning_is_given_where_all_is_read(folder, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate(folder, out=tmp_path / "run", settings=TINY, device="cpu")


def test_networks_of_a_kind_without_a_validator_of_its_own_are_measured_by_the_noise_they_remove(folder):
    """The answer is known for networks that give back what they see, and for those that know the truth."""
    config = train_config("age", ("network.width=2",))
    images = ImageSet(torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8))
    judge = RestorationValidator(config, images, torch.device("cpu"))
    idle, perfect = judge.summary(lambda image: image), judge.summary(lambda image: images.images / 255)
    assert idle["validation"]["psnr"] == idle["validation"]["psnr_before"]
    assert idle["validation"]["psnr_before"] == pytest.approx(20 * math.log10(255 / 25), abs=0.2)
    assert perfect["validation"]["psnr"] > 99
    assert [len(row) for row in judge.image_grid(lambda image: image, None)] == [5, 5, 5]
