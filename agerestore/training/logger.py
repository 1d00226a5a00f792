"""What a run says of itself: log lines, contact sheets, progress, and the header of the weights it leaves."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agerestore import files
from agerestore.config import legacy
from agerestore.images.grid import contact_sheet
from agerestore.training.resume import save_state
from agerestore.training.state import Training
from agerestore.training.validation import Validator


@dataclass(frozen=True)
class Progress:
    """Where a run stands: iterations of the current stage, and the weighed terms of the last ones."""

    stage: str
    step: int
    steps: int
    images_per_second: float
    terms: dict[str, float]


class Logger:
    """What a run writes about itself: log lines, contact sheets, progress."""

    def __init__(self, run: Path, training: Training, review: Validator, report: Callable[[Progress], None]) -> None:
        self.run, self.training, self.review, self.report = run, training, review, report
        self.clock, self.clock_stage, self.clock_step = time.monotonic(), training.number, training.step

    def note(self, terms: dict[str, Tensor]) -> None:
        """Append the terms to the log and report the progress."""
        t = self.training
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        now, done = time.monotonic(), t.step - (self.clock_step if t.number == self.clock_stage else 0)
        rate = done * t.stage.batch_size / max(now - self.clock, 1e-9)
        self.clock, self.clock_stage, self.clock_step = now, t.number, t.step
        self._write({"stage": t.stage.name, "step": t.step, "images": t.step * t.stage.batch_size, **values})
        self.report(Progress(t.stage.name, t.step, t.stage.steps, rate, values))

    def draw(self) -> None:
        """Write a contact sheet and the figures of the averaged networks."""
        t = self.training
        (self.run / "sheets").mkdir(exist_ok=True)
        rows = self.review.rows(t.average, t.stage)
        contact_sheet(rows, self.run / "sheets" / f"{t.stage.name}-{t.step:07d}.png")
        self._write({"stage": t.stage.name, "step": t.step, **self.review.figures(t.average, t.stage)})

    def save(self) -> None:
        """Replace the state that the run resumes from."""
        t = self.training
        where = {"stage": t.number, "step": t.step, "images_before": t.images_before}
        save_state(self.run, t.tensors(), where)

    def rewind(self) -> None:
        """Cut off the log what a killed run wrote after the state it goes on from: that is done again."""
        log = self.run / "log.jsonl"
        if log.exists():
            done = filter(self._is_done, log.read_text().splitlines())
            files.write(log, "".join(f"{line}\n" for line in done).encode())

    def _is_done(self, line: str) -> bool:
        t = self.training
        try:
            row, order = json.loads(line), [stage.name for stage in t.stages]
        except ValueError:  # the run was killed while it wrote this
            return False
        return (order.index(legacy.stage(row["stage"])), row["step"]) <= (t.number, t.step)

    def _write(self, row: dict[str, Any]) -> None:
        with (self.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")


class NullLogger(Logger):
    """The journal of a process that is not the first: what there is to write, another one writes."""

    def note(self, terms: dict[str, Tensor]) -> None:
        """Nothing."""

    def draw(self) -> None:
        """Nothing."""

    def save(self) -> None:
        """Nothing."""

    def rewind(self) -> None:
        """Nothing."""


def weights_header(training: Training, review: Validator, provenance: dict[str, Any]) -> dict[str, Any]:
    """The header of the weights a run leaves: how it was trained, and what it scores on pictures held out."""
    return {
        "training": training.config.model_dump(mode="json"),
        "images_seen": training.images_before + sum(stage.steps * stage.batch_size for stage in training.stages),
        **review.verdict(training.average),
        "data_license": "not stated",
        **provenance,
    }
