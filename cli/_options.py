"""Options that several verbs take, written once."""

import functools
import inspect
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from agerestore.errors import UsageError


@dataclass(frozen=True)
class Common:
    """What every verb can be told."""

    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto"
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto"
    threads: Annotated[int, typer.Option(min=0, help="Threads to compute with; 0 leaves the choice to torch.")] = 0
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything that is drawn.")] = 0
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print a line for each step.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON lines on stdout.")] = False


@dataclass(frozen=True)
class Batch:
    """What every verb that makes pictures of pictures can be told."""

    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs that differ.")] = False
    suffix: Annotated[
        str, typer.Option(help="Goes between name and ending of each output; OUT may then be the folder IN.")
    ] = ""
    ext: Annotated[
        str | None,
        typer.Option(metavar=".EXT", help="Format of the outputs, as in --ext .png; that of each picture otherwise."),
    ] = None
    quality: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Of JPEG, WebP, AVIF and HEIC; without it a JPEG keeps that of its source."),
    ] = None
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the pictures themselves; needs IN as OUT, and --backup.")
    ] = False
    backup: Annotated[bool, typer.Option("--backup", help="Keep each original as NAME.EXT.orig.")] = False
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first picture that fails.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done; write nothing.")] = False
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Write a JSON line for each picture to this file.")
    ] = None
    chosen: Mapping[str, Any] = field(default_factory=dict)  # what the verb was told of its own: no option

    @property
    def naming(self) -> dict[str, Any]:
        """What of this `agerestore.batch.planning.plan` is to know."""
        return {"suffix": self.suffix, "ext": self.ext, "in_place": self.in_place}

    @property
    def settings(self) -> dict[str, Any]:
        """What results depend on: what the verb was told, and what of this their names do not say."""
        return {**self.chosen, "quality": self.quality}


ModelName = Annotated[str, typer.Option("-m", "--model", help="A shipped model's name, or a .safetensors file.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there.")]

GROUPS = (Common, Batch)


def refuse_unheeded(who: str, options: Collection[str]) -> None:
    """Refuse options that would have no effect."""
    if options:
        raise UsageError(f"{who} does not heed {' and '.join(options)}; leave that out")


def tell_output(out: Path, common: Common) -> None:
    """Say which file was written."""
    if common.as_json:
        typer.echo(json.dumps({"output": str(out)}))
    elif not common.quiet:
        typer.echo(str(out))


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Refuse, before any work, to replace a file unasked."""
    if out.exists() and not overwrite:
        raise UsageError(f"{out}: exists; pass --overwrite to replace it")


def with_common_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb with parameters of the types `Common` and `Batch` the options that these name."""
    signature = inspect.signature(verb)
    groups = {name: each.annotation for name, each in signature.parameters.items() if each.annotation in GROUPS}
    own = [parameter for name, parameter in signature.parameters.items() if name not in groups]
    options = {name: _options(group) for name, group in groups.items()}

    @functools.wraps(verb)
    def called(**arguments: Any) -> None:
        told = {name: {each.name: arguments.pop(each.name) for each in options[name]} for name in groups}
        chosen = {"verb": verb.__name__, **arguments}
        for name, group in groups.items():
            more = {"chosen": chosen} if group is Batch else {}
            arguments[name] = group(**told[name], **more)
        verb(**arguments)

    parameters = [*own, *(option for group in options.values() for option in group)]
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _options(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(group)
        if hasattr(hints[each.name], "__metadata__")
    ]
