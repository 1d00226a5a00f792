"""Losses of the robust encoder, which gives degraded images the codes of clean ones (the generator stays frozen).

======== =============================================================================
term     meaning, with D(x) the degraded image
======== =============================================================================
image    squared error of g(e_r(D(x))) against x
code     cosine distance of e_r(D(x)) from e(x), the clean encoder's code of the clean x
======== =============================================================================
"""

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.losses.base import Batch, Networks

TERMS = ("image", "code")


def robust_encoder_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms; see the module. ``player`` is always ``robust_encoder``."""
    if batch.damaged is None:
        raise UsageError(
            "the robust encoder learns from degraded images: set robust.degradation, such as noise:sigma=50"
        )
    code = networks[player](batch.damaged)
    terms: dict[str, Tensor] = {}
    if "image" in wanted:
        terms["image"] = F.mse_loss(networks["generator"](code), batch.x)
    if "code" in wanted:
        with torch.no_grad():
            target = networks["encoder"](batch.x)
        terms["code"] = 1 - F.cosine_similarity(code, target).mean()
    return terms
