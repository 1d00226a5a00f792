"""The one training loop, from a configuration and images to weights; exact resume.

A run is a sequence of stages (`agerestore.training.stages`), such as the game and what encoders learn after it. A
killed run continued equals an uninterrupted one, bit for bit on one machine, thread count and set of versions. Within
`processes.joined` all processes run the same loop on their parts of each batch; the first of them writes.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from agerestore import distributed, files
from agerestore.config import legacy
from agerestore.config.training import SAMPLES_PER_CONDITION, TrainConfig, read_config
from agerestore.data.datasets import AnySet, ImageSet, dataset_digest, num_held_out, split_validation
from agerestore.errors import AgeRestoreError, UsageError
from agerestore.models import weights
from agerestore.models.base import Model
from agerestore.training.logger import Logger, NullLogger, Progress, weights_header
from agerestore.training.resume import load_state
from agerestore.training.stages import stages
from agerestore.training.state import Training
from agerestore.training.validation import validator

DIGEST = "data_digest"


def train(
    config: TrainConfig,
    images: AnySet,
    run: Path,
    *,
    device: torch.device | str = "cpu",
    init: Model | None = None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress], None] = lambda progress: None,
    provenance: dict[str, Any] | None = None,
) -> Path:
    """Train a model and leave ``run/final.safetensors``.

    Beside it the run folder holds ``config.json``, ``provenance.json``, ``log.jsonl`` (a line of terms every
    ``log_every`` iterations, one of figures with each sheet), ``sheets/`` (what the networks make of pictures) and
    ``state/``, from which it resumes.

    Args:
        config: see `agerestore.config.training.train_config`.
        images: the whole training set; ``config.validation`` of it is held out.
        run: the folder to fill; must be new or empty unless ``resume``.
        device: where to train.
        init: start from these weights instead of fresh ones; its networks may differ from those of ``config``
            as `agerestore.models.net2net.load_pretrained` says.
        resume: go on from the last good state in ``run``, with the settings it was begun with but for
            `agerestore.config.training.RUNTIME_FIELDS`.
        stop: asked after every iteration; once true, the state is saved and KeyboardInterrupt raised.
        report: told the progress every ``log_every`` iterations.
        provenance: JSON values for the header of the weights, such as the name and terms of the training data; those
            that a resumed run was begun with stay where these do not say otherwise.

    Returns:
        The path of the weights.

    Raises:
        UsageError: ``run`` is in use or was begun on other pictures, no stage has any steps, the set is smaller than
            one batch, or ``init`` does not fit.
        AgeRestoreError: a loss became NaN or infinite; the last good state stays.
        KeyboardInterrupt: ``stop`` said so.
    """
    training, held_out = prepare(config, images, run, device=device, init=init, resume=resume)
    if not resume:
        distributed.barrier()  # until all have seen that the folder is empty
        run.mkdir(parents=True, exist_ok=True)
        if distributed.is_main():
            files.write(run / "config.json", config.model_dump_json(indent=1).encode())
    known = _remembered(run, _set(images, config) | (provenance or {}), resume)
    judge = validator(config, held_out, training.device)
    journal = (Logger if distributed.is_main() else NullLogger)(run, training, judge, report)
    if resume:
        journal.rewind()
    elif init is not None:
        journal.save()  # nothing else in the run's folder says where it began
    for number in range(training.number, len(training.stages)):
        if number != training.number:
            training.enter(number)
        _run_stage(training, journal, stop)
    final = run / "final.safetensors"
    trained = set().union(*(stage.learners for stage in training.stages))
    training.average = training.average.strip_for_inference(trained)
    if distributed.is_main():
        weights.save_weights(final, training.average, weights_header(training, judge, known))
    distributed.barrier()
    return final


def prepare(
    config: TrainConfig,
    images: AnySet,
    run: Path,
    *,
    device: torch.device | str = "cpu",
    init: Model | None = None,
    resume: bool = False,
) -> tuple[Training, AnySet]:
    """Everything before the first iteration of `train`, whose arguments these are; nothing is written.

    Returns:
        The state of the run, and the images to judge its networks by.

    Raises:
        UsageError: see `train`.
    """
    part, validation = split_validation(images, config.validation)
    _refuse_division(config, len(part), distributed.world_size())
    todo = stages(config, len(part))
    if not todo:
        raise UsageError("there is nothing to train: every stage has 0 steps")
    widest = max(todo, key=lambda stage: stage.batch_size)
    if isinstance(part, ImageSet) and len(part) < widest.batch_size:
        what = f"fewer than one batch of the stage {widest.name} ({widest.batch_size})"
        raise UsageError(f"{len(part)} images are {what}; add images, or set smaller batches or no steps for it")
    _refuse_folder(run, config, resume)
    training = Training(config, part, distributed.local_device(torch.device(device)))
    if init is not None:
        training.start_from(init)
    if resume:
        _resume(training, run)
    return training, validation if len(validation) else part.take(torch.arange(min(len(part), 1000)))


def _refuse_division(config: TrainConfig, images: int, count: int) -> None:
    """Refuse batches of which ``count`` processes have no equal parts, or too few draws to compare."""
    for stage in stages(config, images):
        size = stage.batch_size
        if size % count:
            raise UsageError(f"a batch of {size} does not divide by {count} processes; set another batch_size")
    if config.compares_draws and config.batch_size < SAMPLES_PER_CONDITION * count:
        parts = f" in each of {count} processes" if count > 1 else ""
        least = SAMPLES_PER_CONDITION * count
        compared = f"kl_within and variance_ratio compare {SAMPLES_PER_CONDITION} draws{parts}"
        raise UsageError(f"{compared}: set batch_size={least} or more")


def _refuse_folder(run: Path, config: TrainConfig, resume: bool) -> None:
    if run.exists() and not run.is_dir():
        raise UsageError(f"{run}: is a file; choose a folder with --out")
    if resume and not config.learns_like(read_config(run / "config.json")):
        raise UsageError(f"{run}: begun with other settings; resume with those in {run / 'config.json'}")
    if not resume and run.is_dir() and any(run.iterdir()):
        raise UsageError(f"{run}: not empty; pass --resume to go on with it, or choose another --out")


def _set(images: AnySet, config: TrainConfig) -> dict[str, Any]:
    """What the header of the weights says of the pictures."""
    held_out = num_held_out(len(images), config.validation)
    of = {} if held_out else {"validation_of": "training pictures"}
    return {
        "training_images": len(images) - held_out,
        "held_out_images": held_out,
        DIGEST: dataset_digest(images),
        **of,
    }


def _remembered(run: Path, provenance: dict[str, Any], resume: bool) -> dict[str, Any]:
    """What is said of the training data now, and what was said before and is not said again.

    Raises:
        UsageError: the run was begun on other pictures.
    """
    path = run / "provenance.json"
    try:
        before = legacy.header(json.loads(path.read_text())) if path.exists() else {}
        known = {**before, **provenance}
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: not readable ({error}); remove it, and state the data license anew") from None
    if resume and before.get(DIGEST, known[DIGEST]) != known[DIGEST]:
        raise UsageError(f"{run}: begun on other pictures; give those as they were, or begin a new run with --init")
    if distributed.is_main():
        files.write(path, json.dumps(known, indent=1).encode())
    return known


def _resume(training: Training, run: Path) -> None:
    found = load_state(run)
    if found is not None:
        tensors, index = found
        training.restore(tensors, index["stage"], index["step"])
        training.images_before = index["images_before"]


def _run_stage(training: Training, journal: Logger, stop: Callable[[], bool]) -> None:
    """Iterate to the end of the current stage, writing the journal and the state as it goes."""
    config, stage = training.config, training.stage
    saved = time.monotonic()
    while training.step < stage.steps:
        terms = training.iterate()
        last, late = training.step == stage.steps, time.monotonic() - saved > 60 * config.state_minutes
        stopping, late = distributed.all_reduce_any(stop(), late)
        if training.step % config.log_every == 0 or last:
            _check_finite(terms, stage.name, training.step)
            journal.note(terms)
        if training.step % config.sheet_every == 0 or last:
            journal.draw()
        if last or stopping or late:
            _check_finite(terms, stage.name, training.step)  # a state that holds NaN would be no good state
            journal.save()
            saved = time.monotonic()
        if stopping and not last:
            raise KeyboardInterrupt


def _check_finite(terms: dict[str, Tensor], stage: str, step: int) -> None:
    wrong = [name for name, value in terms.items() if not torch.isfinite(value)]
    if wrong:
        raise AgeRestoreError(
            f"{stage} iteration {step}: {wrong[0]} is not finite; lower the learning rate (--set lr=...) "
            "or raise the reconstruction weights, then start again or --resume from the last good state"
        )
