"""``agerestore degrade``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._batch import run_batch
from ._options import Common, Overwrite, with_common_options

if TYPE_CHECKING:
    from agerestore.batch import Job
    from agerestore.degrade import Drawn


@with_common_options
def degrade(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A clean picture, or a folder of them (recursively).")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The damaged picture, or the folder for them.")],
    kind: Annotated[
        str | None, typer.Option(help="What happens, such as noise:sigma=50,holes:count=2 or old-photo.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="NAME.damage.json of an earlier run, or a folder of them: the same again.")
    ] = None,
    overwrite: Overwrite = False,
    *,
    common: Common,
) -> None:
    """Damage clean pictures, for tests and training.

    What was drawn is written beside each output as NAME.damage.json and can be replayed; unknown pixels are black
    in the output and white in NAME.mask.png beside it, where `restore` finds them.
    """
    from agerestore import batch
    from agerestore import degrade as degradation
    from agerestore import device as devices
    from agerestore.errors import UsageError

    if (kind is None) == (replay is None):
        raise UsageError("say what happens with --kind, such as --kind noise:sigma=50, or repeat it with --replay")
    steps = None if kind is None else degradation.parse(kind)
    jobs = batch.plan(source, out)
    devices.set_threads(common.threads)
    # On the CPU unless told otherwise: only there is a replay the same bit for bit on every machine.
    where = devices.choose("cpu" if common.device == "auto" else common.device)
    root = source if source.is_dir() else source.parent

    def work(job: "Job") -> dict[str, Any]:
        name = job.source.relative_to(root)
        if replay is not None:
            return _degrade_file(job, _replayed(replay, name), where, overwrite)
        return _degrade_file(job, lambda size: _drawn(steps, size, common.seed, name), where, overwrite)

    run_batch(jobs, work, common, overwrite=overwrite)


def _drawn(steps: Any, size: tuple[int, int], seed: int, name: Path) -> "list[Drawn]":
    """Parameters from the seed and the picture's own name: the same whatever else is in the folder."""
    import torch

    from agerestore import degrade as degradation
    from agerestore.data import derive_seed

    generator = torch.Generator().manual_seed(derive_seed(seed, name.as_posix()))
    return degradation.draw(steps, 1, size, generator)


def _replayed(replay: Path, name: Path) -> Any:
    import json

    from agerestore import degrade as degradation
    from agerestore.errors import UsageError

    path = replay / name.with_suffix(".damage.json") if replay.is_dir() else replay
    try:
        drawn = degradation.from_json(json.loads(path.read_text()))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file to replay for {name}") from None
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise UsageError(f"{path}: not written by `agerestore degrade` ({error})") from None
    return lambda size: drawn


def _degrade_file(job: "Job", draw: Any, where: Any, overwrite: bool) -> dict[str, Any]:
    """Read, damage, write one picture with its parameters and mask."""
    import json

    import numpy as np

    from agerestore import checkpoint, imagefile
    from agerestore import degrade as degradation

    photo = imagefile.read(job.source)
    drawn = draw(photo.pixels.shape[:2])
    observation = degradation.apply(imagefile.to_tensor(photo).to(where), drawn)
    rows = degradation.to_json(drawn, 0)
    imagefile.write(job.target, imagefile.with_pixels(photo, observation.image), overwrite=overwrite)
    checkpoint.write_atomic(job.target.with_suffix(".damage.json"), json.dumps(rows, indent=1).encode())
    mask = job.target.with_suffix(".mask.png")
    if observation.mask is None:
        mask.unlink(missing_ok=True)  # of an earlier, overwritten run
    else:
        pixels = (observation.mask[0, 0].cpu().numpy() > 0).astype(np.uint8)[:, :, None] * 255
        imagefile.write(mask, imagefile.Photo(pixels, None, imagefile.Metadata()), overwrite=True)
    return {"damage": rows}
