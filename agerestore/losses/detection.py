"""Detection of defects in degraded images, of which it is known where defects can be seen.

====== ======================================================================================
term   meaning, with the logits l of "any defect" and k of the kinds (`agerestore.models.detector`)
====== ======================================================================================
defect binary cross-entropy of l; what is easy counts less, as in the focal loss (Lin et al., "Focal loss for dense
       object detection", 2017, equation 4, with gamma = 1, and 0.3 for the easiest). Scratches and specks, which have
       few pixels, count twice; what is too faint, and sound pixels next to a defect, not at all
kind   cross-entropy of k over the pixels of defects
====== ======================================================================================
"""

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn import functional as F

from agerestore.errors import UsageError
from agerestore.losses.base import Batch, Networks

TERMS = ("defect", "kind")
FAINT = 255  # in `Batch.defects`: a defect that is too faint to be asked for
DEFECT_WEIGHT, FINE_WEIGHT = 2.0, 2.0  # of the pixels of defects, and again of scratches and specks
FINE_KINDS = ("scratches", "specks")
EASIEST = 0.3  # weight of a pixel that is classified without any error; the error comes on top
FEWEST = 200  # pixels; the loss of the kinds of a batch with fewer defects counts less


def detection_terms(player: str, networks: Networks, batch: Batch, wanted: Collection[str]) -> dict[str, Tensor]:
    """Compute the ``wanted`` terms; see the module. ``player`` is always ``detector``."""
    if batch.damaged is None or batch.defects is None:
        raise UsageError("the detector learns from drawn defects: set degradation, such as old-print")
    detector, label = networks[player], batch.defects[:, 0]
    logits = detector((batch.damaged + 1) / 2).float()
    there = (label > 0) & (label < FAINT)
    terms: dict[str, Tensor] = {}
    if "defect" in wanted:
        terms["defect"] = _defect(logits[:, 0], label, there, fine_labels(detector.kinds))
    if "kind" in wanted:
        target = torch.where(there, label.long() - 1, -100)
        total = F.cross_entropy(logits[:, 1:], target, reduction="sum", ignore_index=-100)
        terms["kind"] = total / there.sum().clamp(min=FEWEST)
    return terms


def fine_labels(kinds: Collection[str]) -> list[int]:
    """The labels of the kinds of few pixels."""
    return [number for number, kind in enumerate(kinds, start=1) if kind in FINE_KINDS]


def _defect(logit: Tensor, label: Tensor, there: Tensor, fine: list[int]) -> Tensor:
    """The loss of "any defect", of (B, H, W) each."""
    wanted = there.float()
    near, close = (F.max_pool2d(wanted[:, None], 2 * side + 1, 1, side)[:, 0] > 0 for side in (1, 2))
    weight = torch.where(near, 0.0, torch.where(close, 0.5, 1.0))  # where a defect ends is a matter of a pixel
    small = torch.stack([label == number for number in fine]).any(0) if fine else torch.zeros_like(there)
    weight = torch.where(there, torch.where(small, DEFECT_WEIGHT * FINE_WEIGHT, DEFECT_WEIGHT), weight)
    weight = weight * (label != FAINT)
    error = (torch.sigmoid(logit.detach()) - wanted).abs()
    loss = F.binary_cross_entropy_with_logits(logit, wanted, reduction="none") * (EASIEST + error)
    return (weight * loss).sum() / weight.sum().clamp(min=1)
