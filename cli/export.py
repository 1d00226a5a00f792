"""``agerestore export``."""

from pathlib import Path
from typing import Annotated

import typer

from ._options import Common, with_common_options


@with_common_options
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A shipped model, or a .safetensors file.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    *,
    common: Common,
) -> None:
    r"""Write a model as ONNX: inputs image and mask, outputs estimate and, of photographs, deviation; all in [0, 1].

    Needs the extra: pip install 'agerestore\[onnx]'. Photographs may have any size.
    """
    from agerestore import zoo
    from agerestore.errors import UsageError
    from agerestore.export import export_onnx

    if out.exists() and not overwrite:
        raise UsageError(f"{out}: exists; pass --overwrite to replace it")
    export_onnx(zoo.load(model), out)
    if not common.quiet:
        typer.echo(str(out))
