"""Several processes equal one, and what they are made of has its answer in closed form."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from agerestore import distributed
from agerestore.errors import UsageError
from agerestore.losses.base import Batch

HERE = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def run(*command):
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)


@pytest.mark.timeout(600)  # three interpreters that load torch, on a machine that may be busy
def test_two_processes_equal_one_with_the_same_batches(tmp_path):
    script = HERE / "one_of_several.py"
    alone = run(sys.executable, script, tmp_path / "alone.pt")
    assert alone.returncode == 0, alone.stderr
    both = run(*TORCHRUN, script, tmp_path / "RANK.pt")
    assert both.returncode == 0, both.stderr
    expected = torch.load(tmp_path / "alone.pt")
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert found.keys() == expected.keys()
        worst = {name: float((found[name] - expected[name]).abs().max()) for name in expected}
        assert {name: error for name, error in worst.items() if not error < 1e-8} == {}


@pytest.mark.timeout(600)
def test_the_command_trains_in_two_processes_and_one_of_them_writes(tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(20):
        pixels = np.full((32, 32, 3), 12 * number, np.uint8)
        cv2.imwrite(str(tmp_path / "data" / f"{number}.png"), pixels)
    settings = ("steps=4", "batch_size=8", "network.width=2", "network.latent_dim=4", "finetune.steps=0",
                "robust.steps=0", "robust.batch_size=8", "log_every=2", "validation=0.2")  # fmt: skip
    options = [argument for setting in settings for argument in ("--set", setting)]
    words = ["train", tmp_path / "data", "--out", tmp_path / "run", *options]
    result = run(*TORCHRUN, "-m", "agerestore_cli", *words)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(tmp_path / "run" / "final.safetensors")]
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert sum("encoder/kl_real" in line for line in log) == 2


JOINED = """
import weakref, torch
from torch import distributed
from agerestore import distributed as processes
with processes.init():
    group = weakref.ref(distributed.group.WORLD)
    assert group() is not None
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    processes.mean(weight).backward()
    optimizer.step()
assert group() is None
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_keeps_the_group_when_training_is_over():
    result = run(*TORCHRUN[:3], "--standalone", "--no-python", sys.executable, "-c", JOINED)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("kind", "shape"), [("BatchNorm2d", (4, 3, 5, 2)), ("BatchNorm1d", (7, 3))])
def test_a_batch_norm_of_one_process_is_that_of_torch(kind, shape, affine):
    theirs, x = getattr(nn, kind)(3, affine=affine).double(), torch.randn(shape, dtype=torch.float64) * 3 + 1
    if affine:
        nn.init.normal_(theirs.weight)
        nn.init.normal_(theirs.bias)
    ours = getattr(distributed, kind)(3, affine=affine).double()
    ours.load_state_dict(theirs.state_dict())
    answers = []
    for layer in (ours, theirs):
        given = x.clone().requires_grad_()
        out = layer(given)
        out.pow(3).sum().backward()
        answers.append([out, given.grad, *(each.grad for each in layer.parameters()), *layer.state_dict().values()])
        layer.eval()
        answers[-1].append(layer(x))
    for mine, expected in zip(*answers, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)


def test_of_a_process_that_is_alone_everything_is_the_identity():
    x = torch.arange(6.0).view(3, 2)
    assert distributed.gather(x) is x
    assert distributed.mean(x) is x
    assert distributed.all_reduce_any(True, False) == (True, False)
    assert (distributed.world_size(), distributed.rank(), distributed.is_main()) == (1, 0, True)
    assert distributed.local_device(torch.device("cuda")) == torch.device("cuda")
    network = nn.Sequential(nn.BatchNorm2d(2))
    distributed.sync_batch_norms(network)
    assert type(network[0]) is nn.BatchNorm2d


def test_the_parts_of_a_batch_are_the_batch():
    batch = Batch(torch.rand(4, 1, 2, 2), torch.rand(8, 3), None, torch.rand(4, 1, 2, 2))  # two codes a picture
    parts = [batch.part(number, 2) for number in (0, 1)]
    for name in ("x", "z", "mask"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))
    assert parts[0].damaged is None


@pytest.mark.parametrize(
    ("count", "preset", "settings", "what"),
    [
        (3, "age-mnist", ("batch_size=64",), "a batch of 64 does not divide by 3 processes"),
        (2, "age-mnist", ("robust.batch_size=15",), "a batch of 15 does not divide by 2 processes"),
        (2, "photo", ("batch_size=6",), "compare 4 draws in each of 2 processes: set batch_size=8 or more"),
        (1, "photo", ("batch_size=3",), "kl_within and variance_ratio compare 4 draws: set batch_size=4 or more"),
        (1, "color", ("batch_size=2", "network.prior_components=0"), "set batch_size=4 or more"),
    ],
)
def test_a_batch_that_cannot_be_divided_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, count, preset, settings, what
):
    from tiny_runs import fit

    from agerestore.config.training import train_config
    from agerestore.data.datasets import ImageSet

    images = ImageSet(torch.zeros(200, 1, 32, 32, dtype=torch.uint8))
    monkeypatch.setattr(distributed, "world_size", lambda: count)
    with pytest.raises(UsageError, match=what):
        fit(train_config(preset, settings), images, tmp_path / "run")
    assert not (tmp_path / "run").exists()
