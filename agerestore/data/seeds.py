"""Seeds: all that training draws is a function of the run's seed and of where the run stands, so that it can resume."""

import hashlib
from functools import lru_cache

import torch
from torch import Tensor


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from anything printable: the random state of a step is a function of where it stands."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@lru_cache(maxsize=2)
def epoch_order(length: int, seed: int, epoch: int) -> Tensor:
    """The order (length,) int64 in which an epoch goes through a set."""
    generator = torch.Generator().manual_seed(derive_seed("epoch", seed, epoch))
    return torch.randperm(length, generator=generator)


def batch_indices(length: int, batch_size: int, step: int, seed: int) -> Tensor:
    """Which images iteration ``step`` sees: shuffled epochs, the last incomplete batch dropped; (B,) int64.

    A function of its arguments only, so that a resumed run sees what the uninterrupted one would have seen.
    """
    per_epoch = max(length // batch_size, 1)
    epoch, position = divmod(step, per_epoch)
    return epoch_order(length, seed, epoch)[position * batch_size : (position + 1) * batch_size]
