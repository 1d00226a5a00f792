"""Training state on disk, from which a run resumes: a folder of shards of at most 15 MB, replaced as a whole."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from agerestore import files
from agerestore.config import legacy
from agerestore.errors import WeightsError

SHARD_BYTES = 15_000_000


def save_state(folder: Path, tensors: dict[str, Tensor], description: Mapping[str, Any]) -> None:
    """Replace the training state in ``folder`` by a new one; a crash or a full disk leaves the old one whole.

    Args:
        folder: holds ``state/``, the last good state.
        tensors: flat, any dtype and device.
        description: JSON values, such as the step.
    """
    data = safetensors.torch.save({name: value.contiguous().cpu() for name, value in tensors.items()})
    new, current, old = (folder / name for name in ("state.new", "state", "state.old"))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        shards = [data[start : start + SHARD_BYTES] for start in range(0, len(data), SHARD_BYTES)]
        for number, shard in enumerate(shards):
            files.write(new / f"shard-{number:03d}", shard)
        index = {"sha256": hashlib.sha256(data).hexdigest(), "shards": len(shards), **description}
        files.write(new / "index.json", json.dumps(index).encode())
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    if current.exists():
        current.rename(old)
    new.rename(current)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The last good training state: (tensors, description), or None where there is none.

    Raises:
        WeightsError: the state is damaged.
    """
    # Killed between the two renames of `save_state`, the last good state is still called state.old.
    state = next((folder / name for name in ("state", "state.old") if (folder / name / "index.json").exists()), None)
    if state is None:
        return None
    try:
        index = json.loads((state / "index.json").read_text(encoding="utf-8"))
        data = b"".join((state / f"shard-{number:03d}").read_bytes() for number in range(index["shards"]))
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{state}: unreadable training state ({error}); start a new run") from None
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise WeightsError(f"{state}: damaged training state; start a new run")
    return legacy.state(safetensors.torch.load(data)), index


def flatten_optimizer(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """The tensors of an optimizer's state under flat names."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}{i}.{name}": value for i, entry in state.items() for name, value in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Undo `flatten_optimizer`; the optimizer must be over the same parameters in the same order."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            number, key = name.removeprefix(prefix).split(".")
            like = parameters[int(number)]
            if value.shape == like.shape:
                # Fused Adam walks the memory of weight and moments alike: they must be laid out alike.
                value = torch.empty_like(like).copy_(value)
            entries.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
