"""Processors on their way to another process: small without weights, and the same processors when they are there."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import noise

from agerestore.api.processors import colorize_processor, restore_processor
from agerestore.batch.jobs import Job
from agerestore.batch.mask_source import MaskSource
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Processor, process
from agerestore.config.networks import PhotoConfig
from agerestore.config.options import (
    ColorizeFileSettings,
    ColorizeSettings,
    FileOptions,
    RestoreFileSettings,
    RestoreSettings,
)
from agerestore.errors import UsageError, WeightsError
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.models import weights, zoo
from agerestore.models.base import Model
from agerestore.models.registry import build

NO_MASKS = MaskSource.of("none", selects=False)


def written(path: Path, seed: int) -> Path:
    networks = build(PhotoConfig(widths=(2, 3, 4), blocks=(1, 1, 1), latent_dim=4))
    generator = torch.Generator().manual_seed(seed)
    for parameter in networks.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    weights.save_weights(path, networks, {"domain": {}, "kind": "photo"})
    return path


def restoring(model: str | Path | Model) -> Processor:
    extras = RestoreFileSettings(compare=True)
    return restore_processor(model, NO_MASKS, RestoreSettings(samples=2, seed=3), extras, FileOptions(), "cpu", print)


def coloring(folder: Path) -> Processor:
    ramp = np.arange(48, dtype=np.uint8)
    colors = np.stack(
        [np.add.outer(2 * ramp, 2 * ramp), np.add.outer(3 * ramp, ramp), 200 - np.add.outer(ramp, ramp)], 2
    )
    io.write(reference := folder / "reference.png", Photo(colors))
    settings, extras = ColorizeSettings(force=True), ColorizeFileSettings(reference)
    return colorize_processor("cars-color", settings, extras, FileOptions(), "cpu")


@pytest.mark.parametrize("verb", ["restore", "colorize"])
def test_a_processor_comes_back_without_its_weights_and_does_the_same(tmp_path: Path, verb: str) -> None:
    path = written(tmp_path / "photo.safetensors", 1)
    processor = restoring(path) if verb == "restore" else coloring(tmp_path)
    description = pickle.dumps(processor)
    assert len(description) < 10_000
    io.write(tmp_path / "a.png", Photo(noise(48, 40, 1 if verb == "colorize" else 3, seed=1)))
    item = OutputWriter().prepare(Job(tmp_path / "a.png", tmp_path / "b.png"))
    here, there = process(processor, item), process(pickle.loads(description), item)
    assert here.error is None
    assert here.encoded == there.encoded
    assert len(here.encoded.files) == (4 if verb == "restore" else 1)
    pixels = io.decode(here.encoded.files[tmp_path / "b.png"], tmp_path / "b.png").pixels
    assert np.ptp(pixels) > 0


def test_other_weights_of_the_same_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "photo.safetensors", 1)
    description = pickle.dumps(restoring(path))
    written(path, 2)
    with pytest.raises(WeightsError, match=r"photo\.safetensors: a worker has other weights"):
        pickle.loads(description)
    path.unlink()
    with pytest.raises(WeightsError, match=r"no model .*photo\.safetensors"):
        pickle.loads(description)


def test_a_path_is_found_from_another_folder_and_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "photo.safetensors", 1)
    monkeypatch.chdir(tmp_path)
    description = pickle.dumps(restoring("photo.safetensors"))
    monkeypatch.chdir("/")
    (name, model), *_ = pickle.loads(description).models.items()
    assert (name, model.name) == ("photo.safetensors", "photo.safetensors")


def test_a_model_in_memory_alone_cannot_travel(tmp_path: Path) -> None:
    model = zoo.load(written(tmp_path / "photo.safetensors", 1), device="cpu")
    model.name = ""
    with pytest.raises(UsageError, match="is in memory alone, where `workers` cannot load it"):
        pickle.dumps(restoring(model))
