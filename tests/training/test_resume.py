import pytest
import torch

from agerestore.config.networks import AutoencoderConfig
from agerestore.errors import WeightsError
from agerestore.models.registry import build
from agerestore.training import resume


def test_state_comes_back_exactly_in_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "SHARD_BYTES", 1000)
    tensors = {
        "model.a": torch.randn(1000),
        "model.b": torch.arange(3),
        "average.c": torch.tensor(1.5, dtype=torch.bfloat16),
    }
    resume.save_state(tmp_path, tensors, {"step": 7})
    sizes = [path.stat().st_size for path in (tmp_path / "state").glob("shard-*")]
    assert len(sizes) > 4
    assert max(sizes) <= 1000
    loaded, index = resume.load_state(tmp_path)
    assert index["step"] == 7
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)


def test_there_may_be_no_state(tmp_path):
    assert resume.load_state(tmp_path) is None


def test_a_full_disk_leaves_the_last_good_state(tmp_path, monkeypatch):
    resume.save_state(tmp_path, {"model.a": torch.ones(2)}, {"step": 1})

    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(resume.files, "write", full)
    with pytest.raises(OSError, match="No space left"):
        resume.save_state(tmp_path, {"model.a": torch.zeros(2)}, {"step": 2})
    tensors, index = resume.load_state(tmp_path)
    assert index["step"] == 1
    assert torch.equal(tensors["model.a"], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("killed_at", [1, 2])
def test_killed_between_the_renames_the_last_good_state_is_found(tmp_path, monkeypatch, killed_at):
    resume.save_state(tmp_path, {"model.a": torch.ones(2)}, {"step": 1})
    rename, calls = type(tmp_path).rename, []

    def kill(self, target):
        calls.append(target)
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", kill)
    with pytest.raises(KeyboardInterrupt):
        resume.save_state(tmp_path, {"model.a": torch.zeros(2)}, {"step": 2})
    monkeypatch.undo()
    tensors, index = resume.load_state(tmp_path)
    assert (index["step"], tensors["model.a"][0].item()) == (1, 1.0)
    resume.save_state(tmp_path, {"model.a": torch.zeros(2)}, {"step": 2})  # and the run goes on
    assert resume.load_state(tmp_path)[1]["step"] == 2


def test_a_damaged_state_is_named(tmp_path):
    resume.save_state(tmp_path, {"model.a": torch.ones(2)}, {"step": 1})
    shard = tmp_path / "state" / "shard-000"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="damaged training state"):
        resume.load_state(tmp_path)


def test_optimizer_state_comes_back_in_the_layout_of_the_weights():
    model = build(AutoencoderConfig(channels=1, latent_dim=6, width=2))
    model.to(memory_format=torch.channels_last)

    def adam():
        return torch.optim.Adam(model.generator.parameters(), lr=1e-3)

    first = adam()
    model.generate(torch.randn(2, 6)).sum().backward()
    first.step()
    second = adam()
    resume.restore_optimizer(second, resume.flatten_optimizer(first, "adam.g."), "adam.g.")
    a, b = first.state_dict()["state"], second.state_dict()["state"]
    assert a.keys() == b.keys()
    assert all(torch.equal(a[i][name], b[i][name]) for i in a for name in a[i])
    assert all(a[i][name].stride() == b[i][name].stride() for i in a for name in a[i])
