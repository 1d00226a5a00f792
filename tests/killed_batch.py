"""Runs a batch in processes that are killed at random moments until one gets to its end.

    python tests/killed_batch.py IN OUT KILLS SECONDS SEED

OUT may be IN: then in place. Prints a JSON line for each killed process: what it had computed, and what the manifest
then says is done. Forks, because a fresh process would spend seconds on importing before there is anything to kill.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from agerestore.batch import planning, runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import Manifest
from agerestore.batch.processing import Encoded
from agerestore.config.options import FileOptions
from agerestore.images import io
from agerestore.images.photo import Photo

EXITED = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Inverting:
    """Work that shows when it is done twice."""

    def __init__(self, log: Path, seconds: float) -> None:
        self.log = log
        self.seconds = seconds

    def decode(self, job: Job, data: bytes, *extra: bytes) -> tuple[Job, Photo]:
        return job, io.decode(data, job.source)

    def compute(self, item: tuple[Job, Photo]) -> Photo:
        job, photo = item
        with self.log.open("a") as log:
            log.write(f"{job.target.name}\n")
        time.sleep(self.seconds)
        return replace(photo, pixels=255 - photo.pixels)

    def encode(self, job: Job, result: Photo) -> Encoded:
        return Encoded({job.target: io.encode(result, job.suffix)})


def plan(source: Path, out: Path) -> list[Job]:
    in_place = source == out
    return planning.plan(source, out, FileOptions(in_place=in_place, backup=in_place))


def complete(source: Path, out: Path, log: Path, seconds: float) -> int:
    return runner.run_files(plan(source, out), Inverting(log, seconds), out, "s").failed


def done(source: Path, out: Path) -> list[str]:
    """What the manifest says is done, and the disk confirms."""
    manifest = Manifest(out)
    found = [(job.target, manifest.find(job.target)) for job in plan(source, out)]
    return [path.name for path, record in found if record and len(manifest.unchanged(record)) == len(record.files)]


def one_process(source: Path, out: Path, seconds: float, kill_after: float | None) -> None:
    """Let a process work, kill it, and say what it computed and what is done then.

    Args:
        source: The folder of pictures.
        out: The folder for results.
        seconds: What computing a picture takes.
        kill_after: When, in pictures that it computed; the fraction is waited for. None to let it finish.
    """
    log = out.with_name("computed.log")
    log.write_text("")
    child = os.fork()
    if child == 0:
        os._exit(complete(source, out, log, seconds))
    if kill_after is not None:
        while log.read_text().count("\n") < int(kill_after) and os.waitid(os.P_PID, child, EXITED) is None:
            time.sleep(0.0003)
        time.sleep((kill_after % 1) * 5 * seconds)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    sys.stdout.write(json.dumps({"code": code, "computed": log.read_text().split(), "done": done(source, out)}) + "\n")


if __name__ == "__main__":
    source, out, kills, seconds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    draw = random.Random(int(sys.argv[5]))
    for _ in range(kills):
        one_process(source, out, seconds, draw.uniform(0, 7))
    one_process(source, out, seconds, None)
