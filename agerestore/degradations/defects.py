"""Where the defects of a degraded print can be seen: what a detector of defects learns from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from agerestore.degradations.operators import gaussian_blur
from agerestore.degradations.pipeline import Drawn, apply_step, hide
from agerestore.degradations.registry import KINDS
from agerestore.images.observation import Observation

LEAST_SEEN = 0.04  # difference that can be seen on flat ground, of 1
HIDDEN_BY = 1.5  # standard deviations of the ground that a difference must exceed
FAINT = 0.25  # of what can be seen: less than that is no defect at all
# What detectors call the kinds of degradations whose names differ.
DEFECT_NAMES = {"craquelure": "cracks", "scuffs": "scratches"}
_LEAST_CHANGE = 2 / 255  # by which a step must have changed a pixel to have damaged it


class Defects(NamedTuple):
    """Degraded prints, and where their defects can be seen.

    Attributes:
        observation: What `apply` gives.
        masks: Kind -> (B, 1, H, W) bool, for each kind of defect among the steps: where it can be seen. A pixel belongs
            to the defect that was laid on last.
        faint: (B, 1, H, W) bool, where defects are too faint to be asked for, and too real to be forbidden.
    """

    observation: Observation
    masks: Mapping[str, Tensor]
    faint: Tensor


def find_defects(image: Tensor, drawn: Sequence[Drawn]) -> Defects:
    """Degrade a batch, and find where its defects can be seen.

    The steps are applied twice with the same seeds, with and without those whose kind is a defect. A pixel is marked
    where a defect changed it, or the pixel next to it, and where after all steps the two differ by more than 0.04 and
    by more than 1.5 local standard deviations of the sound print: what noise, compression or a border has hidden is no
    defect any more.

    Args:
        image: (B, C, H, W) float32 in [0, 1], C 1 or 3, on any device.
        drawn: From `draw` or `from_json`.

    Returns:
        See `Defects`.
    """
    sound, damaged = image.clone(), image.clone()
    owner = torch.full_like(image[:, :1], -1)  # the number of the defect a pixel belongs to
    missing: list[Tensor] = []
    kinds = list(dict.fromkeys(step.kind for step in drawn if KINDS[step.kind].defect))
    with torch.autocast(image.device.type, enabled=False):
        for step in drawn:
            before = damaged.clone()
            damaged, hidden = apply_step(damaged, step)
            missing += [] if hidden is None else [hidden]
            if step.kind in kinds:
                change = (damaged - before).abs().amax(1, keepdim=True)
                owner = torch.where(_wider(change > _LEAST_CHANGE), float(kinds.index(step.kind)), owner)
            else:
                sound, _ = apply_step(sound, step)
        clear, faint = _seen(sound, damaged)
    masks = {kind: clear & (owner == number) for number, kind in enumerate(kinds)}
    return Defects(hide(damaged, missing), masks, faint & ~clear & (owner >= 0))


def _wider(mask: Tensor) -> Tensor:
    """Return a mask (B, 1, H, W) that is wider by a pixel all around."""
    return torch.nn.functional.max_pool2d(mask.float(), 3, 1, 1) > 0


def _seen(sound: Tensor, damaged: Tensor) -> tuple[Tensor, Tensor]:
    """Return where two images differ so that it can be seen, and where they differ at all: (B, 1, H, W) bool each."""
    difference = (damaged - sound).abs().amax(1, keepdim=True)
    gray = sound.mean(1, keepdim=True)
    detail = gray - gaussian_blur(gray, torch.full((len(gray),), 2.0))
    deviation = gaussian_blur(detail.square(), torch.full((len(gray),), 3.0)).clamp(min=0).sqrt()
    needed = (HIDDEN_BY * deviation).clamp(min=LEAST_SEEN)
    return difference > needed, difference > FAINT * needed
