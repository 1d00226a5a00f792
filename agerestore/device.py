"""Where and how to compute: device, precision, threads."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from agerestore.errors import UsageError

BF16_CAPABILITY = (8, 0)  # compute capability of the first NVIDIA GPUs with bf16, Ampere


def choose(name: str = "auto") -> torch.device:
    """The device of a name: ``auto`` takes CUDA, else Apple's MPS, else the CPU.

    Raises:
        UsageError: an unknown device, or one this machine does not have.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    kind = name.partition(":")[0]
    if kind not in available:
        raise UsageError(f"device {name!r} is unknown; choose auto, cpu, cuda, cuda:N or mps")
    if not available[kind]:
        raise UsageError(f"device {name}: this machine has none that torch can use; choose cpu or auto")
    return torch.device(name)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor that is on the CPU, on a device; what a GPU is computing there is not waited for."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def set_threads(count: int) -> None:
    """Compute with ``count`` threads; 0 leaves torch's choice."""
    if count:
        torch.set_num_threads(count)


def fastest(device: torch.device) -> str:
    """``bf16`` where the device computes in it faster than in ``fp32``, else ``fp32``."""
    if device.type == "cpu":
        # Not in torch's public interface: where it is missing, nothing but speed is lost.
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        return "bf16" if supported() else "fp32"
    return "bf16" if device.type == "cuda" and not emulates_bf16(device) else "fp32"


def emulates_bf16(device: torch.device) -> bool:
    """Whether a device is an NVIDIA GPU before Ampere, on which bf16 is slower than fp32.

    `torch.cuda.is_bf16_supported` counts these in.
    """
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability(device) < BF16_CAPABILITY


def resolve_precision(name: str, auto: str = "fp32") -> str:
    """``fp32`` or ``bf16``; ``auto`` becomes the argument ``auto``.

    Raises:
        UsageError: an unknown precision.
    """
    if name not in ("auto", "fp32", "bf16"):
        raise UsageError(f"precision {name!r} is unknown; choose auto, fp32 or bf16")
    return auto if name == "auto" else name


def precision(name: str, device: torch.device, auto: str = "fp32") -> AbstractContextManager[None]:
    """A context in which networks compute in the precision that `resolve_precision` gives."""
    chosen = resolve_precision(name, auto)
    return torch.autocast(device.type, torch.bfloat16, enabled=chosen == "bf16")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short: Python's, or torch's own on any device."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )
