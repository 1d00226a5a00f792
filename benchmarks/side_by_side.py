"""What benchmarks share: things timed turn by turn in one run, so that a busy machine is busy for all of them.

A benchmark prints one JSON object, from what was measured to the figure: ratios of median times.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping


def medians(candidates: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each over ``rounds`` rounds in which all take turns; a first one warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for round_ in range(rounds + 1):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def tell(figures: Mapping[str, float | str]) -> None:
    """Print the figures; numbers with two digits after the point."""
    rounded = {what: round(each, 2) if isinstance(each, float) else each for what, each in figures.items()}
    print(json.dumps(rounded, indent=1, ensure_ascii=False), flush=True)
