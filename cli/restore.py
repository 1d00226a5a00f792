"""``agerestore restore``."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._batch import plan_batch, run_batch
from ._options import Batch, Common, with_common_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from agerestore.batch import Job, Made
    from agerestore.config import RestoreSettings
    from agerestore.imagefile import Mask, Photo
    from agerestore.observation import Observation
    from agerestore.restoration import Restored

    Answer = Callable[[Observation], tuple[str, Restored]]


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
    refine: Annotated[int, typer.Option(min=0, help="Steps of latent refinement; 100 is a lot.")] = 0,
    *,
    common: Common,
    files: Batch,
) -> None:  # fmt: skip
    """Restore damaged pictures; originals are never touched.

    With a mask, only the unknown pixels are filled and all others stay bit for bit. Without one the whole picture
    is drawn anew from its code. With -m auto each picture goes to the shipped model whose domain it is in; one
    that is in nobody's domain is named and left alone.
    """
    from agerestore import batch
    from agerestore.config import RestoreSettings
    from agerestore.errors import UsageError

    if mask is not None and not mask.exists():
        raise UsageError(f"{mask}: no such mask file or folder; check the name")
    root = source if source.is_dir() else source.parent
    jobs = [
        replace(job, beside=(found,)) if (found := batch.find_mask(job.source, root, mask)) else job
        for job in plan_batch(source, out, common, files, exclude=mask)
    ]

    from agerestore import device as devices

    devices.set_threads(common.threads)
    where = devices.choose(common.device)
    devices.precision(common.precision, where)  # an unknown one is named before any work
    made_with = {"model": _fingerprint(model), "device": where.type}
    work = _Restoring(_answer(model, where, RestoreSettings(refine=refine, precision=common.precision)), where)
    run_batch(jobs, work, common, files, out if source.is_dir() else None, made_with)


def _fingerprint(model: str) -> tuple[bool, list[str]]:
    """What tells models apart: whether one is chosen for each picture, and the SHA-256 of the weights."""
    from agerestore import zoo
    from agerestore.checkpoint import sha256

    automatic = model == "auto"
    return automatic, [sha256(zoo.weights_path(name)) for name in (zoo.names() if automatic else [model])]


def _answer(model: str, where: Any, settings: "RestoreSettings") -> "Answer":
    """What restores one observation: the named model, or of all shipped ones that whose domain it is in."""
    from agerestore import zoo
    from agerestore.restoration import restore_best, restore_observation

    if model == "auto":
        models = {name: each.to(where) for name, each in zoo.load_all().items()}
        return lambda observation: restore_best(models, observation, settings)
    loaded = zoo.load(model).to(where)
    return lambda observation: (model, restore_observation(loaded, observation, settings))


@dataclass(frozen=True)
class _Restoring:
    """The work of `restore`: a picture and its mask, the picture restored, its file."""

    answer: "Answer"
    where: Any

    def decode(self, job: "Job", data: bytes) -> "tuple[Photo, Path | None, Mask | None]":
        from agerestore import imagefile

        photo, mask = imagefile.decode(data, job.source), next(iter(job.beside), None)
        return photo, mask, None if mask is None else imagefile.read_mask(mask, photo.pixels.shape[:2])

    def compute(self, item: "tuple[Photo, Path | None, Mask | None]") -> "tuple[Photo, dict[str, Any]]":
        import torch

        from agerestore import imagefile
        from agerestore.observation import Observation

        photo, mask, unknown = item
        holes = None if unknown is None else torch.from_numpy(unknown)[None, None].float().to(self.where)
        model, restored = self.answer(Observation(imagefile.to_tensor(photo).to(self.where), holes))
        score = float(restored.score)
        detail = {"model": model, "domain_score": round(score, 3), "mask": mask and str(mask)}
        if score > 1:
            detail["warning"] = (
                f"out of the domain of {model!r} ({score:.1f} x its limit); what was drawn may be invented"
            )
        return imagefile.with_pixels(photo, restored.image, unknown), detail

    def encode(self, job: "Job", result: "tuple[Photo, dict[str, Any]]") -> "Made":
        from agerestore import imagefile
        from agerestore.batch import Made

        photo, detail = result
        return Made({job.target: imagefile.encode(photo, job.suffix)}, detail)
