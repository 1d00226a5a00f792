"""``agerestore inspect``."""

import json
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from agerestore.errors import NothingReadableError
from agerestore.files import printable

from ._files import as_text, exit_code
from ._options import OUTPUT, Messages, Threads, option, with_groups
from ._proposal import measurable, proposal
from ._terminal import echo
from ._wording import in_options, said_unless, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from agerestore.analysis.report import Report
    from agerestore.batch.jobs import Job
    from agerestore.batch.masks import Masks
    from agerestore.batch.outcome import Outcome
    from agerestore.images.photo import Mask

RESTORED, MASK = ".restored", ".mask.png"
DIGITS = {  # of JSON
    "noise_sigma": 2, "grain_sigma": 2, "grain_size": 2, "impulse_share": 5, "blur_sigma": 2, "scratch_share": 5,
    "missing": 5,
}  # fmt: skip
LOSSLESS = (".png", ".tif", ".tiff", ".bmp")


@with_groups
def inspect(
    sources: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="Images, or folders that are searched with all below.")
    ],
    mask: Annotated[
        Path | None,
        option(
            OUTPUT,
            metavar="OUT",
            help="Also write the defects that are found: the mask of a single image, or a folder for those of several.",
        ),
    ] = None,
    threads: Threads = 0,
    *,
    messages: Messages,
) -> None:
    """Say what images are, what is wrong with them, and which command restores them.

    Measured are noise, grain, JPEG quality, blur, colors, fading and scratches; documents and drawings are recognized.
    NAME.mask.png next to an image is its mask.
    """
    from agerestore import device as devices
    from agerestore.batch.masks import Masks
    from agerestore.batch.outcome import Outcome, Summary
    from agerestore.models import zoo

    devices.set_threads(threads)
    if threads:
        import cv2

        cv2.setNumThreads(threads)
    found, missing = _images(sources, said_unless(messages.quiet))
    models, masks = zoo.load_automatic(), Masks()
    detector = zoo.load_detector(models)
    single = len(sources) == 1 and not sources[0].is_dir()
    summary = Summary(len(found) + len(missing))
    for folder, line in missing.items():
        say(line)
        summary.add(Outcome(_job(folder), status="failed", error=line, code="UnreadableError"))
    for path in found:
        out = mask if mask is None or single else mask / f"{path.name}{MASK}"
        outcome = _inspect_file(path, models, detector, masks, out)
        summary.add(outcome)
        _print(outcome, messages)
    raise typer.Exit(exit_code(summary))


def _job(path: Path) -> "Job":
    """What an outcome is of: a file that is only read."""
    from agerestore.batch.jobs import Job

    return Job(path, path)


def _images(sources: list[Path], notify: "Callable[[str], None]") -> tuple[list[Path], dict[Path, str]]:
    """The images to look at, and a line for each folder without any; what else folders hold is said."""
    found: list[Path] = []
    missing: dict[Path, str] = {}
    for source in sources:
        try:
            found += _in_folder(source, notify) if source.is_dir() else [source]  # a named file, whatever it is called
        except NothingReadableError as error:
            missing[source] = str(error)
    return found, missing


def _in_folder(folder: Path, notify: "Callable[[str], None]") -> list[Path]:
    """The images of a folder, without those that an earlier proposal has restored; what is left out is said.

    Raises:
        NothingReadableError: There is none.
    """
    from agerestore.batch import folders

    found = folders.search(folder, is_result=lambda path: path.stem.endswith(RESTORED))
    found.require_images()
    for line in found.left_out():
        notify(line)
    return found.images


def _inspect_file(path: Path, models: Any, detector: Any, masks: "Masks", out: Path | None) -> "Outcome":
    """Inspect one image; an error becomes an outcome, so that the others follow."""
    from agerestore.batch.masks import read_mask_file
    from agerestore.batch.outcome import Outcome, describe
    from agerestore.images import io
    from agerestore.images.masks import TURNED
    from agerestore.inference.inspection import inspect_photo

    start = time.perf_counter()
    try:
        photo, mask = io.read(path), masks.of(path)
        read = None if mask is None else read_mask_file(mask, photo)
        if read and read.turned:
            say(TURNED, path)
        found, defects = inspect_photo(photo, read and read.missing, models, detector)
        if out is not None:
            _write_mask(out, defects, photo.pixels.shape[:2])
    except Exception as error:
        message, code = describe(error, path)
        return Outcome(_job(path), status="failed", error=message, code=code)
    return Outcome(_job(path), time.perf_counter() - start, detail={"found": found, "mask": mask})


def _write_mask(out: Path, defects: "Mask | None", size: tuple[int, ...]) -> None:
    """Write found defects of an image of a size (H, W), white on black; nothing is replaced."""
    import numpy as np

    from agerestore.errors import OutputExistsError
    from agerestore.images import io
    from agerestore.images.masks import as_photo

    if out.exists():
        raise OutputExistsError(f"{printable(out)}: exists; choose another name for `mask`")
    out.parent.mkdir(parents=True, exist_ok=True)
    io.write(out, as_photo(np.zeros(size, bool) if defects is None else defects))


def _print(outcome: "Outcome", messages: Messages) -> None:
    path = outcome.job.source
    found, mask = (cast("Any", outcome.detail.get(name)) for name in ("found", "mask"))
    if messages.as_json:
        error = {"error": outcome.error and in_options(outcome.error), "code": outcome.code}
        measured = {} if outcome.error else _row(path, found, mask)
        row = {"input": as_text(path), "status": outcome.status, **error, **measured}
        row |= {"seconds": round(outcome.seconds, 4)}
        echo(json.dumps(row))
    if outcome.error:
        say(outcome.error)
    elif not messages.as_json and not messages.quiet:
        echo(_block(path, found, mask))


def _row(path: Path, found: "Report", mask: Path | None) -> dict[str, Any]:
    """Return the fields of the JSON line of an image."""
    row = asdict(found)
    for name, digits in DIGITS.items():
        row[name] = row[name] if row[name] is None else round(row[name], digits)
    judged = {"blurred": found.is_blurred, "scratched": found.is_scratched, "grainy": found.is_grainy}
    row |= {"megapixels": round(found.megapixels, 2), "mask": mask and as_text(mask)}
    row["defect_kinds"] = list(found.defect_kinds)
    return row | judged | {"findings": found.findings, "command": command(path, found)}


def _block(path: Path, found: "Report", mask: Path | None) -> str:
    """Return the lines of text about an image."""
    megapixels = f"{found.megapixels:.1f} megapixels"
    kind = " with ".join(["gray" if found.channels == 1 else "RGB", *["alpha"] * found.alpha])
    turned = f", EXIF orientation {found.orientation}" if found.orientation else ""
    by_its = f" (by its {found.jpeg_quality_from})" if found.jpeg_quality_from else ""
    missing = f"{found.missing:.1%} of the pixels, marked in {printable(mask)}" if mask else "no mask file"
    nothing = "nothing wrong" if measurable(found) else "nothing; too small or too noisy to measure noise"
    lines = [
        f"{printable(path)}: {found.format}, {found.width} x {found.height} pixels ({megapixels}), "
        f"{found.depth} bits, {kind}",
        f"  profile    {found.profile or 'none (sRGB)'}{turned}",
        f"  kind       {found.document or 'a photograph'}",
        f"  color mode {found.color_mode}{', faded' if found.faded else ''}",
        f"  noise      {_measure(found.noise_sigma, 'sigma {:.1f} of 255')}",
        f"  grain      {_grain(found)}",
        f"  impulses   {found.impulse_share:.1%} of the pixels black or white at random",
        f"  JPEG       {_measure(found.jpeg_quality, 'quality {}', 'no trace of one')}{by_its}",
        f"  sharpness  {_measure(found.blur_sigma, 'edges as after a blur of {:.1f} pixels')}",
        f"  scratches  {found.scratch_share:.1%} of the pixels in thin lines",
        f"  defects    {_defects(found)}",
        f"  missing    {missing}",
        f"  model      {found.model or 'no shipped model restores it'}",
        f"  found      {'; '.join(found.findings) or nothing}",
    ]
    if found.is_blurred and not found.document:
        lines.append("  hint       blur: no shipped model removes it")
    proposed = command(path, found)
    return "\n".join([*lines, *([f"  run        {proposed}"] if proposed else [])])


def _defects(found: "Report") -> str:
    if found.defect_share is None:
        return "not looked for"
    return f"{found.defect_share:.1%} of the pixels: {', '.join(found.defect_kinds)}" if found.defect_share else "none"


def _grain(found: "Report") -> str:
    if not found.grain_sigma:
        return "cannot be told from detail"
    unsure = "" if found.is_grainy else ", which may be detail or white noise"
    return f"sigma {found.grain_sigma:.1f} of 255, as of white noise blurred by {found.grain_size:.1f} pixels{unsure}"


def _measure(value: float | None, words: str, otherwise: str = "cannot be measured") -> str:
    return otherwise if value is None else words.format(value)


def command(path: Path, found: "Report") -> str | None:
    """Return the command that restores the image; None without a model for it or without a defect it removes."""
    helpful = proposal(found)
    if helpful is None:
        return None
    # Writing JPEG or WebP again would compress the result as strongly as the source.
    ending = path.suffix if path.suffix.lower() in LOSSLESS and found.format not in ("JPEG", "WEBP") else ".png"
    stem = path.stem if ending == path.suffix else path.name  # x.jpg and x.png may be in one folder
    target = path.with_name(stem + RESTORED + ending)
    wanted = ["--tones", "1"] if helpful.tones else []
    return shlex.join(["agerestore", "restore", _argument(path), _argument(target), "-m", helpful.model, *wanted])


def _argument(path: Path) -> str:
    text = as_text(path)
    return f"./{text}" if text.startswith("-") else text  # or it is parsed as an option
