"""Several processes that train as one, started by torchrun: the step of all is that of their batches put together.

Each process holds the same networks and computes with its part of the batch. What is not a mean over pictures needs the
whole batch: divergences see the codes of all (`of_all`), and so do the statistics of batch norms (`synchronize`). A
function of a mean takes the `mean` of all. All else is a mean, and its gradient the mean of the processes' gradients
(`average_gradients`).

Of a process that is alone, each of these is the identity. PyTorch's own SyncBatchNorm does not run on a CPU.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, distributed, nn


@contextmanager
def init() -> Iterator[None]:
    """Within it, the processes that torchrun started work together; nothing happens where it started none."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    # The first optimizer loads this module, whose functions keep the group of that time as a default. A group that is
    # kept outlives `destroy_process_group`, and its threads can abort the process as the interpreter ends.
    import_module("torch.distributed.nn")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def world_size() -> int:
    """How many processes work together."""
    return distributed.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return distributed.get_rank() if _together() else 0


def is_main() -> bool:
    """Whether this is the process that writes files and speaks to people."""
    return rank() == 0


def local_device(device: torch.device) -> torch.device:
    """This process's own of several CUDA devices, where none is named; else the one that is named."""
    if device.type == "cuda" and device.index is None and world_size() > 1:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def barrier() -> None:
    """Go on when all have come here."""
    all_reduce_any(False)


def all_reduce_any(*flags: bool) -> tuple[bool, ...]:
    """For each flag, whether it is up in any process."""
    if world_size() == 1:
        return flags
    up = torch.tensor(flags, dtype=torch.int32)  # on the CPU: a GPU need not be waited for
    distributed.all_reduce(up, distributed.ReduceOp.MAX)
    return tuple(map(bool, up.tolist()))


class _Mean(torch.autograd.Function):
    """Mean over processes. Its gradient is the mean of the gradients, since each process has a loss of its own."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total / world_size()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Mean.forward(ctx, gradients[0])


class _Gather(torch.autograd.Function):
    """Concatenation over processes. What any loss asks of a process's part comes back to it, summed."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(world_size())]
        distributed.all_gather(parts, part.detach().contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total.chunk(world_size())[rank()]


def mean(value: Tensor) -> Tensor:
    """Mean over processes of a tensor of one shape, with gradient."""
    return value if world_size() == 1 else _apply(_Mean, value)


def gather(part: Tensor) -> Tensor:
    """Parts (B, ...) of all processes, (processes B, ...), with gradient; the parts have one shape."""
    return part if world_size() == 1 else _apply(_Gather, part)


def _apply(function: type[torch.autograd.Function], value: Tensor) -> Tensor:
    answer: Tensor = function.apply(value)
    return answer


def gathered(divergence: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A divergence of codes (B, M) that is computed on the codes of all processes."""

    def of_gathered(codes: Tensor) -> Tensor:
        return divergence(gather(codes))

    return of_gathered


def average_gradients(network: nn.Module) -> None:
    """Put the mean over processes in the place of each process's gradients."""
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    if world_size() == 1 or not gradients:
        return
    averaged = mean(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = averaged.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


class _Shared(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose statistics are those of the batches of all processes, which are of one size."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> the same; statistics in fp32 or better."""
        if not self.training:
            return super().forward(x)
        wide = x.to(torch.promote_types(x.dtype, torch.float32)).movedim(1, -1)
        others = tuple(range(x.ndim - 1))
        m = mean(wide.mean(others))
        v = mean((wide - m).square().mean(others))
        self._remember(m.detach(), v.detach(), x.numel() // x.shape[1] * world_size())
        scale = (v + self.eps).rsqrt() * (self.weight if self.affine else 1)
        shift = (self.bias if self.affine else 0) - m * scale
        return (wide * scale + shift).movedim(-1, 1).to(x.dtype)

    @torch.no_grad()
    def _remember(self, m: Tensor, v: Tensor, samples: int) -> None:
        """Move the running statistics; as in PyTorch's own, that of the variance is unbiased."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(m.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_((v * samples / (samples - 1)).to(self.running_var.dtype), self.momentum)


class BatchNorm2d(_Shared, nn.BatchNorm2d):
    """That of pictures (B, C, H, W)."""


class BatchNorm1d(_Shared, nn.BatchNorm1d):
    """That of vectors (B, C)."""


OF_ALL: dict[type[nn.Module], type[_Shared]] = {nn.BatchNorm2d: BatchNorm2d, nn.BatchNorm1d: BatchNorm1d}


def sync_batch_norms(network: nn.Module) -> None:
    """Let every batch norm of a network take the statistics of all processes; parameters and names stay."""
    if world_size() == 1:
        return
    for layer in network.modules():
        if type(layer) in OF_ALL:
            layer.__class__ = OF_ALL[type(layer)]  # nothing but `forward` differs
