"""`agerestore.train`: from a folder of clean images to a model."""

import warnings
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TypedDict, Unpack

import torch

from agerestore import device as devices
from agerestore import machine
from agerestore.config.training import TrainConfig, read_config, train_config
from agerestore.data.datasets import TrainingSet
from agerestore.data.sources import load_training_set
from agerestore.errors import UsageError
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.training.cost import Estimate, estimate_cost
from agerestore.training.logger import Progress
from agerestore.training.session import Session

AnyPath = str | PathLike[str]


class TrainOptions(TypedDict, total=False):
    """Keyword options that `train` and `estimate` share."""

    preset: str | None
    settings: Sequence[str]
    augment: bool
    init: AnyPath | Model | None
    resume: bool
    device: str
    precision: str
    threads: int
    seed: int


def train(
    data: AnyPath | TrainingSet,
    *,
    out: AnyPath,
    preset: str | None = None,
    settings: Sequence[str] = (),
    augment: bool = False,
    init: AnyPath | Model | None = None,
    resume: bool = False,
    data_license: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Path:
    """Train a model on clean images.

    Args:
        data: a folder of images, or of a published set (see `agerestore.data.layouts`); or a set that is
            in memory.
        out: folder of the run; must be new or empty unless ``resume``. See `agerestore.training.session.Session.run`
            for what it holds then.
        preset: networks, update steps and schedule to start from; ``age`` if not given.
        settings: such as ``"steps=2000"`` or ``"network.width=16"``, which change the preset.
        augment: vary geometry and color of the clean images.
        init: start from the weights of a shipped model, of a .safetensors file, or of what `agerestore.load` gave.
        resume: go on from the last good state in ``out``. Without preset and settings those it was begun with hold.
        data_license: license of the training data, for the header of the weights.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``fp32`` or ``bf16``; ``auto`` leaves the choice to the preset, but a GPU that only emulates bf16
            computes in ``fp32``.
        threads: to compute with; 0 leaves the choice to torch.
        seed: of everything that is drawn.
        progress: called every ``log_every`` iterations.
        stop: asked after every iteration; once true, the state is saved and KeyboardInterrupt raised.

    Returns:
        The path of the weights, ``out/final.safetensors``, which `agerestore.load` loads. Of several processes that
        torchrun started within `agerestore.distributed.init`, one writes them.

    Warns:
        UserWarning: a file of ``data`` was left out.

    Raises:
        UsageError: an unknown preset or setting, or settings, set and folder that do not fit each other.
        NothingReadableError: no readable image in ``data``.
        AgeRestoreError: a loss became NaN or infinite; the last good state stays.
        KeyboardInterrupt: ``stop`` said so.
    """
    session = _prepare(
        data, Path(out), preset=preset, settings=settings, augment=augment, init=init, resume=resume, device=device,
        precision=precision, threads=threads, seed=seed,
    )  # fmt: skip
    machine.keep_memory()
    provenance = {"data": Path(data).name} if isinstance(data, str | PathLike) else {}
    if data_license is not None:
        provenance["data_license"] = data_license
    return session.run(progress or (lambda progress: None), stop or (lambda: False), provenance)


def estimate(data: AnyPath | TrainingSet, *, out: AnyPath, **options: Unpack[TrainOptions]) -> Estimate:
    """Check a run and estimate its cost, without writing anything; for arguments and errors see `train`."""
    return estimate_cost(_prepare(data, Path(out), **options).training)


def _prepare(data: AnyPath | TrainingSet, out: Path, **options: Unpack[TrainOptions]) -> Session:
    devices.set_threads(options.get("threads", 0))
    where = devices.choose(options.get("device", "auto"))
    config = _config(out, options, where)
    init = options.get("init")
    model = zoo.load(fspath(init)) if isinstance(init, str | PathLike) else init
    images = load_training_set(Path(data), config) if isinstance(data, str | PathLike) else data
    for line in images.skipped:
        warnings.warn(line, stacklevel=3)
    return Session(config, images, out, where, model, options.get("resume", False))


def _config(out: Path, options: TrainOptions, device: torch.device) -> TrainConfig:
    """The configuration that the options name; that of a run that is resumed, if they name none."""
    precision, settings = options.get("precision", "auto"), options.get("settings", ())
    if isinstance(settings, str):
        raise UsageError(f"`settings` is a list of texts such as {[settings]!r}, not one text")
    given = [
        *settings,
        *(["augment=true"] if options.get("augment") else []),
        *([f"seed={options['seed']}"] if options.get("seed") else []),
        *([] if precision == "auto" else [f"precision={precision}"]),
    ]
    preset = options.get("preset")
    if options.get("resume") and preset is None and not given:
        return read_config(out / "config.json")
    if devices.emulates_bf16(device):  # first: a precision that is asked for replaces it
        given.insert(0, "precision=fp32")
    return train_config(preset or "age", tuple(given))
