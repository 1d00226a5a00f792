"""Every benchmark, one after the other; the figures as JSON and as the table in docs/performance.md.

python benchmarks/all.py [--out build/benchmarks.json] [--threads N] [--no-table]

The table between the two markers of that page is replaced. Leave the machine alone meanwhile. All take as many threads
as torch chooses, or N: 1 where other work goes on, since threads that wait for each other say nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
START, END = "<!-- benchmarks/all.py -->", "<!-- end -->"
PHOTOGRAPHS = "examples/photographs"
COMMANDS = (
    "startup.py",
    "train_step.py",
    "restore_age.py",
    "restore_photo.py 256",
    "restore_photo.py 1024",
    "denoise_photo.py",
    "folder.py",
    f"chroma.py {PHOTOGRAPHS} 6",
    f"inspect_accuracy.py {PHOTOGRAPHS} 2",
)


def machine(threads: int) -> str:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    load = os.getloadavg()[0]
    when = time.strftime("%Y-%m-%d")
    return (
        f"{when}, threads: {threads}, processors: {os.cpu_count()}, {model}, torch {torch.__version__}, "
        f"load {load:.1f} before the run"
    )


def run(command: str) -> dict[str, Any]:
    """The figures of one benchmark; of one that prints a text instead, its lines."""
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, HERE / command.split()[0], *command.split()[1:]],
        cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    try:
        found = {"figures": json.loads(result.stdout)}
    except ValueError:
        found = {"lines": result.stdout.splitlines()}
    return {"command": f"python benchmarks/{command}", "seconds": round(time.perf_counter() - start), **found}


def table(results: list[dict[str, Any]], on: str) -> str:
    """The figures as a table in Markdown."""
    rows = [
        f"| {what} | {figure} | `{result['command']}` |"
        for result in results
        for what, figure in result.get("figures", {}).items()
    ]
    return "\n".join([START, f"Measured {on}.", "", "| what | ratio | command |", "|---|---|---|", *rows, END])


def main() -> None:
    """Run them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE.parent / "build" / "benchmarks.json")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-table", action="store_true", help="leave docs/performance.md as it is")
    arguments = parser.parse_args()
    if arguments.threads:
        os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    out, results = arguments.out, list[dict[str, Any]]()
    on = machine(arguments.threads or torch.get_num_threads())
    for command in COMMANDS:
        print(f"{command} ...", flush=True)
        results.append(run(command))
        print(json.dumps(results[-1], indent=1, ensure_ascii=False), flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": on, "results": results}, indent=1, ensure_ascii=False) + "\n")
    if not arguments.no_table:
        before, _, rest = PAGE.read_text().partition(START)
        PAGE.write_text(before + table(results, on) + rest.partition(END)[2])
    print(f"{out} written")


if __name__ == "__main__":
    main()
