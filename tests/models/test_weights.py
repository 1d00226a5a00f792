import json

import pytest
import safetensors.torch
import torch

from agerestore.config.networks import NetworkConfig
from agerestore.errors import WeightsError
from agerestore.models import weights
from agerestore.models.registry import build


@pytest.fixture
def model():
    network = build(NetworkConfig(channels=1, latent_dim=6, width=2))
    network.add_robust_encoder()
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
        ("truncated", "or damaged"),
        ("empty", "or damaged"),
        ("text", "or damaged"),
        ("foreign", "not weights of agerestore"),
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
    assert error.value.exit_code == 4


def test_state_comes_back_exactly_in_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "SHARD_BYTES", 1000)
    tensors = {"a": torch.randn(1000), "b": torch.arange(3), "c": torch.tensor(1.5, dtype=torch.bfloat16)}
    weights.save_state(tmp_path, tensors, {"step": 7})
    sizes = [path.stat().st_size for path in (tmp_path / "state").glob("shard-*")]
    assert len(sizes) > 4
    assert max(sizes) <= 1000
    loaded, index = weights.load_state(tmp_path)
    assert index["step"] == 7
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_there_may_be_no_state(tmp_path):
    assert weights.load_state(tmp_path) is None


def test_a_full_disk_leaves_the_last_good_state(tmp_path, monkeypatch):
    weights.save_state(tmp_path, {"a": torch.ones(2)}, {"step": 1})

    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(weights.files, "write", full)
    with pytest.raises(OSError, match="No space left"):
        weights.save_state(tmp_path, {"a": torch.zeros(2)}, {"step": 2})
    tensors, index = weights.load_state(tmp_path)
    assert index["step"] == 1
    assert torch.equal(tensors["a"], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("killed_at", [1, 2])
def test_killed_between_the_renames_the_last_good_state_is_found(tmp_path, monkeypatch, killed_at):
    weights.save_state(tmp_path, {"a": torch.ones(2)}, {"step": 1})
    rename, calls = type(tmp_path).rename, []

    def kill(self, target):
        calls.append(target)
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", kill)
    with pytest.raises(KeyboardInterrupt):
        weights.save_state(tmp_path, {"a": torch.zeros(2)}, {"step": 2})
    monkeypatch.undo()
    tensors, index = weights.load_state(tmp_path)
    assert (index["step"], tensors["a"][0].item()) == (1, 1.0)
    weights.save_state(tmp_path, {"a": torch.zeros(2)}, {"step": 2})  # and the run goes on
    assert weights.load_state(tmp_path)[1]["step"] == 2


def test_a_damaged_state_is_named(tmp_path):
    weights.save_state(tmp_path, {"a": torch.ones(2)}, {"step": 1})
    shard = tmp_path / "state" / "shard-000"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="damaged training state"):
        weights.load_state(tmp_path)


def test_optimizer_state_comes_back_in_the_layout_of_the_weights(model):
    model.to(memory_format=torch.channels_last)

    def adam():
        return torch.optim.Adam(model.generator.parameters(), lr=1e-3)

    first = adam()
    model.generate(torch.randn(2, 6)).sum().backward()
    first.step()
    second = adam()
    weights.restore_optimizer(second, weights.flatten_optimizer(first, "adam.g."), "adam.g.")
    a, b = first.state_dict()["state"], second.state_dict()["state"]
    assert a.keys() == b.keys()
    assert all(torch.equal(a[i][name], b[i][name]) for i in a for name in a[i])
    assert all(a[i][name].stride() == b[i][name].stride() for i in a for name in a[i])
