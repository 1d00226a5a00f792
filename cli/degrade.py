"""``agerestore degrade``."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.errors import UsageError

from . import _completion
from ._files import output_folder, plan_files, run_files
from ._options import IMAGE, Files, Hardware, Messages, Seed, option, with_groups

if TYPE_CHECKING:
    from agerestore.batch.jobs import Job
    from agerestore.batch.processing import Encoded
    from agerestore.degradations import Drawn
    from agerestore.images.photo import Photo


@with_groups
def degrade(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help="Clean images, or folders that are searched with all below."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The degraded image, or the folder for them.")],
    degradation: Annotated[
        str | None,
        option(IMAGE, metavar="SPECIFICATION", autocompletion=_completion.degradations,
               help="What to do, such as noise:sigma=50,holes:count=2 or old-photo; see `agerestore degradations`."),
    ] = None,
    replay: Annotated[
        Path | None,
        option(IMAGE, metavar="FILE|FOLDER", help="NAME.damage.json of an earlier run, or a folder of them: repeat "
                                                  "that."),
    ] = None,
    seed: Seed = 0,
    *,
    hardware: Hardware,
    files: Files,
    messages: Messages,
) -> None:  # fmt: skip
    """Degrade clean images, for tests and training.

    What was drawn at random is written next to each output as NAME.damage.json and can be replayed. Missing pixels
    are black in the output and white in NAME.mask.png next to it, where `agerestore restore` finds them.
    """
    from agerestore import degradations
    from agerestore import device as devices
    from agerestore.batch.cache_key import cache_key
    from agerestore.config.options import DegradeSettings

    if degradation is not None and replay is not None:
        raise UsageError("--degradation and --replay do not go together: what is replayed is drawn already")
    if degradation is None and replay is None:
        raise UsageError("say what to do with --degradation, such as noise:sigma=50, or repeat it with --replay")
    if degradation is not None:
        degradations.parse(degradation)  # what is wrong with it is said before any work
    jobs = plan_files(inputs, out, files, messages)
    if replay is not None:
        jobs = [replace(job, extra_inputs=_replays(replay, job.name)) for job in jobs]
    devices.set_threads(hardware.threads)
    # On the CPU unless --device says otherwise: only there is a replay the same bit for bit on every machine.
    where = devices.choose("cpu" if hardware.device == "auto" else hardware.device)

    processor = _Degrading(degradation, seed, replay, where, files.quality)
    settings = DegradeSettings(degradation, seed)
    key = cache_key("degrade", settings, files.options, device=where.type, precision="auto")  # which was an option
    run_files(jobs, processor, files, messages, output_folder(inputs, out), key, replace(hardware, device=str(where)))


def _replays(replay: Path, name: Path) -> tuple[Path, ...]:
    """Return the record to replay for an image: the one file, or its own in a folder; empty if there is none."""
    if not replay.is_dir():
        return (replay,) if replay.exists() else ()
    names = (name.with_name(f"{name.name}.damage.json"), name.with_suffix(".damage.json"))
    return tuple(replay / each for each in names if (replay / each).is_file())[:1]


def _drawn(degradation: str, size: tuple[int, int], seed: int, name: Path) -> "list[Drawn]":
    """Draw from the seed and the image's own name: the same whatever else is in the folder."""
    import torch

    from agerestore import degradations
    from agerestore.data.seeds import derive_seed

    generator = torch.Generator().manual_seed(derive_seed(seed, name.as_posix()))
    return degradations.draw(degradations.parse(degradation), 1, size, generator)


def _replayed(replay: Path, job: "Job", extra: tuple[bytes, ...]) -> "list[Drawn]":
    from agerestore import degradations

    if not job.extra_inputs:
        raise UsageError(f"{replay}: no such file to replay for {job.name}")
    try:
        return degradations.from_json(json.loads(extra[0].decode()))
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise UsageError(f"{job.extra_inputs[0]}: not written by `agerestore degrade` ({error})") from None


@dataclass(frozen=True)
class _Degrading:
    """The `Processor` of `degrade`: image -> degraded image -> its file, with sidecars for parameters and mask."""

    degradation: str | None
    seed: int
    replay: Path | None
    where: Any
    quality: int | None

    def decode(self, job: "Job", data: bytes, *extra: bytes) -> "tuple[Photo, list[Drawn]]":
        from agerestore.images import io

        photo = io.decode(data, job.source)
        io.refuse_unfit(photo, job.suffix)
        if self.replay is not None:
            return photo, _replayed(self.replay, job, extra)
        assert self.degradation is not None
        return photo, _drawn(self.degradation, photo.pixels.shape[:2], self.seed, job.name)

    def compute(self, item: "tuple[Photo, list[Drawn]]") -> "tuple[Photo, Photo | None, list[Any]]":
        import numpy as np

        from agerestore import degradations
        from agerestore.images.arrays import open_image
        from agerestore.images.photo import Photo
        from agerestore.images.raster import WHOLE

        photo, drawn = item
        raster = open_image(photo)
        observation = degradations.apply(raster.read(WHOLE, self.where).image, drawn)
        made, mask = raster.copy(), None
        made.write(WHOLE, observation.image)
        if observation.mask is not None:
            pixels = (observation.mask[0, 0].cpu().numpy() > 0).astype(np.uint8)[:, :, None] * 255
            mask = Photo(pixels)
        return raster.to_original(made.values, "filled"), mask, degradations.to_json(drawn, 0)

    def encode(self, job: "Job", result: "tuple[Photo, Photo | None, list[Any]]") -> "Encoded":
        from agerestore.batch.processing import Encoded
        from agerestore.images import io

        from ._streams import STDIO

        degraded, mask, rows = result
        result_file = {job.target: io.encode(degraded, job.suffix, self.quality)}
        remarks = io.lost_remarks(degraded)
        if job.target == STDIO and mask is not None:
            remarks.append("standard output has no place for its mask; name an output file to have one")
        detail: dict[str, object] = {"damage": rows} | ({"warning": "; ".join(remarks)} if remarks else {})
        if job.target == STDIO:
            return Encoded(result_file, detail)
        sidecars = {
            job.sidecar("damage.json"): json.dumps(rows, indent=1).encode(),
            job.sidecar("mask.png"): None if mask is None else io.encode(mask, ".png"),
        }
        return Encoded(sidecars | result_file, detail)
