"""Which codes a lightness has: the distribution of them is fitted to those of real pictures, the game being over.

========= ==========================================================================
term      meaning
========= ==========================================================================
surprisal -log p(e(L, a, b) | L) in nats, of pictures and of other views of them
========= ==========================================================================
"""

from collections.abc import Collection

import torch
from torch import Tensor

from agerestore.losses.base import Batch, Networks

TERMS = ("surprisal",)


def code_prior_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms; see the module. ``player`` is always ``code_prior``; pictures are packed."""
    if "surprisal" not in wanted:
        return {}
    pictures = batch.x if batch.view is None else torch.cat([batch.x, batch.view])
    with torch.no_grad():
        codes = networks["encoder"](pictures)
        center = torch.zeros_like(codes)
        seen = networks["generator"].features(pictures[:, :-2], center)[-1]
    return {"surprisal": -networks[player](seen).log_prob(codes.float()).mean()}
