"""``agerestore export``."""

from pathlib import Path
from typing import Annotated

import typer

from agerestore.errors import UsageError

from ._options import Messages, ModelName, Overwrite, print_output, refuse_existing, with_groups


@with_groups
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    model: ModelName,
    overwrite: Overwrite = False,
    *,
    messages: Messages,
) -> None:
    r"""Write a model as ONNX: inputs image and mask, outputs estimate and, of photographs, std; all in [0, 1].

    Needs the extra: pip install 'agerestore\[onnx]'. Photographs may have any size.
    """
    from agerestore.models import zoo
    from agerestore.models.onnx import export_onnx

    if out.suffix.lower() != ".onnx":
        raise UsageError(f"{out}: choose a name that ends in .onnx")
    refuse_existing(out, overwrite)
    export_onnx(zoo.load(model, device="cpu"), out)
    print_output(out, messages)
