"""Options that every verb takes."""

from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]
Threads = Annotated[int, typer.Option(min=0, help="Threads to compute with; 0 leaves the choice to torch.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Print a line for each step.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON lines on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]
