"""Weights files: one safetensors file whose header holds the whole configuration.

Loading needs nothing else and runs no code from the file. The header is JSON under the metadata key ``agerestore``:
``format``, ``network`` (see `agerestore.config.networks`), and what a run says of its training. Files of format 1 have
names of earlier versions, which `agerestore.config.legacy` translates.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from pydantic import BaseModel
from torch import Tensor

from agerestore import files
from agerestore.config import legacy
from agerestore.config.networks import AnyNetworkConfig, NetworkConfig
from agerestore.config.training import parse
from agerestore.errors import UsageError, WeightsError
from agerestore.models.base import Model, ModelNetworks
from agerestore.models.file_kinds import what_it_is
from agerestore.models.layers import spectral
from agerestore.models.registry import build

FORMAT = 2  # 1: names of agerestore 0.1


class _Described(BaseModel):
    """The part of a header that says what to build."""

    network: AnyNetworkConfig


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


def save_weights(path: Path, networks: ModelNetworks, header: Mapping[str, Any]) -> None:
    """Write networks as fp16 safetensors (vectors, such as batch statistics, stay fp32).

    Args:
        path: the .safetensors file, written whole or not at all.
        networks: of any kind.
        header: training data, images seen, metrics, license of the data and so on; JSON values.
    """
    tensors = {
        name: (value.half() if value.dim() > 1 else value).contiguous().cpu()
        for name, value in networks.state_dict().items()
    }
    description = {**header, "format": FORMAT, "network": networks.config.model_dump()}
    written = json.dumps(description, sort_keys=True, separators=(",", ":"))
    files.write(path, safetensors.torch.save(tensors, {"agerestore": written}))


def read_header(path: Path) -> dict[str, Any]:
    """The header of a weights file, without its tensors.

    Raises:
        WeightsError: missing file, damaged file, or not one of ours.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get("agerestore")
        header = None if written is None else legacy.header(json.loads(written))
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such weights; give a shipped model's name or a .safetensors file") from None
    except (OSError, ValueError, TypeError, AttributeError, safetensors.SafetensorError):
        header = None
    if not isinstance(header, dict):
        raise WeightsError(_not_ours(path))
    if header.get("format") not in range(1, FORMAT + 1):
        raise WeightsError(f"{path}: format {header.get('format')} is not known to this version; upgrade agerestore")
    return header


def _not_ours(path: Path) -> str:
    try:
        return f"{path}: not weights of agerestore: it {what_it_is(path)}"
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror}); give a .safetensors file"


def network_of(header: Mapping[str, Any], path: Path) -> NetworkConfig:
    """The configuration of the networks in a header.

    Args:
        header: as of `read_header`.
        path: of the file, for error messages.

    Raises:
        WeightsError: there is none, or none that this version knows.
    """
    try:
        return parse(_Described, {"network": header["network"]}, str(path)).network
    except (KeyError, UsageError) as error:
        raise WeightsError(f"{path}: its header describes no networks ({error}); copy the file again") from None


def load_weights(path: Path, name: str = "") -> Model:
    """Build the model that a weights file describes, in eval mode, fp32, on the CPU.

    Args:
        path: the .safetensors file.
        name: of the model; if empty, the path.

    Raises:
        WeightsError: missing, damaged or tampered file.
    """
    header = read_header(path)
    try:
        networks = build(network_of(header, path))
        spectral.remove_spectral_norm(networks)  # weights files have plain weights
        tensors = legacy.tensors(safetensors.torch.load_file(path))
        networks.add_networks({tensor.split(".")[0] for tensor in tensors})
        _check_tensors(networks, tensors)
        networks.load_state_dict(tensors)
    except (OSError, KeyError, RuntimeError, UsageError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path}: header and tensors do not fit ({reason}); copy the file again") from None
    networks.to(memory_format=networks.memory_format)
    return Model(networks.eval().requires_grad_(False), header, name or str(path))


def _check_tensors(networks: ModelNetworks, tensors: Mapping[str, Tensor]) -> None:
    """Name one tensor that is missing, unexpected or of another shape; torch's message would begin with none."""
    wanted, found = ({name: value.shape for name, value in each.items()} for each in (networks.state_dict(), tensors))
    if others := [name for name in wanted | found if wanted.get(name) != found.get(name)]:
        raise UsageError(f"{others[0]} is not that of these networks")
