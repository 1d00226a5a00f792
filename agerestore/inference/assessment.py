"""Assessing an image before it is restored: which pixels are to be filled, and whether the others are restored, too."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from agerestore.analysis.documents import Document, recognize_document
from agerestore.analysis.report import has_removable_damage
from agerestore.config.options import RestoreSettings
from agerestore.images.arrays import ImageLike
from agerestore.images.photo import Photo
from agerestore.images.raster import Raster
from agerestore.inference.defects import LARGE, MOST_MARKED, find_defects, split_large
from agerestore.inference.result import Remark
from agerestore.inference.tiling import Progress
from agerestore.models.base import Model

STROKES = "whose thin strokes the model may take for scratches"
LEAST_MARKED = 0.001  # share of an image; sound photographs have about as much, so less is no reason to touch one
MOST_MASKED = 0.85  # share of an image from which on a mask looks inverted
REASONS = ("sigma", "samples", "uncertainty")  # options that ask for more than what is found to be mended


@dataclass(frozen=True)
class Assessment:
    """What is to be done with an image.

    Attributes:
        mask: (B, 1, H, W) bool, pixels to fill; None for none.
        known: whether all other pixels are restored; else they stay bit for bit.
        defects: the mask of what the detector found, also of what is not filled; None if it found or looked for none.
        remarks: what people should know.
    """

    mask: Tensor | None
    known: bool
    defects: Tensor | None = None
    remarks: list[Remark] = field(default_factory=list)

    @property
    def nothing_to_do(self) -> bool:
        """Whether every pixel stays as it is."""
        return self.mask is None and not self.known


def assess(
    model: Model,
    raster: Raster,
    image: ImageLike,
    settings: RestoreSettings,
    detector: Model | None = None,
    selected: bool = False,
    progress: Progress | None = None,
) -> Assessment:
    """Assess an image.

    Args:
        model: which restores it.
        raster: the image, and the mask that was given.
        image: what the raster is a view of; the tables of a JPEG file say more than its pixels.
        settings: of restoring.
        detector: finds defects, if no mask was given; None for not looking for any.
        selected: whether the model was selected for the image: it then only does what is found to be necessary.
        progress: see `find_defects`.
    """
    if raster.mask is not None:
        return Assessment(raster.mask, known=False, remarks=_mask_remarks(raster.mask))
    if model.input.size is not None:
        return Assessment(None, known=True)
    if document := _document(raster):
        advice = "it was left as it is; name a model with `model` to restore it anyway" if selected else (
            "look whether some are missing"
        )  # fmt: skip
        return Assessment(
            None, known=not selected, remarks=[Remark(f"looks like {document.name}, {STROKES}; {advice}")]
        )
    mask, defects, remarks = (
        (None, None, []) if detector is None else _defects(detector, raster, settings, selected, progress)
    )
    known = not selected or settings.always or any(map(settings.asks_for, REASONS)) or _needs_restoring(raster, image)
    if mask is None and not known and not settings.changes_tones:
        remarks.append(Remark("nothing was found to restore: left as it is; `always=True` restores it anyway"))
    return Assessment(mask, known, defects, remarks)


def _defects(
    detector: Model, raster: Raster, settings: RestoreSettings, selected: bool, progress: Progress | None
) -> tuple[Tensor | None, Tensor | None, list[Remark]]:
    """The mask to fill, that of all that was found, and what to say of them."""
    found = find_defects(detector, raster, settings.tile, progress)
    mask = found.mask(settings.sensitivity)
    share = int(mask.count_nonzero()) / mask.numel()
    if share == 0 or (selected and not settings.always and share < LEAST_MARKED):
        return None, None, []
    if share > MOST_MARKED:
        what = f"{share:.0%} of the image looks like defects, which is hardly so: none was filled"
        return None, mask, [Remark(f"{what}; give a mask, or a lower `sensitivity`")]
    small, large = (mask, torch.zeros_like(mask)) if settings.fill_large else split_large(mask)
    remarks = []
    if small.any():
        remarks.append(Remark(f"filled {_percent(small)}: {', '.join(found.kinds(small))}"))
    if large.any():
        what = f"{_percent(large)} in defects more than {LARGE} pixels across was left"
        remarks.append(Remark(f"{what}; `fill_large=True` fills them, too"))
    return small if small.any() else None, mask, remarks


def _percent(mask: Tensor) -> str:
    share = int(mask.count_nonzero()) / mask.numel()
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _needs_restoring(raster: Raster, image: ImageLike) -> bool:
    """Whether there is noise, grain or compression to remove. Of a batch nothing is measured: it is restored."""
    if len(raster.values) > 1:
        return True
    return has_removable_damage(image if isinstance(image, Photo) else Photo(_in_integers(raster)))


def _document(raster: Raster) -> Document | None:
    """What the one image is if it is a document, which models for photographs would take the strokes from."""
    return recognize_document(_in_integers(raster)) if len(raster.values) == 1 else None


def _in_integers(raster: Raster) -> "np.ndarray":
    """The pixels of the one image, (H, W, C) uint8 or uint16."""
    pixels = raster.pixels()
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    return raster.on_8_bit_scale(pixels).clip(0, 255).round().astype(np.uint8)


def _mask_remarks(mask: Tensor) -> list[Remark]:
    share = int(mask.count_nonzero()) / mask.numel()  # exact, unlike a mean of float32
    if share == 0:
        return [Remark("the mask is black, which means that all is known: nothing was changed")]
    if share == 1:
        return [Remark("the mask is nowhere black, which means that nothing is known: the whole image was invented")]
    if share > MOST_MASKED:
        what = f"the mask calls {share:.0%} of the image missing"
        return [Remark(f"{what}: white is missing, invert it if you meant the rest")]
    return []
