"""State on disk: weights that people load, and the training state a run resumes from.

Weights are one safetensors file whose header holds the whole configuration; loading needs nothing else and runs
no code from the file. Training state is a folder of shards of at most 15 MB, replaced as a whole or not at all.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel
from torch import Tensor

from agerestore import files
from agerestore.config import legacy
from agerestore.config.networks import AnyNetworkConfig
from agerestore.config.training import parse
from agerestore.errors import UsageError, WeightsError
from agerestore.models.fuse import folded
from agerestore.models.layers import spectral
from agerestore.models.registry import Autoencoder, Model, PhotoModel, build
from agerestore.models.subpixel import with_bf16_weights, woven

FORMAT = 1


class _Described(BaseModel):
    """The part of a header that says what to build."""

    network: AnyNetworkConfig


@dataclass(frozen=True)
class LoadedModel:
    """Weights, ready to use.

    Attributes:
        networks: in eval mode, fp32, without gradients.
        header: what the file says of itself: ``network``, ``training``, ``validation``, ``domain``, ``data_license``...
    """

    networks: Model
    header: dict[str, Any]

    @cached_property
    def quick(self) -> Model:
        """The networks as they answer soonest, up to rounding: a copy with batch norms folded; made once."""
        return folded(self.networks)

    @cached_property
    def quick_bf16(self) -> Model:
        """As `quick`, for a processor under autocast to bf16, and without gradients."""
        return with_bf16_weights(woven(self.quick))

    def to(self, device: torch.device | str) -> "LoadedModel":
        """The model on a device. As with `torch.nn.Module.to`, its networks move: use what comes back, not this."""
        return LoadedModel(self.networks.to(device), self.header)


SHARD_BYTES = 15_000_000


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a weights file.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); give a .safetensors file") from None


# ---------------------------------------------------------------------------------------------- weights


def save_weights(path: Path, model: Model, header: Mapping[str, Any]) -> None:
    """Write a model as fp16 safetensors (vectors, such as batch statistics, stay fp32).

    Args:
        path: the .safetensors file.
        model: the networks.
        header: what the card knows: training data, images seen, metrics and so on; JSON values.
    """
    tensors = {
        name: (value.half() if value.dim() > 1 else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    description = {"format": FORMAT, "network": model.config.model_dump(), **header}
    written = json.dumps(description, sort_keys=True, separators=(",", ":"))
    files.write(path, safetensors.torch.save(tensors, {"agerestore": written}))


def read_header(path: Path) -> dict[str, Any]:
    """The description inside a weights file, without its tensors.

    Raises:
        WeightsError: missing file, damaged file, or not one of ours.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = legacy.header(json.loads(file.metadata()["agerestore"]))
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such weights; `agerestore models list` shows what is there") from None
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{path}: not weights of agerestore, or damaged ({error}); copy the file again") from None
    if header.get("format") != FORMAT:
        raise WeightsError(f"{path}: format {header.get('format')} is not known to this version; upgrade agerestore")
    return header


def load_weights(path: Path) -> LoadedModel:
    """Build the model a weights file describes, in eval mode, fp32, on the CPU.

    Raises:
        WeightsError: missing, damaged or tampered file.
    """
    header = read_header(path)
    try:
        model = build(parse(_Described, {"network": header["network"]}, str(path)).network)
        spectral.bake(model)  # what is for use has plain weights
        tensors = legacy.tensors(safetensors.torch.load_file(path))
        if isinstance(model, Autoencoder) and any(name.startswith("robust_encoder.") for name in tensors):
            model.add_robust_encoder()
        _refuse_others(model, tensors)
        model.load_state_dict(tensors)
    except (OSError, KeyError, RuntimeError, UsageError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path}: header and tensors do not fit ({reason}); copy the file again") from None
    if isinstance(model, PhotoModel):
        model.to(memory_format=torch.channels_last)  # twice as fast on large pictures
    return LoadedModel(model.eval().requires_grad_(False), header)


def _refuse_others(model: Model, tensors: Mapping[str, Tensor]) -> None:
    """Name one tensor that is not as the networks have it; torch would name none in its first line, and then all."""
    wanted, found = ({name: value.shape for name, value in each.items()} for each in (model.state_dict(), tensors))
    if others := [name for name in wanted | found if wanted.get(name) != found.get(name)]:
        raise UsageError(f"{others[0]} is not that of these networks")


# ---------------------------------------------------------------------------------------------- training state


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
        index = json.loads((state / "index.json").read_text())
        data = b"".join((state / f"shard-{number:03d}").read_bytes() for number in range(index["shards"]))
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{state}: unreadable training state ({error}); start again without --resume") from None
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise WeightsError(f"{state}: damaged training state; start again without --resume")
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
