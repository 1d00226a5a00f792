"""Batches over folders, for the tests of resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from copying import Copying

from agerestore.batch import manifest, planning, runner
from agerestore.batch.manifest import Manifest
from agerestore.batch.outcome import Outcome
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Processor
from agerestore.config.options import FileOptions
from agerestore.images.photo import Photo

NAMES = ("a.png", "sub/b.png", "sub/c.jpg")
IN_PLACE = {"in_place": True, "backup": True}
HOSTILE = ["车 Ünïcode.jpg", "a 'b' \"c\".png", "-rf.png", "new\nline.png", "\udcff.png", "dir\n/-x y.png"]


class Inverting(Copying):
    """Work that shows when it is done twice."""

    def compute(self, item: tuple[str, Photo]) -> Photo:
        photo = super().compute(item)
        return replace(photo, pixels=np.invert(photo.pixels))


def run(
    source: Path | list[Path],
    out: Path,
    work: Processor[object, object] | None = None,
    *,
    settings: str = "s",
    overwrite: bool = False,
    also: tuple[Path, ...] = (),
    **naming: object,
) -> str:
    """The statuses of a batch, a letter for each picture: d(one), s(kipped), f(ailed)."""
    outcomes: list[Outcome] = []
    jobs = [replace(job, extra_inputs=also) for job in planning.plan(source, out, FileOptions(**naming))]
    with Manifest.open(out) as book:
        writer = OutputWriter(book, settings, overwrite)
        runner.run(jobs, work or Inverting(), writer, report=outcomes.append)
    run.errors = [outcome.error for outcome in outcomes if outcome.error]
    run.warnings = [outcome.detail["warning"] for outcome in outcomes if "warning" in outcome.detail]
    return "".join(outcome.status[0] for outcome in outcomes)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the manifest, hidden ones too."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in (manifest.NAME, manifest.LOCK))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def originals(folder: Path) -> dict[str, bytes]:
    return {name.removesuffix(".orig"): data for name, data in contents(folder).items() if name.endswith(".orig")}
