"""Where and how to compute: device, precision, threads, memory."""

import ctypes
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor

from agerestore.errors import UsageError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
BF16_CAPABILITY = (8, 0)  # compute capability of the first NVIDIA GPUs with bf16, Ampere
KEPT = 2**30  # bytes; a tile of a large photograph takes 0.4 to 0.7 of it


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


def keep_memory() -> None:
    """Let the process keep memory that it has freed, up to `KEPT`, for the next layer, image or training step.

    Otherwise each asks the system for the same pages again, which takes up to a third as long as its computing
    (docs/performance.md). Of glibc alone, on Linux; elsewhere nothing changes.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(M_MMAP_MAX, 0)  # large blocks, too, which otherwise go back to the system at once
    mallopt(M_TRIM_THRESHOLD, KEPT)


def free_memory() -> int:
    """Bytes of main memory that are free; a careful guess where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 2**31


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
