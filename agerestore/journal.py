"""What a run says of itself: log lines, contact sheets, progress, and the header of the weights it leaves."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agerestore import degrade, domain
from agerestore.composite import fill_unknown
from agerestore.data import ImageSet, resize
from agerestore.divergence import ideal
from agerestore.latent import sample
from agerestore.monitor import balance, reconstruction_psnr
from agerestore.networks import Autoencoder
from agerestore.sheet import contact_sheet
from agerestore.training import Training


@dataclass(frozen=True)
class Progress:
    """Where a run stands: iterations of the current stage, and the weighed terms of the last ones."""

    stage: str
    step: int
    steps: int
    images_per_second: float
    terms: dict[str, float]


def held_out(training: Training, validation: ImageSet) -> Tensor:
    """Validation pictures (N, C, S, S) uint8 on the device; of a run that holds none out, training pictures."""
    pixels = validation.images if len(validation) else training.images[:1000]
    return resize(pixels, training.config.network.image_size).to(training.device)


class Journal:
    """What a run writes about itself: log lines, contact sheets, progress."""

    def __init__(self, run: Path, training: Training, validation: ImageSet, report: Callable[[Progress], None]) -> None:
        self.run, self.training, self.report = run, training, report
        self.held_out = held_out(training, validation)
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
        """Write a contact sheet and the balance of the game on the averaged networks."""
        t = self.training
        model, truth = t.average, self.held_out[:512].float() / 255
        generator = torch.Generator(t.device).manual_seed(0)
        codes = sample(1000, t.config.network.latent_dim, generator, t.config.network.prior)
        with torch.no_grad():
            rows = [truth[:16], model.generate(model.encode(truth[:16])), model.generate(codes[:16])]
            measured = balance(model, codes) | {"reconstruction_psnr": reconstruction_psnr(model, truth)}
        if t.stage.damage:
            rows[2:] = self._restored(model, truth[:16], t.stage.damage)
        (self.run / "sheets").mkdir(exist_ok=True)
        contact_sheet(rows, self.run / "sheets" / f"{t.stage.name}-{t.step:07d}.png")
        self._write({"stage": t.stage.name, "step": t.step, "ideal": ideal("official", codes.shape[1]), **measured})

    @staticmethod
    def _restored(model: Autoencoder, truth: Tensor, damage: tuple[degrade.Step, ...]) -> list[Tensor]:
        drawn = degrade.draw(damage, len(truth), (truth.shape[2], truth.shape[3]), torch.Generator().manual_seed(0))
        damaged = fill_unknown(degrade.apply(truth, drawn))
        with torch.no_grad():
            return [damaged, model.generate(model.encode(damaged, robust=True))]

    def _write(self, row: dict[str, Any]) -> None:
        with (self.run / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")


def describe(training: Training, validation: ImageSet, provenance: dict[str, Any]) -> dict[str, Any]:
    """The header of the weights a run leaves: how it was trained, and what it scores on the validation part."""
    model, config = training.average, training.config
    truth = held_out(training, validation).float() / 255
    codes = sample(10_000, config.network.latent_dim, torch.Generator(training.device).manual_seed(0))
    with torch.no_grad():
        metrics = balance(model, codes) | {"reconstruction_psnr": reconstruction_psnr(model, truth)}
        limits = domain.calibrate(model, truth, degrade.parse(config.robust.damage))
    return {
        "kind": "age",
        "training": config.model_dump(mode="json"),
        "images_seen": sum(stage.steps * stage.batch_size for stage in training.stages),
        "validation": metrics,
        "domain": limits,
        **provenance,
    }
