"""``agerestore inspect``."""

import json
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agerestore.errors import NothingReadableError, UnreadableError
from agerestore.files import printable

from ._batch import as_text
from ._options import Common, with_common_options

if TYPE_CHECKING:
    from agerestore.analysis.report import Inspection
    from agerestore.batch.masks import Masks
    from agerestore.batch.runner import Outcome

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
    """Look at one picture; whatever goes wrong, the others are not to suffer."""
    from agerestore.analysis.report import inspect as inspect_picture
    from agerestore.batch import planning, runner

    job = planning.Job(path, path)
    start = time.perf_counter()
    try:
        found = inspect_picture(path, models, masks.of(path))
    except Exception as error:
        unreadable = isinstance(error, UnreadableError)
        return runner.Outcome(job, status="failed", error=runner.describe(error, path), unreadable=unreadable)
    return runner.Outcome(job, time.perf_counter() - start, detail={"found": found})


def _tell(outcome: "Outcome", common: Common) -> None:
    path = outcome.job.source
    found: Any = outcome.detail.get("found")
    if common.as_json:
        told = {"error": outcome.error} if outcome.error else {"error": None, **_row(path, found)}
        row = {"input": as_text(path), "status": outcome.status, **told, "seconds": round(outcome.seconds, 4)}
        typer.echo(json.dumps(row))
    if outcome.error:
        typer.echo(f"agerestore: {outcome.error}", err=True)
    elif not common.as_json and not common.quiet:
        typer.echo(_block(path, found))


def _row(path: Path, found: "Inspection") -> dict[str, Any]:
    """What a line of JSON says of a picture."""
    row = asdict(found)
    for name, digits in (("noise_sigma", 2), ("blur_sigma", 2), ("line_share", 5), ("missing", 5)):
        row[name] = row[name] if row[name] is None else round(row[name], digits)
    verdicts = {"blurred": found.is_blurred, "scratched": found.is_scratched, "findings": found.findings}
    row |= {"megapixels": round(found.megapixels, 2), "mask": found.mask and as_text(found.mask)}
    return row | verdicts | {"command": command(path, found)}


def _block(path: Path, found: "Inspection") -> str:
    """The lines for people."""
    megapixels = f"{found.megapixels:.1f} megapixels"
    kind = " with ".join(["gray" if found.channels == 1 else "RGB", *["alpha"] * found.alpha])
    turned = f", EXIF orientation {found.orientation}" if found.orientation else ""
    by_its = f" (by its {found.jpeg_quality_from})" if found.jpeg_quality_from else ""
    unknown = f"{found.missing:.1%} of the pixels, by {printable(found.mask)}" if found.mask else "no mask beside it"
    nothing = "nothing wrong" if found.noise_sigma is not None else "nothing; too small or too noisy to measure noise"
    lines = [
        f"{printable(path)}: {found.format}, {found.width} x {found.height} pixels ({megapixels}), "
        f"{found.depth} bits, {kind}",
        f"  profile    {found.profile or 'none (sRGB)'}{turned}",
        f"  colors    {found.colors}",
        f"  noise      {_measure(found.noise_sigma, 'sigma {:.1f} of 255')}",
        f"  JPEG       {_measure(found.jpeg_quality, 'quality {}', 'no trace of one')}{by_its}",
        f"  sharpness  {_measure(found.blur_sigma, 'edges as after a blur of {:.1f} pixels')}",
        f"  lines      {found.line_share:.1%} of the pixels in thin lines",
        f"  unknown    {unknown}",
        f"  model      {found.model or 'none of the shipped ones takes it'}",
        f"  found      {'; '.join(found.findings) or nothing}",
    ]
    if found.is_scratched and not found.mask:
        lines.append(f"  hint       scratches: paint them white on black in {printable(path.with_suffix('.mask.png'))}")
    if found.is_blurred:
        lines.append("  hint       blur: no shipped model takes it away")
    proposal = command(path, found)
    return "\n".join([*lines, *([f"  run        {proposal}"] if proposal else [])])


def _measure(value: float | None, words: str, otherwise: str = "cannot be told") -> str:
    return otherwise if value is None else words.format(value)


def command(path: Path, found: "Inspection") -> str | None:
    """The command that restores the picture; None if no model takes it, or for what was measured would do nothing."""
    blurred_alone = found.is_blurred and len(found.findings) == 1
    is_sound = found.noise_sigma is not None and not found.findings
    if found.model is None or is_sound or blurred_alone:
        return None
    # A JPEG or WebP would be compressed again, as hard as before.
    ending = path.suffix if path.suffix.lower() in LOSSLESS and found.format not in ("JPEG", "WEBP") else ".png"
    stem = path.stem if ending == path.suffix else path.name  # x.jpg and x.png may lie side by side
    target = path.with_name(stem + RESTORED + ending)
    return shlex.join(["agerestore", "restore", _argument(path), _argument(target), "-m", found.model])


def _argument(path: Path) -> str:
    text = as_text(path)
    return f"./{text}" if text.startswith("-") else text  # else taken for an option
