import json

import pytest
import safetensors.torch
import torch

from agerestore.config.networks import AutoencoderConfig
from agerestore.errors import WeightsError
from agerestore.models import weights
from agerestore.models.registry import build


@pytest.fixture
def model():
    network = build(AutoencoderConfig(channels=1, latent_dim=6, width=2))
    network.add_networks({"robust_encoder"})
    torch.nn.init.ones_(next(network.robust_encoder.parameters()))
    return network.eval()


def test_weights_carry_their_configuration_and_come_back_within_fp16(model, tmp_path):
    weights.save_weights(tmp_path / "w.safetensors", model, {"data_license": "none", "domain": {"unexplained": 1.0}})
    loaded = weights.load_weights(tmp_path / "w.safetensors")
    assert loaded.networks.config == model.config
    assert loaded.header["data_license"] == "none"
    assert not loaded.networks.training
    x = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    for robust in (False, True):
        torch.testing.assert_close(loaded.networks.encode(x, robust), model.encode(x, robust), atol=5e-3, rtol=0)


def test_batch_statistics_stay_in_single_precision(model, tmp_path):
    # Running variances of 1e-7 occur and would be nothing in fp16.
    weights.save_weights(tmp_path / "w.safetensors", model, {})
    types = {n: t.dtype for n, t in safetensors.torch.load_file(tmp_path / "w.safetensors").items()}
    assert {types[n] for n in types if n.endswith(("running_var", "running_mean"))} == {torch.float32}
    assert types["encoder.layers.0.weight"] == torch.float16


def damaged(kind, path, model):
    """Break a good file in one way."""
    weights.save_weights(path, model, {})
    data = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "truncated":
        path.write_bytes(data[:-100])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("<html>404</html>")
    elif kind == "foreign":
        path.write_bytes(safetensors.torch.save({"a": torch.zeros(1)}))
    elif kind == "tensor of another shape":
        tensors = safetensors.torch.load_file(path)
        tensors["encoder.layers.0.weight"] = torch.zeros(1)
        path.write_bytes(safetensors.torch.save(tensors, {"agerestore": json.dumps(weights.read_header(path))}))
    elif kind == "tensors of other networks":
        others = safetensors.torch.load_file(path) | {"critic.weight": torch.zeros(1)}
        path.write_bytes(safetensors.torch.save(others, {"agerestore": json.dumps(weights.read_header(path))}))
    elif kind == "newer format":
        path.write_bytes(safetensors.torch.save({"a": torch.zeros(1)}, {"agerestore": '{"format": 99}'}))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "no such weights"),
        ("truncated", "cut off"),
        ("empty", "is empty; copy the file again"),
        ("text", "is a web page"),
        ("foreign", "holds weights of another program"),
        ("tensor of another shape", "(encoder.layers.0.weight is not that of these networks)"),
        ("tensors of other networks", "(critic.weight is not that of these networks)"),
        ("newer format", "upgrade agerestore"),
    ],
)
def test_bad_weights_are_named_in_one_line(kind, words, model, tmp_path):
    path = tmp_path / "w.safetensors"
    damaged(kind, path, model)
    with pytest.raises(WeightsError) as error:
        weights.load_weights(path)
    assert str(path) in str(error.value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def _pickled(path):
    torch.save({"state_dict": {"w": torch.zeros(2)}}, path)


def _old_pickle(path):
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)


def _adapter(path):
    safetensors.torch.save_file({"lora_A": torch.zeros(3, 2)}, path, {"format": "pt"})


def _cut_in_the_header(path):
    _adapter(path)
    path.write_bytes(path.read_bytes()[:40])


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_pickled, "a zip archive, as torch.save writes it"),
        (_old_pickle, "is a pickle"),
        (_adapter, "another program (its header says pt)"),
        (_cut_in_the_header, "cut off within its header"),
        (lambda path: path.write_bytes(POINTER), "run `git lfs pull`"),
        (lambda path: path.write_bytes(b"\n\n<!DOCTYPE html><title>Sign in"), "is a web page"),
        (lambda path: path.write_bytes(b"<?xml version='1.0'?><Error><Code>AccessDenied"), "a page of XML"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90)), "HDF5, as Keras writes it"),
        (lambda path: path.write_bytes(b"\x08\x07\x12\x07pytorch"), "is ONNX"),
        (lambda path: path.write_bytes(b"\x1f\x8b\x08"), "compressed with gzip"),
        (lambda path: path.write_bytes(b"weights, to come"), "no safetensors file"),
        (lambda path: path.write_bytes((12).to_bytes(8, "little") + b"{not a json}"), "damaged header"),
        (lambda path: path.write_bytes((2).to_bytes(8, "little") + b"{}"), "another program"),
        (lambda path: path.mkdir(), "is a folder; give a .safetensors file"),
    ],
)  # fmt: skip
def test_advice_fits_what_the_file_is(write, words, tmp_path):
    path = tmp_path / "w.safetensors"
    write(path)
    with pytest.raises(WeightsError) as error:
        weights.read_header(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert not {"NoneType", "\n", "HeaderTooLarge"} & {part for part in ("NoneType", "\n", "HeaderTooLarge")
                                                       if part in str(error.value)}  # fmt: skip


def test_a_header_that_is_no_table_is_damaged(tmp_path):
    path = tmp_path / "w.safetensors"
    for written in ("[]", "3", "{", '"x"'):
        path.write_bytes(safetensors.torch.save({"a": torch.zeros(1)}, {"agerestore": written}))
        with pytest.raises(WeightsError, match="is damaged; copy the file again"):
            weights.read_header(path)
