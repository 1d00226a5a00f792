"""``agerestore inspect``."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from agerestore.files import printable

from ._files import exit_code
from ._interrupt import interrupted
from ._options import OUTPUT, Distribution, Messages, Threads, option, with_groups
from ._proposal import measurable, proposal
from ._terminal import echo
from ._wording import as_text, command_line, in_options, said_unless, say

if TYPE_CHECKING:
    from agerestore.analysis.report import Report
    from agerestore.batch.outcome import Outcome

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
    distribution: Distribution,
    messages: Messages,
) -> None:
    """Say what images are, what is wrong with them, and which command restores them.

    Measured are noise, grain, JPEG quality, blur, colors, fading and scratches; documents and drawings are recognized.
    NAME.mask.png next to an image is its mask.
    """
    from agerestore import device as devices
    from agerestore.api.processors import inspect_processor
    from agerestore.batch import runner
    from agerestore.batch.executors import open_executor
    from agerestore.batch.inspection import InspectionWriter, plan_inspections

    devices.set_threads(threads)
    if threads:
        import cv2

        cv2.setNumThreads(threads)
    jobs, failed = plan_inspections(sources, mask, distribution.part_of_folder, said_unless(messages.quiet))
    for outcome in failed:
        say(outcome.error or "")
    processor = inspect_processor()
    gpu = any(model.device.type == "cuda" for model in processor.models.values())
    options = distribution.executor_options(threads, gpu)
    with (
        interrupted("finishing the files in flight") as stop,
        open_executor(processor, options, len(jobs)) as executor,
    ):
        summary = runner.run(
            jobs, processor, InspectionWriter(),
            report=lambda outcome: _print(outcome, messages), stop=stop.is_set, executor=executor,
        )  # fmt: skip
    if stop.is_set() and summary.left:
        raise KeyboardInterrupt
    summary = replace(summary, total=summary.total + len(failed), failures=[*failed, *summary.failures])
    raise typer.Exit(exit_code(summary))


def _print(outcome: "Outcome", messages: Messages) -> None:
    path, mask = outcome.job.source, next(iter(outcome.job.extra_inputs), None)
    found = cast("Any", outcome.detail.get("found"))
    if messages.as_json:
        error = {"error": outcome.error and in_options(outcome.error), "code": outcome.code}
        measured = {} if outcome.error else _row(path, found, mask)
        row = {"input": as_text(path), "status": outcome.status, **error, **measured}
        row |= {"seconds": round(outcome.seconds, 4)}
        echo(json.dumps(row))
    if outcome.error:
        say(outcome.error)
    elif "warning" in outcome.detail and not messages.quiet:
        say(str(outcome.detail["warning"]), path)
    if not outcome.error and not messages.as_json and not messages.quiet:
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
    from agerestore.batch.inspection import RESTORED

    helpful = proposal(found)
    if helpful is None:
        return None
    # Writing JPEG or WebP again would compress the result as strongly as the source.
    ending = path.suffix if path.suffix.lower() in LOSSLESS and found.format not in ("JPEG", "WEBP") else ".png"
    stem = path.stem if ending == path.suffix else path.name  # x.jpg and x.png may be in one folder
    target = path.with_name(stem + RESTORED + ending)
    wanted = {"tones": 1} if helpful.tones else {}
    return command_line("restore", [path, target], {"model": helpful.model, **wanted})
