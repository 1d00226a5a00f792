"""Start-up in whole processes, side by side: ratios to ``import torch``.

python benchmarks/startup.py [ROUNDS]

A cold restore is set against ``import torch`` plus the pass of the networks alone, which is timed in this process.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from side_by_side import medians, tell

from agerestore.images import io
from agerestore.images.observation import Observation
from agerestore.inference.restorer import restore_observation
from agerestore.models import zoo

DAMAGED = Path(__file__).parent.parent / "examples" / "damaged"
PICTURES = {"mnist": DAMAGED / "digit-0.png", "photo": DAMAGED / "photo-chelsea.png"}
RUN = "import sys; from agerestore_cli.app import main; sys.argv[:] = ['agerestore', *{}]; main()"
COMPLETION = {
    "_AGERESTORE_COMPLETE": "complete_bash",
    "COMP_WORDS": "agerestore re",
    "COMP_CWORD": "1",
}


def process(code: str, **variables: str) -> Callable[[], object]:
    """A fresh interpreter that runs ``code``."""

    def run() -> None:
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=os.environ | variables)

    return run


def alone(name: str) -> Callable[[], object]:
    """The pass of a model's networks over its image, already read."""
    model, observation = zoo.load(name), Observation(io.read(PICTURES[name]).to_tensor())
    return lambda: restore_observation(model, observation)


def main(rounds: int = 5) -> None:
    """Interleave the candidates and print ratios of medians."""
    with tempfile.TemporaryDirectory() as folder:

        def restore(name: str) -> Callable[[], object]:
            words = ["restore", str(PICTURES[name]), f"{folder}/{name}.png", "-m", name, "-q", "--overwrite"]
            return process(RUN.format(words))

        cheap = {
            "`agerestore --help`": process(RUN.format(["--help"])),
            "`agerestore --version`": process(RUN.format(["--version"])),
            "completion of a verb": process(RUN.format([]), **COMPLETION),
        }
        cold = {f"cold `restore` of one image, {name}": restore(name) for name in PICTURES}
        passes = {name: alone(name) for name in PICTURES}
        times = medians({"torch": process("import torch"), **cheap, **cold, **passes}, rounds)
    figures = {f"{name} / `import torch`": times[name] / times["torch"] for name in cheap}
    for what, name in zip(cold, PICTURES, strict=True):
        figures[f"{what} / `import torch` and the pass"] = times[what] / (times["torch"] + times[name])
    tell(figures)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
