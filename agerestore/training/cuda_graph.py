"""A training step on a GPU as one CUDA graph: recorded once, then begun by one call instead of hundreds.

A GPU computes a step of the paper's networks faster than Python can ask for it, kernel by kernel.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from agerestore.losses.base import Batch

StepFn = Callable[[Batch], dict[str, Tensor]]
WARM_UP = 3  # steps before the recording, in which libraries choose their algorithms and the optimizer its state


class GraphedStep:
    """A step that is recorded when it is taken for the fourth time, and from then on replayed.

    What it reads beside its batch must stay where it is in memory; batches must be alike in what they hold.
    """

    def __init__(self, play: StepFn) -> None:
        self.play, self.taken = play, 0
        self.graph = torch.cuda.CUDAGraph()
        self.batch: Batch | None = None
        self.terms: dict[str, Tensor] = {}

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Take the step; the terms are copies, which later steps leave alone."""
        self.taken += 1
        if self.taken <= WARM_UP:
            return self._aside(batch)
        if self.batch is None:
            self.batch = batch.copy()
            with torch.cuda.graph(self.graph):
                self.terms = self.play(self.batch)
        self.batch.overwrite(batch)
        self.graph.replay()
        return {name: value.clone() for name, value in self.terms.items()}

    def _aside(self, batch: Batch) -> dict[str, Tensor]:
        """On a stream of its own, as a recording wants what comes before it."""
        stream, now = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(now)
        with torch.cuda.stream(stream):
            terms = self.play(batch)
        now.wait_stream(stream)
        return terms
