"""Steps recorded as a graph: the order of things without a GPU, and the same weights with one."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet
from agerestore.losses.base import Batch
from agerestore.training import cuda_graph
from agerestore.training.state import Training


def batch(value):
    return Batch(torch.full((2, 1, 4, 4), float(value)), torch.full((2, 3), 10.0 * value))


def test_a_batch_is_copied_and_overwritten():
    first, second = batch(1), batch(2)
    copy = first.copy()
    copy.overwrite(second)
    assert copy.x.eq(2).all()
    assert copy.z.eq(20).all()
    assert copy.damaged is None
    assert first.x.eq(1).all()


@pytest.fixture
def recorded(monkeypatch):
    """A device of which a graph is a list of functions, recorded without computing anything that lasts."""
    now = []

    class Graph:
        def replay(self):
            self.function()

    @contextmanager
    def record(graph):
        now.append(graph)
        yield
        now.pop()

    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", record)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    return now


def test_a_step_is_taken_each_time_and_recorded_once(recorded):
    total, answer, asked = torch.zeros(()), torch.zeros(()), []

    def play(given):
        def compute():
            total.add_(given.x.mean())
            answer.copy_(given.z.mean() + total)

        asked.append(given)
        if recorded:
            recorded[-1].function = compute
        else:
            compute()
        return {"term": answer}

    step = cuda_graph.GraphedStep(play)
    terms = [step(batch(value)) for value in (1, 2, 3, 4, 5, 6)]
    assert total == 21
    assert len(asked) == cuda_graph.WARM_UP + 1  # the rest are replayed
    assert [float(each["term"]) for each in terms[cuda_graph.WARM_UP :]] == [
        50,
        65,
        81,
    ]  # of each step, not of the last


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_recorded_steps_are_those_that_are_not():
    generator = torch.Generator().manual_seed(0)
    images = ImageSet(torch.randint(0, 256, (64, 1, 32, 32), dtype=torch.uint8, generator=generator))
    settings = ("network.width=4", "batch_size=8", "finetune.steps=0", "robust.steps=0")
    eager, graph = (
        Training(train_config("age-mnist", (*settings, f"cuda_graph={each}")), images, torch.device("cuda"))
        for each in ("false", "true")
    )
    for _ in range(cuda_graph.WARM_UP + 3):
        expected, found = eager.iterate(), graph.iterate()
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3)
