"""Start-up in whole processes, side by side: ratios to ``import torch``.

python benchmarks/startup.py [--rounds 5]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PICTURE = Path(__file__).parent.parent / "examples" / "damaged" / "digit-0.png"
RUN = "import sys; from agerestore_cli.app import main; sys.argv[1:] = {}; main()"


def seconds(code: str) -> float:
    """Wall time of a fresh interpreter that runs ``code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Interleave the candidates, so that a busy machine is busy for all of them, and print ratios of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        restore = ["restore", str(PICTURE), f"{folder}/out.png", "-m", "mnist", "-q", "--overwrite"]
        candidates = {
            "import torch": "import torch",
            "agerestore --help": RUN.format(["--help"]),
            "agerestore --version": RUN.format(["--version"]),
            "restore one picture": RUN.format(restore),
        }
        times: dict[str, list[float]] = {name: [] for name in candidates}
        for name, code in [*candidates.items()] * (rounds + 1):
            times[name].append(seconds(code))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}  # the first fills the caches
    ratios = {name: round(value / medians["import torch"], 3) for name, value in medians.items()}
    print(json.dumps({"ratio to import torch": ratios, "rounds": rounds}, indent=1))


if __name__ == "__main__":
    main()
