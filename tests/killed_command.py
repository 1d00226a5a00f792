"""Kills the command at random moments while it restores a folder, and checks what is left.

    python tests/killed_command.py [KILLS] [SEED]

100 kills without the number. The command is the real one with a shipped model, into another folder and in place by
turns; it is forked from a process that has imported it, since importing takes longer than restoring. After each kill
every image is whole: the original, or the very bytes of a run that was not disturbed. After some kills the command is
let finish: nothing is missing then, and nothing is left over.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from agerestore_cli import app
from batches import contents
from pictures import noise

import agerestore.api.batches  # noqa: F401  # and with it all that the command imports later
from agerestore.images import io
from agerestore.images.photo import Photo

NAMES = [f"{folder}/{n}{ending}" for n, ending in enumerate((".png", ".jpg", ".tif", ".webp")) for folder in "abc"]
TEMPORARY = ".agerestore.tmp"


def start(source: Path, out: Path, log: Path) -> int:
    """The command in a process of its own."""
    arguments = ["restore", str(source), str(out), "-m", "photo", "--device", "cpu"]
    if (child := os.fork()) != 0:
        return child
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["agerestore", *arguments, *(["--in-place", "--backup"] if source == out else [])]
    code = 1
    try:
        app.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def finished(source: Path, out: Path, log: Path) -> float:
    """Let the command finish; the seconds that it took."""
    begun = time.monotonic()
    code = os.waitstatus_to_exitcode(os.waitpid(start(source, out, log), 0)[1])
    assert code == 0, log.read_text()
    return time.monotonic() - begun


def killed(source: Path, out: Path, log: Path, seconds: float) -> bool:
    """Kill the command after some seconds; whether it was still at work."""
    child = start(source, out, log)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()
    return code != 0


def check(out: Path, originals: dict[str, bytes], results: dict[str, bytes], in_place: bool) -> int:
    """Every file is whole; how many are results."""
    found = {name: data for name, data in contents(out).items() if not name.endswith(TEMPORARY)}
    for name, data in found.items():
        if name.endswith(".orig"):
            assert data == originals[name.removesuffix(".orig")], f"{name} is no longer the original"
        else:
            assert data == results[name] or (in_place and data == originals[name]), f"{name} is neither"
    if in_place:
        assert all(name in found or f"{name}.orig" in found for name in originals), "an original is gone"
    return sum(found.get(name) == data for name, data in results.items())


def one_round(folder: Path, results: dict[str, bytes], seconds: float, draw: random.Random, kills: int) -> list[int]:
    """Kill that often, then finish; how many results there were after each kill that came in time."""
    in_place, log = draw.random() < 0.5, folder / "log"
    shutil.rmtree(folder / "work", ignore_errors=True)
    shutil.copytree(folder / "in", folder / "work" / "in")
    source = folder / "work" / "in"
    out = source if in_place else folder / "work" / "out"
    originals, done = contents(folder / "in"), []
    for _ in range(kills):
        was_at_work = killed(source, out, log, draw.uniform(0, seconds))
        count = check(out, originals, results, in_place) if out.is_dir() else 0
        if was_at_work:
            done.append(count)
    finished(source, out, log)
    left = contents(out)
    expected = results | ({f"{name}.orig": data for name, data in originals.items()} if in_place else {})
    assert left == expected, f"left over or missing: {sorted(set(left) ^ set(expected))}"
    return done


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else None)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder, done = Path(name), list[int]()
        for seed, image in enumerate(NAMES):
            io.write(folder / "in" / image, Photo(noise(40 + seed, 64, 3, seed=seed)))
        finished(folder / "in", folder / "out", folder / "log")  # the first run reads the model from the disk
        shutil.rmtree(folder / "out")
        seconds = finished(folder / "in", folder / "out", folder / "log")
        results = contents(folder / "out")
        assert sorted(results) == sorted(NAMES), sorted(results)
        while len(done) < kills:
            done += one_round(folder, results, seconds, draw, min(draw.randint(1, 8), kills - len(done)))
    amid = sum(0 < count < len(NAMES) for count in done)
    sys.stdout.write(f"{len(done)} kills, {amid} of them amid the results: every image whole, every run resumed\n")
    assert amid >= kills // 8, "the kills came too early or too late to put anything to the test"


if __name__ == "__main__":
    main()
