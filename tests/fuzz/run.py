"""Reads hostile files for a while, and says what went wrong.

    FUZZ_SECONDS=3600 python tests/fuzz/run.py [FOLDER]

Ten minutes without the variable. Of each fault the smallest file is kept in the folder; the exit code is 1 if there is
any. Every run draws other files; FUZZ_SEED, which is printed, draws the same again.
"""

import os
import re
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.reader import Answer, Reader
from fuzz.structures import Hostile, hostile_file


def kind_of(answer: Answer) -> str:
    """A fault without its numbers, names and quoted parts."""
    return re.sub(r"\d+", "0", answer.fault)[:100]


class Run:
    """What was read until now."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader, self.folder = reader, folder
        self.counts: Counter[str] = Counter()
        self.smallest: dict[str, tuple[Hostile, Answer]] = {}

    def read(self, file: Hostile) -> None:
        answer = self.reader.read(*file)
        self.counts[f"{file.suffix} {answer.outcome or 'fault'}"] += 1
        if answer.unsaved:
            self.counts[f"unsaved: {answer.unsaved[:90]}"] += 1
        if not answer.fault:
            return
        kind = f"{file.suffix} {kind_of(answer)}"
        self.counts[kind] += 1
        if kind not in self.smallest or len(file.data) < len(self.smallest[kind][0].data):
            self.smallest[kind] = file, answer
            self.folder.mkdir(parents=True, exist_ok=True)
            number = list(self.smallest).index(kind)
            (self.folder / f"fault-{number:02}{file.suffix}").write_bytes(file.data)


def main() -> int:
    first = int(os.environ.get("FUZZ_SEED") or secrets.randbits(32))
    budget = float(os.environ.get("FUZZ_SECONDS") or 600)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "fuzz-faults")
    sys.stdout.write(f"FUZZ_SEED={first} for {budget:g} seconds\n")
    with Reader() as reader:
        run, number, end = Run(reader, folder), first, time.monotonic() + budget
        while time.monotonic() < end:
            run.read(hostile_file(Random(number)))
            number += 1
    for what, count in sorted(run.counts.items()):
        sys.stdout.write(f"{count:7} {what}\n")
    for number, (file, answer) in enumerate(run.smallest.values()):
        sys.stdout.write(f"{folder}/fault-{number:02}{file.suffix}: {answer.fault}\n")
    return 1 if run.smallest else 0


if __name__ == "__main__":
    sys.exit(main())
