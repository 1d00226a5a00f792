"""ReLU that is fast in bf16 on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional as F


def relu(x: Tensor) -> Tensor:
    """ReLU; ``x`` may be overwritten.

    A negative bf16 is a negative int16 of the same bits, on which the maximum with 0 takes a fifth of the time.
    """
    if x.dtype != torch.bfloat16 or x.requires_grad or x.device.type != "cpu":
        return F.relu(x)
    x.view(torch.int16).clamp_min_(0)
    return x
