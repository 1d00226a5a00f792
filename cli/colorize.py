"""``agerestore colorize``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import UsageError

from . import _completion
from ._files import output_folder, plan_files, run_files
from ._options import IMAGE, MODEL, OUTPUT, Compute, Files, Messages, Seed, flag, option, with_groups

SUFFIX = ".colorized"


@with_groups
def colorize(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="IN... [OUT]",
                       help="Gray images, or folders that are searched with all below, and last the colored image or "
                            "the folder for them; with one path alone NAME.colorized.jpg next to NAME.jpg."),
    ],
    sepia: Annotated[bool, flag(IMAGE, "--sepia", help="Take a toned image for a gray one.")] = False,
    force: Annotated[
        bool, flag(IMAGE, "--force", help="Color images that have colors already, or that the model does not know.")
    ] = False,
    max_pixels: Annotated[int, option(IMAGE, min=1, metavar="N", help="Refuse images of more pixels.")] = MAX_PIXELS,
    samples: Annotated[
        int, option(OUTPUT, "-n", "--samples", min=1, metavar="N", help="Write N color versions of each image.")
    ] = 1,
    seed: Seed = 0,
    reference: Annotated[
        Path | None, option(MODEL, metavar="FILE", help="Take the colors of this color photograph.")
    ] = None,
    hints: Annotated[
        list[str] | None,
        option(MODEL, "--hint", metavar="X,Y,#RRGGBB",
               help="The color of one point, in pixels from the left and from the top; repeat it for others."),
    ] = None,
    saturation: Annotated[
        float, option(MODEL, metavar="0..2", help="0 leaves images gray, 1 is what the model draws, 2 twice as much.")
    ] = 1.0,
    model: Annotated[
        str, option(MODEL, "-m", "--model", metavar="auto|NAME|FILE", autocompletion=_completion.models_or_auto,
                    help="auto chooses for each image; else a shipped model's name, or a .safetensors file.")
    ] = "auto",
    compare: Annotated[bool, flag(OUTPUT, "--compare", help="Also write gray and colored side by side.")] = False,
    *,
    compute: Compute,
    files: Files,
    messages: Messages,
) -> None:  # fmt: skip
    """Color black-and-white photographs.

    The lightness of every pixel stays, at full size. The first color version is the best estimate; the others differ
    from it and from each other. --hint says what you know: a hint holds at its point in every version.

    The further versions of -n 4 go to NAME.sample-2.jpg up to NAME.sample-4.jpg, and --compare writes
    NAME.compare.png.
    """
    from agerestore import device as devices
    from agerestore.api.processors import colorize_processor
    from agerestore.config.hints import read_hints
    from agerestore.config.options import ColorizeFileSettings, ColorizeSettings

    known = read_hints(map(_parts, hints or ()))
    settings = ColorizeSettings(samples, seed, saturation, known, sepia, force, compute.precision)
    extras = ColorizeFileSettings(reference, compare, max_pixels)
    if reference is not None and samples != 1:
        raise UsageError("--reference gives one color version; leave -n out")
    if reference is not None and not reference.is_file():
        raise UsageError(f"{reference}: no such reference; check the name")
    inputs, out, files = _where_to(paths, files)
    sidecars = {"-n": samples > 1, "--compare": compare}
    read = () if reference is None else (reference,)
    planned = plan_files(inputs, out, files, messages, exclude=reference, sidecars=sidecars)
    jobs = [replace(job, extra_inputs=read) for job in planned]

    devices.set_threads(compute.threads)
    processor = colorize_processor(model, settings, extras, files.options, compute.device)
    run_files(jobs, processor, files, messages, output_folder(inputs, out), processor.key, compute)


def _parts(hint: str) -> tuple[object, ...]:
    """The parts of a --hint, to be checked."""
    *place, color = hint.split(",")
    return (*(int(each) if each.strip().isdecimal() else each for each in place), color.strip())


def _where_to(paths: list[Path], files: Files) -> tuple[list[Path], Path, Files]:
    """IN, OUT and the naming of results; without OUT, next to the images, and from stdin to stdout."""
    from ._streams import STDIO

    if len(paths) > 1:
        return paths[:-1], paths[-1], files
    (source,) = paths
    if source == STDIO:
        return paths, STDIO, files
    if files.in_place:
        return paths, source, files
    folder = source if source.is_dir() else source.parent
    return paths, folder, replace(files, suffix=files.suffix or SUFFIX)
