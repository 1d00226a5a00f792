"""A training step on a GPU as one CUDA graph: recorded once, then launched by one call instead of hundreds.

A GPU computes a step of the paper's networks faster than Python can launch its kernels one by one.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from agerestore.losses.base import Batch

StepFn = Callable[[Batch], dict[str, Tensor]]
WARM_UP = 3  # steps before the recording, in which libraries choose their algorithms and the optimizer its state


class GraphedStep:
    """A step function that is recorded when it is called for the fourth time, and from then on replayed.

    Whatever it reads besides its batch must stay where it is in memory, and all batches must hold tensors of the same
    names and shapes.
    """

    def __init__(self, step_fn: StepFn) -> None:
        self._step_fn, self._calls = step_fn, 0
        self._graph = torch.cuda.CUDAGraph()
        self._batch: Batch | None = None
        self._terms: dict[str, Tensor] = {}

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Take the step; the terms are copies, which later steps leave alone."""
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._warm_up(batch)
        if self._batch is None:
            self._batch = batch.copy()
            with torch.cuda.graph(self._graph):
                self._terms = self._step_fn(self._batch)
        self._batch.overwrite(batch)
        self._graph.replay()
        return {name: value.clone() for name, value in self._terms.items()}

    def _warm_up(self, batch: Batch) -> dict[str, Tensor]:
        """Take the step on a side stream, as CUDA asks for before a recording."""
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            terms = self._step_fn(batch)
        current.wait_stream(stream)
        return terms
