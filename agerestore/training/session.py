"""One run from a configuration and images to weights; it resumes exactly.

A run is a sequence of stages (`agerestore.training.stages`). A killed run that is resumed equals an uninterrupted one,
bit for bit on one machine, thread count and set of versions. Within `agerestore.distributed.init` all processes run
the same loop on their parts of each batch; the first of them writes.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agerestore import distributed, files
from agerestore.config import legacy
from agerestore.config.training import SAMPLES_PER_CONDITION, TrainConfig, read_config
from agerestore.data.datasets import TrainingSet, num_held_out, split_validation
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.models import weights
from agerestore.models.base import Model
from agerestore.training.logger import Logger, NullLogger, Progress
from agerestore.training.resume import load_state
from agerestore.training.stages import Stage, stages
from agerestore.training.state import Training
from agerestore.training.validation import Validator, validator

DIGEST = "data_digest"
FINAL = "final.safetensors"


class Session:
    """A run that is ready to start; nothing is written yet.

    Attributes:
        training: the state of the run.
    """

    def __init__(
        self,
        config: TrainConfig,
        images: TrainingSet,
        out: Path,
        device: torch.device,
        init: Model | None,
        resume: bool,
    ) -> None:
        """Check the settings, build the networks, and take up what a resumed run left.

        Args:
            config: see `agerestore.config.training.train_config`.
            images: the whole training set; ``config.validation`` of it is held out.
            out: the folder of the run; must be new or empty unless ``resume``.
            device: where to train.
            init: start from these weights instead of fresh ones; its networks may differ from those of ``config`` as
                `agerestore.models.net2net.load_pretrained` says.
            resume: go on from the last good state in ``out``, with the settings it was begun with but for
                `agerestore.config.training.RUNTIME_FIELDS`.

        Raises:
            UsageError: ``out`` is in use or was begun on other images, no stage has any steps, the set is smaller
                than one batch, or ``init`` does not fit.
        """
        part, validation = split_validation(images, config.validation)
        todo = stages(config, len(part))
        _refuse_stages(config, todo, part)
        _refuse_folder(out, config, resume)
        self.training = Training(config, part, distributed.local_device(device), todo)
        if init is not None:
            self.training.start_from(init)
        if resume:
            self.training.resume(load_state(out))
        self._config, self._images, self._out, self._resume = config, images, out, resume
        self._has_init = init is not None
        self._held_out = validation if len(validation) else part.take(torch.arange(min(len(part), 1000)))

    def run(self, progress: Callable[[Progress], None], stop: Callable[[], bool], provenance: dict[str, Any]) -> Path:
        """Train to the end.

        The folder then holds ``final.safetensors``, ``config.json``, ``provenance.json``, ``log.jsonl`` (a line of
        loss terms every ``log_every`` iterations, one of metrics with each sheet), ``sheets/`` (contact sheets) and
        ``state/``, from which the run resumes.

        Args:
            progress: called every ``log_every`` iterations.
            stop: asked after every iteration; once true, the state is saved and KeyboardInterrupt raised.
            provenance: JSON values for the header of the weights, such as the name and license of the training data;
                those that a resumed run was begun with stay where these do not say otherwise.

        Raises:
            UsageError: the run was begun on other images.
            AgeRestoreError: a loss became NaN or infinite; the last good state stays.
            KeyboardInterrupt: ``stop`` said so.
        """
        if not self._resume:
            distributed.barrier()  # until all have seen that the folder is empty
            self._out.mkdir(parents=True, exist_ok=True)
            if distributed.is_main():
                files.write(self._out / "config.json", self._config.model_dump_json(indent=1).encode())
        known = _provenance(self._out, _describe_set(self._images, self._config) | provenance, self._resume)
        training = self.training
        judge = validator(self._config, self._held_out, training.device)
        logger = Logger(self._out, training, judge, progress) if distributed.is_main() else NullLogger()
        if self._resume:
            logger.truncate()
        elif self._has_init:
            logger.save()  # nothing else in the folder says where the run began
        for number in range(training.number, len(training.stages)):
            if number != training.number:
                training.enter(number)
            _run_stage(training, logger, stop)
        return _leave_weights(training, judge, known, self._out / FINAL)


def _refuse_stages(config: TrainConfig, todo: Sequence[Stage], images: TrainingSet) -> None:
    """Refuse a run without steps, batches that the processes cannot divide, and sets smaller than a batch."""
    if not todo:
        raise UsageError("there is nothing to train: every stage has 0 steps")
    count = distributed.world_size()
    for stage in todo:
        size = stage.batch_size
        if size % count:
            raise UsageError(f"a batch of {size} does not divide by {count} processes; set another batch_size")
    least = SAMPLES_PER_CONDITION * count
    if config.compares_draws and config.batch_size < least:
        parts = f" in each of {count} processes" if count > 1 else ""
        compared = f"kl_within and variance_ratio compare {SAMPLES_PER_CONDITION} draws{parts}"
        raise UsageError(f"{compared}: set batch_size={least} or more")
    widest = max(todo, key=lambda stage: stage.batch_size)
    if images.largest_batch < widest.batch_size:
        what = f"fewer than one batch of the stage {widest.name} ({widest.batch_size})"
        raise UsageError(f"{len(images)} images are {what}; add images, or set smaller batches or no steps for it")


def _refuse_folder(out: Path, config: TrainConfig, resume: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; choose a folder for the run")
    if resume and not config.learns_like(read_config(out / "config.json")):
        raise UsageError(f"{out}: begun with other settings; resume with those in {out / 'config.json'}")
    if not resume and out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out}: not empty; pass `resume=True` to go on with the run in it, or choose another folder")


def _describe_set(images: TrainingSet, config: TrainConfig) -> dict[str, Any]:
    """What the header of the weights says of the images."""
    held_out = num_held_out(len(images), config.validation)
    of = {} if held_out else {"validation_of": "training pictures"}
    return {"training_images": len(images) - held_out, "held_out_images": held_out, DIGEST: images.digest(), **of}


def _provenance(out: Path, provenance: dict[str, Any], resume: bool) -> dict[str, Any]:
    """What is known of the training data: what is said now, and what was said before and is not said again.

    Raises:
        UsageError: the run was begun on other images.
    """
    path = out / "provenance.json"
    try:
        before = legacy.header(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        known = {**before, **provenance}
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: not readable ({error}); remove it, and state `data_license` anew") from None
    if resume and before.get(DIGEST, known[DIGEST]) != known[DIGEST]:
        raise UsageError(f"{out}: begun on other images; give those as they were, or begin a new run with `init`")
    if distributed.is_main():
        files.write(path, json.dumps(known, indent=1).encode())
    return known


def _run_stage(training: Training, logger: NullLogger, stop: Callable[[], bool]) -> None:
    """Iterate to the end of the current stage, writing log and state on the way."""
    config, stage = training.config, training.stage
    saved = time.monotonic()
    while training.step < stage.steps:
        terms = training.iterate()
        last, late = training.step == stage.steps, time.monotonic() - saved > 60 * config.state_minutes
        stopping, late = distributed.all_reduce_any(stop(), late)
        if training.step % config.log_every == 0 or last:
            _check_finite(terms, stage.name, training.step)
            logger.log(terms)
        if training.step % config.sheet_every == 0 or last:
            logger.log_images()
        if last or stopping or late:
            _check_finite(terms, stage.name, training.step)  # a state that holds NaN would be no good state
            logger.save()
            saved = time.monotonic()
        if stopping and not last:
            raise KeyboardInterrupt


def _check_finite(terms: dict[str, Tensor], stage: str, step: int) -> None:
    wrong = [name for name, value in terms.items() if not torch.isfinite(value)]
    if wrong:
        raise AgeRestoreError(
            f"{stage} iteration {step}: {wrong[0]} is not finite; lower the learning rate (lr) or raise the "
            "reconstruction weights, then start again or resume from the last good state"
        )


def _leave_weights(training: Training, judge: Validator, provenance: dict[str, Any], path: Path) -> Path:
    """Write the averaged networks that are for use, with a header that says how they were trained."""
    trained: set[str] = set().union(*(stage.learners for stage in training.stages))
    networks = training.average.strip_for_inference(trained)
    if distributed.is_main():
        seen = training.images_before + sum(stage.steps * stage.batch_size for stage in training.stages)
        header = {
            "training": training.config.model_dump(mode="json"),
            "images_seen": seen,
            **judge.summary(networks),
            "data_license": "not stated",
            **provenance,
        }
        weights.save_weights(path, networks, header)
    distributed.barrier()
    return path
