"""Training in several processes started by torchrun, equal to one process with the whole batch.

Each process holds the same networks and computes with its part of the batch. What is not a mean over images needs the
whole batch: divergences see the codes of all processes (`gathered`), and batch norms their statistics
(`sync_batch_norms`). A function of a mean takes the `mean` over processes. All else is a mean, and its gradient the
mean of the processes' gradients (`average_gradients`).

In a single process each of these is the identity. PyTorch's own SyncBatchNorm does not run on a CPU.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

import torch
from torch import Tensor, distributed, nn


@contextmanager
def init() -> Iterator[None]:
    """Join the processes that torchrun started, for the time of a ``with`` block; without torchrun it does nothing."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    # The first optimizer imports this module, whose functions keep the group of that time as a default. A group that
    # is kept outlives `destroy_process_group`, and its threads can abort the process as the interpreter ends.
    import_module("torch.distributed.nn")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _is_initialized() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def world_size() -> int:
    """Number of processes that train together."""
    return distributed.get_world_size() if _is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if _is_initialized() else 0


def is_main() -> bool:
    """Whether this is the process that writes files and prints."""
    return rank() == 0


def local_device(device: torch.device) -> torch.device:
    """The CUDA device of this process where ``device`` is CUDA without an index; else ``device``."""
    if device.type == "cuda" and device.index is None and world_size() > 1:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def barrier() -> None:
    """Wait until all processes have come here."""
    all_reduce_any(False)


def all_reduce_any(*flags: bool) -> tuple[bool, ...]:
    """For each flag, whether it is set in any process."""
    if world_size() == 1:
        return flags
    found = torch.tensor(flags, dtype=torch.int32)  # on the CPU: a GPU need not be waited for
    distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return tuple(map(bool, found.tolist()))


def mean(value: Tensor) -> Tensor:
    """Mean over processes of a tensor of one shape, with gradient: the mean of the gradients of all processes."""
    if world_size() == 1:
        return value
    from torch.distributed.nn import functional

    total: Tensor = functional.all_reduce(value)
    return total / world_size()


def gather(part: Tensor) -> Tensor:
    """Concatenate parts (B, ...) of one shape over processes, with gradient: the sum of what all ask of a part.

    Returns:
        (processes B, ...).
    """
    if world_size() == 1:
        return part
    from torch.distributed.nn import functional

    return torch.cat(functional.all_gather(part.contiguous()))


def gathered(divergence: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A divergence of codes (B, M) that is computed on the codes of all processes."""

    def of_all(codes: Tensor) -> Tensor:
        return divergence(gather(codes))

    return of_all


def average_gradients(network: nn.Module) -> None:
    """Replace the gradients of each process by their mean over processes."""
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    if world_size() == 1 or not gradients:
        return
    averaged = mean(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = averaged.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


class _SyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm with the statistics of the batches of all processes, which must be of one size."""

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


class BatchNorm2d(_SyncBatchNorm, nn.BatchNorm2d):
    """For images (B, C, H, W)."""


class BatchNorm1d(_SyncBatchNorm, nn.BatchNorm1d):
    """For vectors (B, C)."""


SYNC_LAYERS: dict[type[nn.Module], type[_SyncBatchNorm]] = {nn.BatchNorm2d: BatchNorm2d, nn.BatchNorm1d: BatchNorm1d}


def sync_batch_norms(network: nn.Module) -> None:
    """Make every batch norm of a network take the statistics of all processes; parameters and names stay."""
    if world_size() == 1:
        return
    for layer in network.modules():
        if type(layer) in SYNC_LAYERS:
            layer.__class__ = SYNC_LAYERS[type(layer)]  # nothing but `forward` differs
