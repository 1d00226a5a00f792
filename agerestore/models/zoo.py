"""The shipped models: names, checksums, what each is for, and loading any model by name or path."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from agerestore import device as devices
from agerestore import files
from agerestore.errors import UsageError, WeightsError
from agerestore.models.base import Model
from agerestore.models.layers import efficientnet_lite
from agerestore.models.registry import KINDS
from agerestore.models.shipped import folder
from agerestore.models.weights import load_weights, network_of, read_header, sha256

FINAL = "final.safetensors"  # what a run leaves in its folder
State = tuple[tuple[str, int, int], ...]  # see `state`


def index() -> dict[str, dict[str, Any]]:
    """What ``index.json`` says of each shipped model, by name.

    ``sha256`` of its file, its ``purpose`` in one line, and ``default_for``: the verb whose ``model="auto"`` chooses
    from it, ``restore`` or ``colorize``; ``detect`` of the one that finds defects; or None.

    Raises:
        WeightsError: they are not installed, or the index cannot be read.
    """
    try:
        rows: dict[str, dict[str, Any]] = json.loads((folder() / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder() / 'index.json'}: unreadable ({error}); reinstall agerestore") from None
    return rows


def names() -> list[str]:
    """Names of the shipped models."""
    return sorted(index())


def _listed() -> str:
    return ", ".join(names())


def weights_path(name_or_path: str | Path) -> Path:
    """The weights file of a shipped model, of a path, or of the folder of a training run.

    Raises:
        UsageError: neither a name nor a path.
        WeightsError: neither a shipped name nor a file, nor the folder of a run that is done.
    """
    if not isinstance(name_or_path, str | PathLike):
        raise UsageError(f"`model` must be a name, a path or a Model, not {type(name_or_path).__name__}")
    if str(name_or_path) in index():
        return folder() / f"{name_or_path}.safetensors"
    path = Path(name_or_path)
    if (path / FINAL).is_file():
        return path / FINAL
    if path.is_dir():
        raise WeightsError(f"{path}: a folder without {FINAL}; give that of a run that is done, or a .safetensors file")
    if not path.is_file():
        raise WeightsError(f"no model {str(name_or_path)!r}; shipped are {_listed()}, or give a .safetensors file")
    return path


def verify(name: str) -> None:
    """Compare a shipped file with its checksum.

    Raises:
        WeightsError: not a shipped model, missing, or not the file that was shipped.
    """
    listed = index().get(name)
    if listed is None:
        raise WeightsError(f"{name}: not a shipped model, so there is no checksum to compare; those are {_listed()}")
    path = folder() / f"{name}.safetensors"
    if path.is_dir():
        raise WeightsError(f"{path}: a folder without {FINAL}; give that of a run that is done, or a .safetensors file")
    if not path.is_file():
        raise WeightsError(f"{path}: missing; reinstall agerestore")
    if sha256(path) != listed["sha256"]:
        read_header(path)  # says what the file is where it is none of ours, such as a pointer of Git LFS
        raise WeightsError(f"{path}: not the file that was shipped (SHA-256 differs); reinstall agerestore")
    KINDS[network_of(read_header(path), path).kind].verify_shared_weights()


def state() -> State:
    """What says whether a shipped file has changed since it was read: of each, its path, time of change and size."""
    found = ((path, path.stat()) for path in sorted(folder().glob("*")) if path.is_file())
    return tuple((str(path), status.st_mtime_ns, status.st_size) for path, status in found)


def fingerprint(name_or_path: str | Path) -> str:
    """SHA-256 of a model's weights file; of a shipped one as the index has it, which `load` compares."""
    listed = index().get(str(name_or_path))
    return str(listed["sha256"]) if listed else sha256(weights_path(name_or_path))


def load(name_or_path: str | Path = "photo", *, device: str | torch.device = "auto") -> Model:
    """Load a model, ready to use: in eval mode, fp32, without gradients.

    Args:
        name_or_path: name of a shipped model, whose checksum is compared; a .safetensors file; or the folder of a
            training run that is done.
        device: ``cpu``, ``cuda``, ``cuda:N``, ``mps``, or ``auto`` for the fastest there is.

    Returns:
        The model: its ``name``, ``task``, ``license`` and what it ``supports``; called, one forward pass.

    Raises:
        WeightsError: unknown name, missing, damaged or tampered file.
        UsageError: an unknown device, or one this machine does not have.

    >>> load("mnist", device="cpu")
    <Model 'mnist': restoration, autoencoder, 32x32 pixels, cpu>
    """
    where = devices.choose(str(device))
    if str(name_or_path) in index():
        verify(str(name_or_path))
    return load_weights(weights_path(name_or_path), str(name_or_path)).to(where)


def info(name_or_path: str | Path) -> dict[str, Any]:
    """Everything the header of a model says, with its path, size in bytes, kind and task, and its row of `index`."""
    path = weights_path(name_or_path)
    listed, header = index().get(str(name_or_path), {}), read_header(path)
    config = network_of(header, path)
    described = {"kind": config.kind, "task": KINDS[config.kind].task, "image_size": config.image_size}
    return {"path": str(path), "bytes": path.stat().st_size, **listed, **header, **described}


def write_index(pretrained: Path) -> None:
    """Bring the checksums in ``pretrained/index.json`` up to date with the weights in that folder, for a release."""
    path = pretrained / "index.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    for file in sorted(set(pretrained.glob("*.safetensors")) - {pretrained / efficientnet_lite.FILE}):
        rows.setdefault(file.stem, {"purpose": ""})["sha256"] = sha256(file)
    files.write(path, (json.dumps(rows, indent=1, sort_keys=True) + "\n").encode())


def automatic(verb: str = "restore") -> list[str]:
    """Names of the shipped models that ``model="auto"`` of a verb chooses from.

    A model of a general domain, such as small images of anything, takes no image for out-of-distribution, and redraws
    what the one for photographs would hardly touch: it is used only when it is named, or where little is left of an
    image that it recognizes (`agerestore.inference.severe_damage`).

    Args:
        verb: ``restore`` or ``colorize``; ``detect`` for the model that finds defects.
    """
    return [name for name, row in sorted(index().items()) if row.get("default_for") == verb]


def load_automatic(verb: str = "restore", *, device: str | torch.device = "auto") -> dict[str, Model]:
    """The shipped models that ``model="auto"`` of a verb chooses from, by name."""
    return {name: load(name, device=device) for name in automatic(verb)}


def detector_name() -> str:
    """Name of the shipped model that finds defects.

    Raises:
        WeightsError: there is none.
    """
    for name in automatic("detect"):
        return name
    raise WeightsError("no model that finds defects is installed; reinstall agerestore, or pass `mask='none'`")


def refuse_detection(models: Mapping[str, Model]) -> None:
    """Refuse to find defects for models of images of one size, in which none are found.

    Raises:
        UsageError: no other model is there.
    """
    if all(model.input.size is not None for model in models.values()):
        raise UsageError(f"model {next(iter(models))!r} takes no automatic mask; give one, or choose `model='photo'`")


def load_detector(models: Mapping[str, Model]) -> Model:
    """The shipped model that finds the defects which these models fill, on their device.

    Raises:
        UsageError: see `refuse_detection`.
    """
    refuse_detection(models)
    return load(detector_name(), device=next(iter(models.values())).device)
