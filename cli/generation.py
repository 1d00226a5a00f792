"""``agerestore sample`` and ``agerestore interpolate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agerestore.errors import ImageFileError, UsageError
from agerestore.files import printable

from ._options import Common, ModelName, Overwrite, refuse_existing, tell_output, with_common_options

if TYPE_CHECKING:
    from torch import Tensor

    from agerestore.models.base import Model

Out = Annotated[Path, typer.Argument(metavar="OUT", help="The picture to write.")]
ROW = 8  # samples in a row of the sheet


@with_common_options
def sample(
    out: Out,
    model: ModelName = "mnist",
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 64,
    overwrite: Overwrite = False,
    *,
    common: Common,
) -> None:
    """Draw pictures from the prior, on one sheet."""
    import torch

    from agerestore import device as devices
    from agerestore.images.grid import contact_sheet
    from agerestore.inference import sampler
    from agerestore.models import zoo

    _refuse(out, overwrite)
    devices.set_threads(common.threads)
    loaded = zoo.load(model).to(where := devices.choose(common.device))
    with devices.precision(common.precision, where):
        drawn = sampler.sample(loaded, count, torch.Generator(where).manual_seed(common.seed))
    contact_sheet(list(drawn.split(ROW)), out)
    tell_output(out, common)


@with_common_options
def interpolate(
    a: Annotated[Path, typer.Argument(metavar="A", help="The picture to start from.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The picture to arrive at.")],
    out: Out,
    model: ModelName = "mnist",
    steps: Annotated[int, typer.Option("-n", "--steps", min=2, help="How many pictures, with both ends.")] = 9,
    even: Annotated[
        bool, typer.Option("--even/--constant", help="Pictures change evenly, or codes do, as in the papers.")
    ] = True,
    overwrite: Overwrite = False,
    *,
    common: Common,
) -> None:
    """Walk from one picture to another through the latent space: a row of pictures."""
    from agerestore import device as devices
    from agerestore.images import io
    from agerestore.images.grid import contact_sheet
    from agerestore.inference import sampler
    from agerestore.models import zoo

    if out.exists() and any(path.exists() and out.samefile(path) for path in (a, b)):
        raise UsageError(f"{out}: is one of the two pictures; choose another output")
    _refuse(out, overwrite)
    devices.set_threads(common.threads)
    loaded = zoo.load(model).to(where := devices.choose(common.device))
    ends = [io.read(path).to_tensor().to(where) for path in (a, b)]
    with devices.precision(common.precision, where):
        walk = sampler.interpolate(loaded, ends[0], ends[1], steps, even)
    for path, end in zip((a, b), ends, strict=True):
        _warn_of_foreign(path, loaded, end, common)
    contact_sheet([walk], out)
    tell_output(out, common)


def _warn_of_foreign(path: Path, loaded: "Model", picture: "Tensor", common: Common) -> None:
    """Say of a picture that the model knows nothing like it."""
    from agerestore.inference.restoration import domain_score

    score = domain_score(loaded, picture)[0] if loaded.header.get("domain") else 0.0
    if score > 1 and not common.quiet:
        typer.echo(f"agerestore: {printable(path)}: out of the model's domain ({score:.1f} x its limit)", err=True)


def _refuse(out: Path, overwrite: bool) -> None:
    """Refuse, before any work, an output that cannot be written."""
    from agerestore.images.formats import catalog

    try:
        catalog.of_suffix(out.suffix)
    except ImageFileError as error:
        raise UsageError(f"{out}: {error}") from None
    refuse_existing(out, overwrite)
