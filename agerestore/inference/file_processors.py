"""What a batch does to each image file: decode it, restore or colorize it, encode the result and its sidecar files.

These are the processors (`agerestore.batch.processing.Processor`) of `agerestore.restore_files` and of the command.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agerestore.batch.cache_key import cache_key
from agerestore.batch.jobs import COMPARE, FOUND_MASK, UNCERTAINTY, Job
from agerestore.batch.masks import MaskFile, decode_mask
from agerestore.batch.processing import Encoded
from agerestore.config.options import (
    ColorizeFileSettings,
    ColorizeSettings,
    FileOptions,
    RestoreFileSettings,
    RestoreSettings,
)
from agerestore.errors import UsageError
from agerestore.files import printable
from agerestore.images import grid, io
from agerestore.images.arrays import open_image
from agerestore.images.masks import TURNED, as_photo
from agerestore.images.photo import Photo
from agerestore.inference import restorer
from agerestore.inference.model_files import PickledByModelFiles, fingerprint, fingerprints
from agerestore.inference.result import Remark, Result
from agerestore.inference.tiling import Progress
from agerestore.models.base import Model, require_any

STD_SCALE = 4  # gray levels of the uncertainty map for one of the expected error


def uncertainty_map(std: Any) -> Photo:
    """The std (H, W) of the error of an image as a gray image of 8 bits: four times the std in gray levels."""
    levels = STD_SCALE * 255 * np.asarray(std)
    return Photo(levels.clip(0, 255).round().astype(np.uint8)[..., None])


class Opened(NamedTuple):
    """An image file that was read.

    Attributes:
        data: its bytes.
        photo: the image.
        mask_path: of its mask, for the report; None without one.
        mask: contents of its mask.
    """

    data: bytes
    photo: Photo
    mask_path: Path | None = None
    mask: MaskFile | None = None


@dataclass(frozen=True)
class RestoreProcessor(PickledByModelFiles):
    """Restores image files.

    Attributes:
        models: by name, on one device; the only one, or several to select from.
        settings: options of restoring.
        extras: options of the files.
        masks_folder: the folder of masks, for the remark on files without one; None if masks are not in a folder.
        colorizers: by name, colorize what was restored; none for not.
        detector: finds defects where there is no mask; None for not.
        files: how results are written.
        progress: see `agerestore.inference.restorer.restore`.

    Raises:
        UsageError: the only model does not support an option, or options do not go together.
    """

    models: Mapping[str, Model]
    settings: RestoreSettings
    extras: RestoreFileSettings
    masks_folder: Path | None
    colorizers: Mapping[str, Model]
    detector: Model | None
    files: FileOptions
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if len(self.models) == 1:  # of several, one may support what another does not
            next(iter(self.models.values())).require("restore", self.settings.given())
        if self.extras.save_mask and self.detector is None:
            raise UsageError("`save_mask` writes the defects that are found: pass `mask='auto'`, too")
        if self.colorizers and self.settings.samples:
            raise UsageError("`samples` and `colorize` do not go together; color the samples with `colorize()`")

    @property
    def key(self) -> str:
        """The cache key of the results."""
        models = list(self.models.values())
        weights = (len(models) > 1, [fingerprint(model) for model in models])
        inputs: dict[str, object] = {"model": weights, "device": models[0].device.type}
        if self.colorizers:
            inputs["colours"] = fingerprints(self.colorizers)  # as in manifests of version 0.1
        if self.detector is not None:
            inputs["detector"] = fingerprint(self.detector)
        return cache_key("restore", self.settings, self.extras, self.files, **inputs)

    def decode(self, job: Job, data: bytes, *extra: bytes) -> Opened:
        """The image and its mask; images that could not be written are refused."""
        photo, path = io.decode(data, job.source, self.extras.max_pixels), next(iter(job.extra_inputs), None)
        self.refuse(job, photo)
        if path is None:
            return Opened(data, photo)
        mask = decode_mask(extra[0], path, photo, self.extras.resize_mask, self.extras.max_pixels)
        return Opened(data, photo, path, mask)

    def refuse(self, job: Job, photo: Photo) -> None:
        """Refuse an image whose result could not be written, before any work is spent on it.

        Raises:
            AgeRestoreError: the format of the result cannot hold it, or it is to be colorized and has colors.
        """
        if self.colorizers:
            from agerestore.inference.colorizer import refuse_colors  # restoring alone does not wait for it

            refuse_colors(open_image(photo))
        io.refuse_unfit(photo.as_rgb() if self.colorizers else photo, job.suffix)

    def compute(self, item: Opened) -> tuple[Opened, Result[Photo]]:
        """Restore the image, and colorize what was restored."""
        missing = item.mask and item.mask.missing
        result = restorer.restore(
            self.models, item.photo, missing, self.settings, detector=self.detector, progress=self.progress
        )
        if self.colorizers:
            settings = ColorizeSettings(seed=self.settings.seed, precision=self.settings.precision)
            from agerestore.inference.colorizer import colorize

            colored = colorize(self.colorizers, result.image, settings)
            remarks = [*result.remarks, *colored.remarks]
            result = replace(result, image=colored.image, remarks=remarks, changed=True)
        return item, result

    def encode(self, job: Job, result: tuple[Opened, Result[Photo]]) -> Encoded:
        """The restored file, its sidecar files, and what to report."""
        item, restored = result
        mask = item.mask_path
        detail: dict[str, Any] = {
            "model": restored.model, "domain_score": round(restored.score, 3), "mask": mask and str(mask)
        }  # fmt: skip
        sidecars = self._sidecars(job, item.photo, restored)
        files = {path: io.encode(photo, path.suffix, self.files.quality) for path, photo in sidecars}
        copied = not restored.changed and self.files.quality is None and io.keeps_format(item.photo, job.suffix)
        # Copied to the byte, with all metadata, and all that the file holds besides the image.
        files[job.target] = item.data if copied else io.encode(restored.image, job.suffix, self.files.quality)
        remarks = list(self._remarks(restored.remarks, item)) + ([] if copied else io.lost_remarks(item.photo))
        if remarks:
            detail["warning"] = "; ".join(remarks)
        once = tuple(str(remark) for remark in restored.remarks if remark.once)
        return Encoded(files, detail, frozenset({job.sidecar(FOUND_MASK)}), once)

    def _remarks(self, remarks: list[Remark], item: Opened) -> Iterator[str]:
        yield from (remark for remark in remarks if not remark.once)
        if item.mask and item.mask.turned:
            yield TURNED
        if self.masks_folder and item.mask is None:
            yield f"has no mask in {printable(self.masks_folder)}: the whole image was restored"

    def _sidecars(self, job: Job, damaged: Photo, restored: Result[Photo]) -> Iterator[tuple[Path, Photo]]:
        for number, sample in enumerate(restored.samples, start=1):
            yield job.sample(number), sample
        if restored.std is not None:
            yield job.sidecar(UNCERTAINTY), uncertainty_map(restored.std)
        if self.extras.save_mask:
            found = np.zeros(damaged.pixels.shape[:2], bool) if restored.mask is None else restored.mask
            yield job.sidecar(FOUND_MASK), as_photo(found)
        if self.extras.compare:
            yield job.sidecar(COMPARE), grid.side_by_side(damaged, restored.image)


@dataclass(frozen=True)
class ColorizeProcessor(PickledByModelFiles):
    """Colorizes image files.

    Attributes:
        models: colorizers by name, to select from.
        reference: the color image whose colors are taken; None for codes that are drawn.
        settings: options of colorizing.
        extras: options of the files.
        files: how results are written.
        progress: see `agerestore.inference.colorizer.colorize`.
    """

    models: Mapping[str, Model]
    reference: Photo | None
    settings: ColorizeSettings
    extras: ColorizeFileSettings
    files: FileOptions
    progress: Progress | None = None

    def __post_init__(self) -> None:
        require_any(self.models, "colorize", self.settings.given())

    @property
    def key(self) -> str:
        """The cache key of the results."""
        where = next(iter(self.models.values())).device.type
        made_with: dict[str, object] = {"model": fingerprints(self.models), "device": where}
        return cache_key("colorize", self.settings, self.extras, self.files, **made_with)

    def decode(self, job: Job, data: bytes, *extra: bytes) -> Photo:
        """The image; one that could not be written is refused."""
        photo = io.decode(data, job.source, self.extras.max_pixels)
        self.refuse(job, photo)
        return photo

    def refuse(self, job: Job, photo: Photo) -> None:
        """Refuse an image whose result could not be written, before any work is spent on it.

        Raises:
            AgeRestoreError: the format of the result cannot hold it.
        """
        io.refuse_unfit(photo.as_rgb(), job.suffix)

    def compute(self, photo: Photo) -> tuple[Photo, Result[Photo]]:
        """Colorize the image."""
        from agerestore.inference.colorizer import colorize

        return photo, colorize(self.models, photo, self.settings, self.reference, self.progress)

    def encode(self, job: Job, result: tuple[Photo, Result[Photo]]) -> Encoded:
        """The colorized file, its further samples, and what to report."""
        gray, colored = result
        detail: dict[str, Any] = {"model": colored.model, "domain_score": round(colored.score, 3)}
        if remarks := [*colored.remarks, *io.lost_remarks(gray)]:
            detail["warning"] = "; ".join(remarks)
        others = enumerate(colored.samples[1:], start=2)
        files = {job.sample(number): io.encode(photo, job.suffix, self.files.quality) for number, photo in others}
        if self.extras.compare:
            files[job.sidecar(COMPARE)] = io.encode(_comparison(gray, colored.samples), ".png")
        return Encoded({**files, job.target: io.encode(colored.image, job.suffix, self.files.quality)}, detail)


def _comparison(gray: Photo, colored: list[Photo]) -> Photo:
    """Gray and colorized at full size, or a contact sheet of several colorizations."""
    return grid.side_by_side(gray, *colored) if len(colored) == 1 else grid.photo_grid([gray, *colored])
