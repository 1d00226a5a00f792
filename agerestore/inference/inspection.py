"""Inspecting an image with all the models that restoring it would use: what is wrong, and which model restores it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from agerestore import files
from agerestore.analysis import report
from agerestore.analysis.report import Report
from agerestore.batch.jobs import Job
from agerestore.batch.masks import MaskFile, decode_mask
from agerestore.batch.processing import Encoded
from agerestore.config.options import DEFAULTS
from agerestore.errors import OutOfDomainError
from agerestore.images import io
from agerestore.images.arrays import open_image
from agerestore.images.masks import TURNED, as_photo
from agerestore.images.photo import Mask, Photo
from agerestore.inference.assessment import LEAST_MARKED
from agerestore.inference.defects import MOST_MARKED, find_defects
from agerestore.inference.model_files import PickledByModelFiles
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


@dataclass(frozen=True)
class InspectProcessor(PickledByModelFiles):
    """Inspects image files; what a batch does to each (`agerestore.batch.processing.Processor`).

    Attributes:
        models: by name; one is selected for each image, and named in its report.
        detector: finds defects where there is no mask; None for not looking for any.
    """

    models: Mapping[str, Model]
    detector: Model | None

    def decode(self, job: Job, data: bytes, *extra: bytes) -> tuple[Photo, MaskFile | None]:
        """The image and its mask, if it has one."""
        photo = io.decode(data, job.source)
        return photo, decode_mask(extra[0], job.extra_inputs[0], photo) if extra else None

    def compute(self, item: tuple[Photo, MaskFile | None]) -> tuple[Inspection, bool]:
        """Measure the image; also whether its mask was turned with it."""
        photo, mask = item
        found = inspect_photo(photo, mask and mask.missing, self.models, self.detector)
        return found, mask is not None and mask.turned

    def encode(self, job: Job, result: tuple[Inspection, bool]) -> Encoded:
        """The report, as ``found``, and the mask of the defects if that is wanted: white on black."""
        (found, defects), turned = result
        detail: dict[str, object] = {"found": found} | ({"warning": TURNED} if turned else {})
        if job.target == job.source:
            return Encoded({}, detail)
        mask = as_photo(np.zeros((found.height, found.width), bool) if defects is None else defects)
        with files.writing(job.target):
            return Encoded({job.target: io.encode(mask, job.suffix)}, detail)
