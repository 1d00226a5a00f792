"""``agerestore restore``."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.options import MAX_PIXELS, ColorizeSettings, RestoreFileSettings, RestoreSettings
from agerestore.errors import UsageError
from agerestore.files import printable

from . import _completion
from ._files import output_folder, plan_files, run_files
from ._options import IMAGE, MODEL, OUTPUT, SPEED, Compute, Files, Messages, Seed, option, with_groups
from ._options import refuse_unsupported as refuse
from .colorize import MODEL_NAME as COLORS
from .colorize import colorist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agerestore.batch.jobs import Job
    from agerestore.batch.runner import Encoded
    from agerestore.images.photo import Mask, Photo
    from agerestore.inference.colorizer import ColorizedPicture
    from agerestore.inference.pictures import RestoredPicture
    from agerestore.models.base import Model


@with_groups
def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help="Images, or folders that are searched with all below; - reads stdin."),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The restored image, or the folder for them; - writes to stdout.")
    ],
    mask: Annotated[
        Path | None,
        option(IMAGE, metavar="FILE|FOLDER",
               help="Image that is white where pixels are missing and black elsewhere, or a folder of such masks. "
                    "Without it, NAME.mask.png next to an image is its mask."),
    ] = None,
    resize_mask: Annotated[bool, option(IMAGE, "--resize-mask", help="Resize masks to the size of their images.")] = (
        False
    ),
    auto_levels: Annotated[
        bool, option(IMAGE, "--auto-levels", help="Bring back the black and white of faded photographs, and halve a "
                                                  "color cast.")
    ] = False,
    colorize: Annotated[
        bool, option(IMAGE, "--colorize", help="Color the restored image; only for gray photographs of cars.")
    ] = False,
    max_pixels: Annotated[int, option(IMAGE, min=1, metavar="N", help="Refuse images of more pixels.")] = MAX_PIXELS,
    model: Annotated[
        str, option(MODEL, "-m", "--model", metavar="auto|NAME|FILE", autocompletion=_completion.models_or_auto,
                    help="auto chooses for each image; else a shipped model's name, or a .safetensors file.")
    ] = "auto",
    strength: Annotated[
        float, option(MODEL, metavar="0..1", help="Photographs: 0 keeps known pixels as they are, 1 restores fully.")
    ] = 1.0,
    sigma: Annotated[
        float | None, option(MODEL, metavar="0..255",
                             help="Photographs: standard deviation of their noise, if you know it.")
    ] = None,
    samples: Annotated[
        int, option(OUTPUT, "-n", "--samples", min=0, metavar="N",
                    help="Photographs: also write N other plausible results (experimental).")
    ] = 0,
    seed: Seed = 0,
    ensemble: Annotated[
        int, option(MODEL, metavar="[1|2|4|8]",
                    help="Photographs: average over so many flipped and rotated copies; better, and as much slower.")
    ] = 1,
    latent_steps: Annotated[
        int, option(MODEL, min=0, metavar="N", help="Digits: steps of latent optimization; 100 is a lot.")
    ] = 0,
    uncertainty: Annotated[
        bool, option(OUTPUT, "--uncertainty", help="Photographs: also write a map of the expected error.")
    ] = False,
    compare: Annotated[
        bool, option(OUTPUT, "--compare", help="Also write damaged and restored side by side.")
    ] = False,
    tile: Annotated[
        str, option(SPEED, metavar="auto|N", help="Photographs: compute tiles of N pixels a side; auto asks the free "
                                                  "memory.")
    ] = "auto",
    *,
    compute: Compute,
    files: Files,
    messages: Messages,
) -> None:  # fmt: skip
    """Restore damaged images; originals are never changed.

    With a mask only the missing pixels are filled, and all others stay as they are. Without one the whole image is
    restored. With -m auto small images of digits go to the model for digits, all others to the one for photographs.

    Next to NAME.png, -n writes NAME.sample-1.png and so on, --uncertainty NAME.uncertainty.png (four times the
    expected error in gray levels), and --compare NAME.compare.png.
    """
    from agerestore import device as devices
    from agerestore.batch.cache_key import cache_key
    from agerestore.inference.restoration import unsupported_options
    from agerestore.models import zoo

    sidecars = {"--samples": samples, "--uncertainty": uncertainty, "--compare": compare}
    masks = mask if mask is not None and mask.is_dir() else None
    jobs = _with_masks(plan_files(inputs, out, files, messages, exclude=mask, sidecars=sidecars), mask)
    if masks and not any(job.extra_inputs for job in jobs):
        raise UsageError(f"{mask}: holds no mask for any of these images; call them NAME.mask.png")

    devices.set_threads(compute.threads)
    where = devices.choose(compute.device)
    devices.precision(compute.precision, where)  # an unknown one is named before any work
    made_with = {"model": _fingerprint(model), "device": where.type}
    settings = RestoreSettings(
        latent_steps=latent_steps, strength=strength, sigma=sigma, ensemble=ensemble, auto_levels=auto_levels,
        tile=_side(tile), precision=compute.precision,
    )  # fmt: skip
    extras = RestoreFileSettings(samples, seed, uncertainty, compare, colorize, resize_mask, max_pixels)
    models = _models(model, where)
    if model != "auto":  # which may have one for each option
        refuse(f"-m {model}", *unsupported_options(models[model], settings, samples, uncertainty))
    color = _colorist(where, compute.precision, samples, seed) if colorize else None
    made_with |= {"colors": zoo.fingerprint(COLORS)} if colorize else {}
    processor = _Restoring(models, settings, extras, masks, files.quality, color)
    key = cache_key("restore", settings, extras, files.options, **made_with)
    run_files(jobs, processor, files, messages, output_folder(inputs, out), key)


def _with_masks(jobs: "list[Job]", mask: Path | None) -> "list[Job]":
    """The jobs, each with the mask that its image has."""
    from agerestore.batch.masks import Masks

    roots = {job.root: Masks(mask, job.root) for job in jobs}
    return [replace(job, extra_inputs=(found,)) if (found := roots[job.root].of(job.source)) else job for job in jobs]


def _side(tile: str) -> int | None:
    """The value of --tile."""
    if tile == "auto":
        return None
    if not tile.isdecimal():
        raise UsageError(f"--tile {tile} is neither auto nor a number of pixels")
    return int(tile)


def _fingerprint(model: str) -> tuple[bool, list[str]]:
    """What tells models apart: whether one is chosen for each picture, and the SHA-256 of the weights."""
    from agerestore.models import zoo

    automatic = model == "auto"
    return automatic, [zoo.fingerprint(name) for name in (zoo.automatic() if automatic else [model])]


def _models(model: str, where: Any) -> "dict[str, Model]":
    """The named model, or all shipped ones that restore for each picture to go to the one that suits it."""
    from agerestore.models import zoo
    from agerestore.models.colorizer import Colorizer

    models = zoo.load_automatic() if model == "auto" else {model: zoo.load(model)}
    if model != "auto" and isinstance(models[model].networks, Colorizer):
        raise UsageError(f"`model={model}` colors pictures and restores none; use `colorize()`, or `colorize=True`")
    return {name: each.to(where) for name, each in models.items()}


def _colorist(where: Any, precision: str, samples: int, seed: int) -> "Callable[[Photo], ColorizedPicture]":
    """What colors a restored picture."""
    if samples:
        raise UsageError("`samples` and `colorize` do not go together; color the samples with `colorize()`")
    return colorist(COLORS, where, ColorizeSettings(precision=precision), seed=seed)


@dataclass(frozen=True)
class _Restoring:
    """The work of `restore`: a picture and its mask, the picture restored, its files."""

    models: "dict[str, Model]"
    settings: "RestoreSettings"
    extras: RestoreFileSettings
    masks: Path | None
    quality: int | None
    color: "Callable[[Photo], ColorizedPicture] | None"
    _told: set[str] = field(default_factory=set)  # what is not to be said again

    def decode(self, job: "Job", data: bytes) -> "tuple[Photo, Path | None, Mask | None]":
        from agerestore.batch.masks import read_mask_file
        from agerestore.images import io

        photo, mask = io.decode(data, job.source, self.extras.max_pixels), next(iter(job.extra_inputs), None)
        io.refuse_unfit(self._as_result(photo), job.suffix)
        if mask is None:
            return photo, None, None
        return (
            photo,
            mask,
            read_mask_file(mask, photo.pixels.shape[:2], self.extras.resize_mask, self.extras.max_pixels),
        )

    def compute(self, item: "tuple[Photo, Path | None, Mask | None]") -> "tuple[Photo, RestoredPicture, Path | None]":
        from agerestore.inference.pictures import restore_picture

        photo, mask, unknown = item
        restored = restore_picture(
            self.models,
            photo,
            unknown,
            self.settings,
            samples=self.extras.samples,
            seed=self.extras.seed,
            uncertainty=self.extras.uncertainty,
        )
        if self.color is not None:
            colored = self.color(restored.photo)
            restored = replace(restored, photo=colored.photos[0], remarks=[*restored.remarks, *colored.remarks])
        return photo, restored, mask

    def _as_result(self, photo: "Photo") -> "Photo":
        """A picture of the kind that comes out; before any work, one that cannot be colored is refused."""
        from agerestore.inference import chroma_upsampling
        from agerestore.inference.colorizer import refuse_colorful

        if self.color is None:
            return photo
        refuse_colorful(photo)
        return chroma_upsampling.as_rgb(photo)

    def encode(self, job: "Job", result: "tuple[Photo, RestoredPicture, Path | None]") -> "Encoded":
        from agerestore.batch.runner import Encoded
        from agerestore.images import io

        damaged, restored, mask = result
        detail: dict[str, Any] = {
            "model": restored.model, "domain_score": round(restored.score, 3), "mask": mask and str(mask)
        }  # fmt: skip
        remarks = list(restored.remarks)
        if self.masks and mask is None:
            remarks.append(f"has no mask in {printable(self.masks)}: all of it was estimated")
        new = [remark for remark in restored.once if remark not in self._told]
        self._told.update(new)
        remarks += [f"{remark} (said once)" for remark in new]
        if remarks:
            detail["warning"] = "; ".join(remarks)
        files = {
            path: io.encode(photo, path.suffix, self.quality) for path, photo in self._beside(job, damaged, restored)
        }
        return Encoded({**files, job.target: io.encode(restored.photo, job.suffix, self.quality)}, detail)

    def _beside(self, job: "Job", damaged: "Photo", restored: "RestoredPicture") -> "Iterator[tuple[Path, Photo]]":
        """The files that are written beside the restored picture."""
        from agerestore.batch.jobs import COMPARE, UNCERTAINTY
        from agerestore.images import grid

        for number, sample in enumerate(restored.samples, start=1):
            yield job.sample(number), sample
        if restored.uncertainty is not None:
            yield job.sidecar(UNCERTAINTY), restored.uncertainty
        if self.extras.compare:
            yield job.sidecar(COMPARE), grid.side_by_side(damaged, restored.photo)
