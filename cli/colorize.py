"""``agerestore colorize``."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.config.options import MAX_PIXELS, ColorizeSettings
from agerestore.errors import UsageError

from ._batch import plan_batch, run_batch
from ._options import Batch, Common, ModelName, with_common_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from agerestore.batch.planning import Job
    from agerestore.batch.runner import Encoded
    from agerestore.images.photo import Photo
    from agerestore.inference.colorizer import ColorizedPicture

MODEL = "cars-color"
SUFFIX = ".colorized"


@with_common_options
def colorize(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of them (recursively).")],
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="The colored picture, or the folder for them; without it "
                       "NAME.colorized.jpg beside NAME.jpg."),
    ] = None,
    model: ModelName = MODEL,
    samples: Annotated[int, typer.Option("-n", "--samples", min=1, help="How many colorings of each picture.")] = 1,
    like: Annotated[
        Path | None, typer.Option(metavar="REFERENCE", help="A color photograph to take the paints of.")
    ] = None,
    strength: Annotated[float, typer.Option(help="0 leaves pictures gray, 1 takes all the color.")] = 1.0,
    compare: Annotated[bool, typer.Option("--compare", help="Also write gray and colored side by side.")] = False,
    sepia: Annotated[bool, typer.Option("--sepia", help="Take a toned picture for a gray one.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also color what is no car, and anew what has colors already.")
    ] = False,
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse images of more pixels.")] = MAX_PIXELS,
    *,
    common: Common,
    files: Batch,
) -> None:  # fmt: skip
    """Color grayscale photographs of cars; of anything else only with --force.

    The lightness of every pixel stays, at the picture's full size. --seed chooses the paints, and the
    same seed repeats them. The others of -n 4 go to NAME.sample-2.jpg up to NAME.sample-4.jpg; --compare writes
    NAME.compare.png.
    """
    from agerestore import device as devices
    from agerestore.models import zoo

    settings = ColorizeSettings(strength, sepia, force, common.precision)
    if like is not None and samples != 1:
        raise UsageError("--like gives one coloring; leave -n out")
    if like is not None and not like.is_file():
        raise UsageError(f"{like}: no such reference; check the name")
    out, files = _where_to(source, out, files)
    more = {"-n": samples > 1, "--compare": compare}
    read = () if like is None else (like,)
    jobs = [
        replace(job, extra_inputs=read) for job in plan_batch(source, out, common, files, exclude=like, beside=more)
    ]

    devices.set_threads(common.threads)
    where = devices.choose(common.device)
    devices.precision(common.precision, where)  # an unknown one is named before any work
    color = colorist(model, where, settings, samples, common.seed, like)
    made_with = {"model": zoo.fingerprint(model), "device": where.type}
    work = _Coloring(model, color, compare, max_pixels, files.quality)
    run_batch(jobs, work, common, files, out if source.is_dir() else None, made_with)


def _where_to(source: Path, out: Path | None, files: Batch) -> tuple[Path, Batch]:
    """OUT, and the naming of results where there is none: beside the pictures, or to standard output from its like."""
    from agerestore.batch.planning import STDIO

    if out is not None or source == STDIO:
        return out or STDIO, files
    if files.in_place:
        return source, files
    return (source if source.is_dir() else source.parent), replace(files, suffix=files.suffix or SUFFIX)


def colorist(
    model: str, where: Any, settings: "ColorizeSettings", samples: int = 1, seed: int = 0, like: Path | None = None
) -> "Callable[[Photo], ColorizedPicture]":
    """What colors a picture with a model, with paints drawn or those of a reference."""
    from agerestore.images import io
    from agerestore.inference.colorizer import colorize_picture, paints_drawn, paints_of
    from agerestore.models import zoo

    loaded = zoo.load(model).to(where)
    drawn = paints_drawn(loaded, samples, seed) if like is None else paints_of(loaded, io.read(like))
    return partial(colorize_picture, loaded, drawn=drawn, settings=settings)


@dataclass(frozen=True)
class _Coloring:
    """The work of `colorize`: a picture, its colorings, its files."""

    model: str
    color: "Callable[[Photo], ColorizedPicture]"
    compare: bool
    max_pixels: int
    quality: int | None

    def decode(self, job: "Job", data: bytes) -> "Photo":
        from agerestore.images import io
        from agerestore.inference import chroma_upsampling

        photo = io.decode(data, job.source, self.max_pixels)
        io.refuse_unfit(chroma_upsampling.as_rgb(photo), job.suffix)
        return photo

    def compute(self, photo: "Photo") -> "tuple[Photo, ColorizedPicture]":
        return photo, self.color(photo)

    def encode(self, job: "Job", result: "tuple[Photo, ColorizedPicture]") -> "Encoded":
        from agerestore.batch.planning import COMPARE
        from agerestore.batch.runner import Encoded
        from agerestore.images import io

        gray, colored = result
        detail: dict[str, Any] = {"model": self.model, "domain_score": round(colored.score, 3)}
        if colored.remarks:
            detail["warning"] = "; ".join(colored.remarks)
        first, *others = colored.photos
        files = {
            job.sample(number): io.encode(photo, job.suffix, self.quality)
            for number, photo in enumerate(others, start=2)
        }
        if self.compare:
            files[job.sidecar(COMPARE)] = io.encode(_side_by_side(gray, colored.photos), ".png")
        return Encoded({**files, job.target: io.encode(first, job.suffix, self.quality)}, detail)


def _side_by_side(gray: "Photo", colored: "list[Photo]") -> "Photo":
    """Gray and colored at full size, or a contact sheet of several."""
    from agerestore.images import grid

    return grid.side_by_side(gray, *colored) if len(colored) == 1 else grid.photo_grid([gray, *colored])
