"""``agerestore sample`` and ``agerestore interpolate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agerestore.errors import ImageFileError, UsageError

from . import _completion
from ._options import (
    MODEL,
    Compute,
    Messages,
    ModelName,
    Overwrite,
    Seed,
    option,
    print_output,
    refuse_existing,
    refuse_unsupported,
    with_groups,
)
from ._wording import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from agerestore.models.base import Model

Out = Annotated[Path, typer.Argument(metavar="OUT", help="The image file to write.")]
Samples = Annotated[
    Path,
    typer.Argument(metavar="OUT", help="The image file to write; without a suffix a folder, with a PNG for each."),
]
ROW = 8  # samples in a row of the sheet


@with_groups
def sample(
    out: Samples,
    model: ModelName = "mnist",
    num_samples: Annotated[int, option(MODEL, "-n", "--num-samples", min=1, metavar="N", help="Draw N images.")] = 64,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    *,
    compute: Compute,
    messages: Messages,
) -> None:
    """Draw images from the prior, on one contact sheet or each as a PNG of its own."""
    import torch

    from agerestore import device as devices
    from agerestore.images.grid import contact_sheet
    from agerestore.inference import sampler
    from agerestore.models import zoo

    as_files = out.is_dir() or not out.suffix
    if as_files:
        _refuse_filled(out, overwrite)
    else:
        _refuse(out, overwrite)
    devices.set_threads(compute.threads)
    loaded = zoo.load(model).to(where := devices.choose(compute.device))
    with devices.precision(compute.precision, where):
        batches = sampler.sample_batches(loaded, num_samples, torch.Generator(where).manual_seed(seed))
        if as_files:
            _write_files(batches, out)
        else:
            contact_sheet(list(torch.cat(list(batches)).split(ROW)), out)
    print_output(out, messages)


@with_groups
def interpolate(
    a: Annotated[Path, typer.Argument(metavar="A", help="The image to start from.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The image to end at.")],
    out: Out,
    model: ModelName = "mnist",
    steps: Annotated[int, option(MODEL, min=2, metavar="N", help="How many images, with both ends.")] = 9,
    spacing: Annotated[
        str,
        option(
            MODEL,
            metavar="[image|code]",
            autocompletion=_completion.spacings,
            help="Equal steps between images, or between codes as in the papers.",
        ),
    ] = "image",
    overwrite: Overwrite = False,
    *,
    compute: Compute,
    messages: Messages,
) -> None:
    """Walk from one image to another through the latent space: a row of images."""
    from agerestore import device as devices
    from agerestore.images import io
    from agerestore.images.grid import contact_sheet
    from agerestore.inference import sampler
    from agerestore.models import zoo

    if spacing not in _completion.spacings():
        raise UsageError(f"--spacing {spacing} is unknown; choose image or code")
    if out.exists() and any(path.exists() and out.samefile(path) for path in (a, b)):
        raise UsageError(f"{out}: is one of the two images; choose another output")
    _refuse(out, overwrite)
    devices.set_threads(compute.threads)
    loaded = zoo.load(model).to(where := devices.choose(compute.device))
    ends = [io.read(path).to_tensor().to(where) for path in (a, b)]
    with devices.precision(compute.precision, where):
        walk = sampler.interpolate(loaded, ends[0], ends[1], steps, spacing == "image")
    for path, end in zip((a, b), ends, strict=True):
        _warn_of_foreign(path, loaded, end, messages)
    contact_sheet([walk], out)
    print_output(out, messages)


def _warn_of_foreign(path: Path, loaded: "Model", image: "Tensor", messages: Messages) -> None:
    """Warn of an image that is unlike those the model was trained on."""
    from agerestore.images.raster import Raster
    from agerestore.inference.fixed_size import domain_scores

    score = float(domain_scores(loaded, Raster(image))) if loaded.header.get("domain") else 0.0
    if score > 1 and not messages.quiet:
        say(f"out of the model's domain ({score:.1f} x its limit)", path)


def _write_files(batches: "Iterable[Tensor]", folder: Path) -> None:
    """Write each image of batches (B, C, S, S) in [0, 1] as a PNG called by its number."""
    from agerestore import files
    from agerestore.images import io, pixels
    from agerestore.images.photo import Photo

    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(image for batch in batches for image in pixels.of_tensor(batch)):
        io.write(folder / f"{number:05d}.png", Photo(image))


def _refuse_filled(folder: Path, overwrite: bool) -> None:
    """Refuse a folder in which samples would be mixed with other files."""
    refuse_unsupported("a folder of samples", "--overwrite" if overwrite else "")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not an empty folder; choose another")


def _refuse(out: Path, overwrite: bool) -> None:
    """Refuse, before any work, an output that cannot be written."""
    from agerestore.images.formats import catalog

    try:
        catalog.of_suffix(out.suffix)
    except ImageFileError as error:
        raise UsageError(f"{out}: {error}") from None
    refuse_existing(out, overwrite)
