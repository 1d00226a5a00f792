"""What a run writes while it trains: log lines, contact sheets, its state; and the progress it reports."""

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
    """Where a run stands.

    Attributes:
        stage: name of the current stage.
        step: its iterations that are done.
        steps: all of its iterations.
        images_per_second: since the last report.
        terms: loss terms of the last iteration, as ``player/term``.
    """

    stage: str
    step: int
    steps: int
    images_per_second: float
    terms: dict[str, float]


class NullLogger:
    """Writes nothing: the logger of each process but the first one."""

    def log(self, terms: dict[str, Tensor]) -> None:
        """Append the loss terms to the log and report the progress."""

    def log_images(self) -> None:
        """Write a contact sheet, and the validation metrics of the averaged networks."""

    def save(self) -> None:
        """Replace the state that the run resumes from."""

    def truncate(self) -> None:
        """Remove from the log what a killed run wrote after the state that it resumes from: that is done again."""


class Logger(NullLogger):
    """Writes what a run leaves in its folder while it trains."""

    def __init__(
        self, folder: Path, training: Training, validator: Validator, progress: Callable[[Progress], None]
    ) -> None:
        self._folder, self._training, self._validator, self._progress = folder, training, validator, progress
        self._last = time.monotonic(), training.number, training.step  # of the last report

    def log(self, terms: dict[str, Tensor]) -> None:
        """See `NullLogger.log`."""
        t = self._training
        values = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        then, number, step = self._last
        self._last = time.monotonic(), t.number, t.step
        images = (t.step - (step if t.number == number else 0)) * t.stage.batch_size
        rate = images / max(self._last[0] - then, 1e-9)
        self._write({"stage": t.stage.name, "step": t.step, "images": t.step * t.stage.batch_size, **values})
        self._progress(Progress(t.stage.name, t.step, t.stage.steps, rate, values))

    def log_images(self) -> None:
        """See `NullLogger.log_images`."""
        t = self._training
        sheet = self._folder / "sheets" / f"{t.stage.name}-{t.step:07d}.png"
        sheet.parent.mkdir(exist_ok=True)
        contact_sheet(self._validator.image_grid(t.average, t.stage), sheet)
        self._write({"stage": t.stage.name, "step": t.step, **self._validator.metrics(t.average, t.stage)})

    def save(self) -> None:
        """See `NullLogger.save`."""
        t = self._training
        where = {"stage": t.number, "step": t.step, "images_before": t.images_before}
        save_state(self._folder, t.tensors(), where)

    def truncate(self) -> None:
        """See `NullLogger.truncate`."""
        log = self._folder / "log.jsonl"
        if log.exists():
            done = filter(self._is_done, log.read_text(encoding="utf-8").splitlines())
            files.write(log, "".join(f"{line}\n" for line in done).encode())

    def _is_done(self, line: str) -> bool:
        t = self._training
        try:
            row, order = json.loads(line), [stage.name for stage in t.stages]
        except ValueError:  # the run was killed while it wrote this
            return False
        return (order.index(legacy.stage(row["stage"])), row["step"]) <= (t.number, t.step)

    def _write(self, row: dict[str, Any]) -> None:
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
