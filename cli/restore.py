"""``agerestore restore``."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.options import MAX_PIXELS, ColorizeSettings, RestoreSettings
from agerestore.errors import UsageError
from agerestore.files import printable

from ._batch import plan_batch, run_batch
from ._options import Batch, Common, refuse_unheeded, with_common_options
from .colorize import MODEL as COLORS
from .colorize import colorist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agerestore.batch.planning import Job
    from agerestore.batch.runner import Encoded
    from agerestore.images.photo import Mask, Photo
    from agerestore.inference.colorizer import ColorizedPicture
    from agerestore.inference.pictures import RestoredPicture
    from agerestore.models.base import Model


@with_common_options
def restore(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of them (recursively).")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The restored picture, or the folder for them.")],
    model: Annotated[
        str, typer.Option("-m", "--model", help="auto, a shipped model's name, or a .safetensors file.")
    ] = "auto",
    mask: Annotated[
        Path | None,
        typer.Option(help="Picture that is not black where pixels are unknown, or a folder of them. "
                     "Without it, NAME.mask.png beside a picture is found by itself."),
    ] = None,
    resize_mask: Annotated[
        bool, typer.Option("--resize-mask", help="Bring a mask of another size to the picture's.")
    ] = False,
    strength: Annotated[
        float, typer.Option(help="Photographs: 0 leaves known pixels as they are, 1 takes the estimate.")
    ] = 1.0,
    sigma: Annotated[
        float | None, typer.Option(help="Photographs: their noise, 0 to 255, if you know it; no more is removed.")
    ] = None,
    ensemble: Annotated[
        int, typer.Option(help="Photographs: 2, 4 or 8 take the mean over so many turned and mirrored positions, "
                          "in so many times the time.")
    ] = 1,
    preset: Annotated[
        str | None, typer.Option(help="old-photo also brings faded black and white back, and halves a color cast.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, help="Photographs: also write so many others that could have been (experimental).")
    ] = 0,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Photographs: also write a map of the expected error.")
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Also write damaged and restored side by side.")] = False,
    colorize: Annotated[
        bool, typer.Option("--colorize", help="Then color the restored picture: gray photographs of cars only.")
    ] = False,
    tile: Annotated[
        str, typer.Option(help="Photographs: pixels a side to compute at a time; auto asks the free memory.")
    ] = "auto",
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse images of more pixels.")] = MAX_PIXELS,
    refine: Annotated[int, typer.Option(min=0, help="Digits: steps of latent refinement; 100 is a lot.")] = 0,
    *,
    common: Common,
    files: Batch,
) -> None:  # fmt: skip
    """Restore damaged pictures; no original is ever lost.

    With a mask, only the unknown pixels are filled and all others stay bit for bit. Without one the whole picture is
    estimated anew. With -m auto small pictures go to the shipped model whose domain they are in (digits), all others
    to the one for photographs. Beside NAME.png, --samples, --uncertainty and --compare write NAME.sample-1.png,
    NAME.uncertainty.png (four times the expected error in gray levels) and NAME.compare.png.
    """
    from agerestore import device as devices
    from agerestore.inference.restoration import unsupported_options
    from agerestore.models import zoo

    beside = {"--samples": samples, "--uncertainty": uncertainty, "--compare": compare}
    masks = mask if mask is not None and mask.is_dir() else None
    jobs = _with_masks(plan_batch(source, out, common, files, exclude=mask, beside=beside), source, mask)
    if masks and not any(job.extra_inputs for job in jobs):
        raise UsageError(f"{mask}: holds no mask for any of these pictures; call them NAME.mask.png")

    devices.set_threads(common.threads)
    where = devices.choose(common.device)
    devices.precision(common.precision, where)  # an unknown one is named before any work
    made_with = {"model": _fingerprint(model), "device": where.type}
    settings = RestoreSettings(
        latent_steps=refine, strength=strength, sigma=sigma, ensemble=ensemble, auto_levels=_unfade(preset),
        tile=_side(tile), precision=common.precision,
    )  # fmt: skip
    extras = _Extras(samples, uncertainty, compare, common.seed)
    models = _models(model, where)
    if model != "auto":  # which may have one for each option
        refuse_unheeded(f"-m {model}", unsupported_options(models[model], settings, samples, uncertainty))
    color = _colorist(where, common, samples) if colorize else None
    made_with |= {"colors": zoo.fingerprint(COLORS)} if colorize else {}
    work = _Restoring(models, settings, extras, masks, resize_mask, max_pixels, files.quality, color)
    run_batch(jobs, work, common, files, out if source.is_dir() else None, made_with)


def _with_masks(jobs: "list[Job]", source: Path, mask: Path | None) -> "list[Job]":
    """The jobs, each with the mask that its picture has."""
    from agerestore.batch.masks import Masks

    masks = Masks(mask, source if source.is_dir() else source.parent)
    return [replace(job, extra_inputs=(found,)) if (found := masks.of(job.source)) else job for job in jobs]


def _unfade(preset: str | None) -> bool:
    """What --preset asks for."""
    if preset not in (None, "old-photo"):
        raise UsageError(f"--preset {preset} is unknown; there is old-photo")
    return preset is not None


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
        raise UsageError(f"-m {model} colors pictures and restores none; use `agerestore colorize`, or --colorize")
    return {name: each.to(where) for name, each in models.items()}


def _colorist(where: Any, common: Common, samples: int) -> "Callable[[Photo], ColorizedPicture]":
    """What colors a restored picture."""
    if samples:
        raise UsageError("--samples and --colorize do not go together; color the samples with `agerestore colorize`")
    return colorist(COLORS, where, ColorizeSettings(precision=common.precision), seed=common.seed)


@dataclass(frozen=True)
class _Extras:
    """What to write beside the restored picture."""

    samples: int
    uncertainty: bool
    compare: bool
    seed: int


@dataclass(frozen=True)
class _Restoring:
    """The work of `restore`: a picture and its mask, the picture restored, its files."""

    models: "dict[str, Model]"
    settings: "RestoreSettings"
    extras: _Extras
    masks: Path | None
    resize_mask: bool
    max_pixels: int
    quality: int | None
    color: "Callable[[Photo], ColorizedPicture] | None"
    _told: set[str] = field(default_factory=set)  # what is not to be said again

    def decode(self, job: "Job", data: bytes) -> "tuple[Photo, Path | None, Mask | None]":
        from agerestore.batch.masks import read_mask
        from agerestore.images import io

        photo, mask = io.decode(data, job.source, self.max_pixels), next(iter(job.extra_inputs), None)
        io.refuse_unfit(self._as_result(photo), job.suffix)
        if mask is None:
            return photo, None, None
        return photo, mask, read_mask(mask, photo.pixels.shape[:2], self.resize_mask, self.max_pixels)

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
        from agerestore.batch.planning import COMPARE, UNCERTAINTY
        from agerestore.images import grid

        for number, sample in enumerate(restored.samples, start=1):
            yield job.sample(number), sample
        if restored.uncertainty is not None:
            yield job.sidecar(UNCERTAINTY), restored.uncertainty
        if self.extras.compare:
            yield job.sidecar(COMPARE), grid.side_by_side(damaged, restored.photo)
