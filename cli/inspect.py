"""``agerestore inspect``."""

import json
import shlex
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from agerestore.errors import NothingReadableError, OutOfDomainError, UnreadableError
from agerestore.files import printable

from ._batch import as_text
from ._options import Common, with_common_options

if TYPE_CHECKING:
    from agerestore.analysis.report import Report
    from agerestore.batch.masks import Masks
    from agerestore.batch.runner import Outcome
    from agerestore.images.photo import Mask, Photo

RESTORED = ".restored"
LOSSLESS = (".png", ".tif", ".tiff", ".bmp")


@with_common_options
def inspect(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Pictures, or folders of them (recursively).")],
    *,
    common: Common,
) -> None:
    """Say what pictures are, what is wrong with them, and which command restores them; nothing is written.

    Measured are noise, JPEG quality, blur, tint and thin lines; how well is in docs/inspect.md. A mask NAME.mask.png
    beside a picture is found by itself.
    """
    from agerestore import device as devices
    from agerestore.batch import runner
    from agerestore.batch.masks import Masks
    from agerestore.models import zoo

    devices.set_threads(common.threads)
    if common.threads:
        import cv2

        cv2.setNumThreads(common.threads)
    pictures, missing = _pictures(sources)
    models, masks = zoo.load_automatic(), Masks()
    counts = runner.Counts(len(pictures) + len(missing))
    for line in missing:
        typer.echo(f"agerestore: {line}", err=True)
        counts.failed, counts.unreadable = counts.failed + 1, counts.unreadable + 1
    for path in pictures:
        outcome = _inspect_file(path, models, masks)
        counts.add(outcome)
        _tell(outcome, common)
    raise typer.Exit(counts.exit_code)


def _pictures(sources: list[Path]) -> tuple[list[Path], list[str]]:
    """The pictures to look at, and a line for each folder without any."""
    pictures, missing = [], []
    for source in sources:
        try:
            found = _in_folder(source) if source.is_dir() else [source]  # a named file, whatever it is called
        except NothingReadableError as error:
            missing.append(str(error))
        else:
            pictures += found
    return pictures, missing


def _in_folder(folder: Path) -> list[Path]:
    """The pictures of a folder, but what an earlier proposal has restored, and what was written beside results."""
    from agerestore.batch import manifest, planning

    earlier = manifest.Manifest.of_inputs(folder)
    return [job.source for job in planning.plan(folder, folder, exclude=earlier.is_sidecar, suffix=RESTORED)]


def _inspect_file(path: Path, models: Any, masks: "Masks") -> "Outcome":
    """Inspect one image; an error becomes an outcome, so that the others follow."""
    from agerestore.analysis import report
    from agerestore.batch import planning, runner
    from agerestore.batch.masks import read_mask
    from agerestore.images import io

    job = planning.Job(path, path)
    start = time.perf_counter()
    try:
        photo, mask = io.read(path), masks.of(path)
        missing = None if mask is None else read_mask(mask, photo.pixels.shape[:2])
        found = report.inspect(photo, missing, model=_model_for(photo, missing, models))
    except Exception as error:
        unreadable = isinstance(error, UnreadableError)
        return runner.Outcome(job, status="failed", error=runner.describe(error, path), unreadable=unreadable)
    return runner.Outcome(job, time.perf_counter() - start, detail={"found": found, "mask": mask})


def _model_for(photo: "Photo", mask: "Mask | None", models: Any) -> str | None:
    """Name of the model that `restore` chooses; None where none of them takes the image."""
    from agerestore.inference.selection import select_model

    try:
        return (
            select_model(models, photo.pixels.shape[:2], partial(photo.to_observation, mask)).model if models else None
        )
    except OutOfDomainError:
        return None


def _tell(outcome: "Outcome", common: Common) -> None:
    path = outcome.job.source
    found, mask = (cast("Any", outcome.detail.get(name)) for name in ("found", "mask"))
    if common.as_json:
        told = {"error": outcome.error} if outcome.error else {"error": None, **_row(path, found, mask)}
        row = {"input": as_text(path), "status": outcome.status, **told, "seconds": round(outcome.seconds, 4)}
        typer.echo(json.dumps(row))
    if outcome.error:
        typer.echo(f"agerestore: {outcome.error}", err=True)
    elif not common.as_json and not common.quiet:
        typer.echo(_block(path, found, mask))


def _row(path: Path, found: "Report", mask: Path | None) -> dict[str, Any]:
    """Return the fields of the JSON line of an image."""
    row = asdict(found)
    for name, digits in (("noise_sigma", 2), ("blur_sigma", 2), ("scratch_share", 5), ("missing", 5)):
        row[name] = row[name] if row[name] is None else round(row[name], digits)
    verdicts = {"blurred": found.is_blurred, "scratched": found.is_scratched, "findings": found.findings}
    row |= {"megapixels": round(found.megapixels, 2), "mask": mask and as_text(mask)}
    return row | verdicts | {"command": command(path, found)}


def _block(path: Path, found: "Report", mask: Path | None) -> str:
    """Return the lines of text about an image."""
    megapixels = f"{found.megapixels:.1f} megapixels"
    kind = " with ".join(["gray" if found.channels == 1 else "RGB", *["alpha"] * found.alpha])
    turned = f", EXIF orientation {found.orientation}" if found.orientation else ""
    by_its = f" (by its {found.jpeg_quality_from})" if found.jpeg_quality_from else ""
    missing = f"{found.missing:.1%} of the pixels, marked in {printable(mask)}" if mask else "no mask file"
    nothing = "nothing wrong" if found.noise_sigma is not None else "nothing; too small or too noisy to measure noise"
    lines = [
        f"{printable(path)}: {found.format}, {found.width} x {found.height} pixels ({megapixels}), "
        f"{found.depth} bits, {kind}",
        f"  profile    {found.profile or 'none (sRGB)'}{turned}",
        f"  color mode {found.color_mode}",
        f"  noise      {_measure(found.noise_sigma, 'sigma {:.1f} of 255')}",
        f"  JPEG       {_measure(found.jpeg_quality, 'quality {}', 'no trace of one')}{by_its}",
        f"  sharpness  {_measure(found.blur_sigma, 'edges as after a blur of {:.1f} pixels')}",
        f"  scratches  {found.scratch_share:.1%} of the pixels in thin lines",
        f"  missing    {missing}",
        f"  model      {found.model or 'no shipped model restores it'}",
        f"  found      {'; '.join(found.findings) or nothing}",
    ]
    if found.is_scratched and not mask:
        lines.append(f"  hint       scratches: paint them white on black in {printable(path.with_suffix('.mask.png'))}")
    if found.is_blurred:
        lines.append("  hint       blur: no shipped model removes it")
    proposal = command(path, found)
    return "\n".join([*lines, *([f"  run        {proposal}"] if proposal else [])])


def _measure(value: float | None, words: str, otherwise: str = "cannot be measured") -> str:
    return otherwise if value is None else words.format(value)


def command(path: Path, found: "Report") -> str | None:
    """Return the command that restores the image; None without a model for it or without a defect it removes."""
    blurred_alone = found.is_blurred and len(found.findings) == 1
    is_sound = found.noise_sigma is not None and not found.findings
    if found.model is None or is_sound or blurred_alone:
        return None
    # Writing JPEG or WebP again would compress the result as strongly as the source.
    ending = path.suffix if path.suffix.lower() in LOSSLESS and found.format not in ("JPEG", "WEBP") else ".png"
    stem = path.stem if ending == path.suffix else path.name  # x.jpg and x.png may be in one folder
    target = path.with_name(stem + RESTORED + ending)
    return shlex.join(["agerestore", "restore", _argument(path), _argument(target), "-m", found.model])


def _argument(path: Path) -> str:
    text = as_text(path)
    return f"./{text}" if text.startswith("-") else text  # or it is parsed as an option
