"""Loss of the code prior p(z | L), a mixture density network (Bishop, 1994): it is fitted to codes of real images.

Encoder and generator are trained already and stay frozen.

========= ==========================================================================
term      meaning
========= ==========================================================================
surprisal -log p(e(L, a, b) | L) in nats, of images and of other views of them
========= ==========================================================================
"""

from collections.abc import Collection

import torch
from torch import Tensor

from agerestore.losses.base import Batch, Networks

TERMS = ("surprisal",)


def code_prior_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms; see the module. ``player`` is always ``code_prior``; images are packed."""
    if "surprisal" not in wanted:
        return {}
    images = batch.x if batch.view is None else torch.cat([batch.x, batch.view])
    with torch.no_grad():
        codes = networks["encoder"](images)
        features = networks["generator"].features(images[:, :-2], torch.zeros_like(codes))[-1]
    return {"surprisal": -networks[player](features).log_prob(codes.float()).mean()}
