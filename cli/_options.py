"""Options that every verb takes, written once."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]


@dataclass(frozen=True)
class Common:
    """What every verb can be told."""

    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto"
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto"
    threads: Annotated[int, typer.Option(min=0, help="Threads to compute with; 0 leaves the choice to torch.")] = 0
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print a line for each step.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON lines on stdout.")] = False


def with_common_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb with a parameter ``common: Common`` the options that `Common` names."""
    shared = get_type_hints(Common, include_extras=True)
    signature = inspect.signature(verb)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "common"]
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=shared[field.name]
        )
        for field in fields(Common)
    ]

    @functools.wraps(verb)
    def called(**arguments: Any) -> None:
        common = Common(**{name: arguments.pop(name) for name in shared})
        verb(**arguments, common=common)

    called.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in own} | shared
    return called
