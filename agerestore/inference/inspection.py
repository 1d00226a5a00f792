"""Inspecting an image with all the models that restoring it would use: what is wrong, and which model restores it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from agerestore.analysis import report
from agerestore.analysis.report import Report
from agerestore.config.options import DEFAULTS
from agerestore.errors import OutOfDomainError
from agerestore.images.arrays import open_image
from agerestore.images.photo import Mask, Photo
from agerestore.inference.assessment import LEAST_MARKED
from agerestore.inference.defects import MOST_MARKED, find_defects
from agerestore.inference.selection import select_model
from agerestore.inference.tiling import Progress
from agerestore.models.base import Model


class Inspection(NamedTuple):
    """What is known of an image.

    Attributes:
        report: the measurements.
        defects: (H, W) bool, the defects that were found; None where none were looked for.
    """

    report: Report
    defects: Mask | None = None


def inspect_photo(
    photo: Photo,
    mask: Mask | None,
    models: Mapping[str, Model],
    detector: Model | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Measure an image, and find its defects where no mask marks them.

    Args:
        photo: the image.
        mask: (H, W) bool, True where pixels are missing; None if none are.
        models: from which one is selected for it; the report names it.
        detector: finds defects; None for not looking for any.
        progress: see `agerestore.inference.defects.find_defects`.
    """
    raster = open_image(photo, mask)
    try:
        name = select_model(models, raster).name if len(models) > 1 else next(iter(models), None)
    except OutOfDomainError:
        name = None
    found = report.inspect(photo, mask, model=name)
    if detector is None or mask is not None or found.document or name is None or models[name].input.size is not None:
        return Inspection(found)
    defects = find_defects(detector, raster, progress=progress)
    marked = defects.mask(DEFAULTS.sensitivity)
    share = int(marked.count_nonzero()) / marked.numel()
    if not LEAST_MARKED <= share <= MOST_MARKED:  # as `restore` takes it
        return Inspection(replace(found, defect_share=0.0), marked[0, 0].numpy())
    kinds = tuple(defects.kinds(marked))
    return Inspection(replace(found, defect_share=share, defect_kinds=kinds), marked[0, 0].numpy())
