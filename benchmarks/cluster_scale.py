"""How far a batch scales: a discrete model of its coordinator, its transport and its workers, fed with measured costs.

    python benchmarks/cluster_scale.py [--check] [--images 2000]

Measured on this machine, as wall time: what the coordinator does to accept an image (read, hash, decide), to commit a
result (hash, write, two fsyncs, rename), to send and receive bytes; as processor time: what a worker computes. The
model has a station for each: the coordinator's thread, its writing thread, the transport, and W workers; at most 2 W
images are in flight and results are committed in order, as in `agerestore.batch.runner`. It says at how many workers
the coordinator is the bottleneck, and what a million images cost.

--check compares the model with real runs of 1, 2, 4 and 16 worker processes, whose computing sleeps, so that two cores
are enough for 16 of them.
"""

import argparse
import hashlib
import heapq
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import numpy as np

from agerestore.batch import runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME, Manifest, Record
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Encoded, process
from agerestore.batch.worker_processes import WorkerProcesses

MEGAPIXELS = (1, 12, 100)
BYTES_PER_MEGAPIXEL = 400_000  # of a photograph as JPEG of quality 90 to 95, in and out
RAY = (1.4e-3, 7.6e-9)  # seconds of a call and of a byte, there and back: measured with 28 KB and 20 MB
SPREAD = 0.2  # of the times of computing: standard deviation of their logarithm


@dataclass(frozen=True)
class Costs:
    """Seconds that an image takes at each station; ``send`` and ``receive`` share the transport."""

    accept: float
    commit: float
    send: float
    receive: float
    compute: float

    @property
    def bottleneck(self) -> float:
        """Seconds of the slowest station but the workers."""
        return max(self.accept, self.commit, self.send + self.receive)


# ---------------------------------------------------------------------------------------------- the model


class Clock:
    """Simulated time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Call back later."""
        heapq.heappush(self._events, (self.now + seconds, next(self._number), then))

    def run(self) -> float:
        """Let everything happen; the time at which it ends."""
        while self._events:
            self.now, _, then = heapq.heappop(self._events)
            then()
        return self.now


class Station:
    """Serves so many at a time, the others in the order in which they came."""

    def __init__(self, clock: Clock, places: int) -> None:
        self._clock, self._free, self._queue = clock, places, deque[tuple[float, Callable[[], None]]]()

    def serve(self, seconds: float, then: Callable[[], None]) -> None:
        """Serve for some seconds, then call back."""
        self._queue.append((seconds, then))
        self._begin()

    def _begin(self) -> None:
        if self._free and self._queue:
            self._free -= 1
            seconds, then = self._queue.popleft()
            self._clock.after(seconds, lambda: self._end(then))

    def _end(self, then: Callable[[], None]) -> None:
        self._free += 1
        then()
        self._begin()


class Batch:
    """A batch on its way through the stations, as `agerestore.batch.runner.run` sends it."""

    def __init__(self, costs: Costs, workers: int, images: int, spread: float = SPREAD, seed: int = 0) -> None:
        self.costs, self.bound, self.left = costs, 2 * workers, images
        self.clock, draw = Clock(), random.Random(seed)
        self.drawn = lambda: costs.compute * draw.lognormvariate(-(spread**2) / 2, spread)  # of the same mean
        self.transport, self.workers = Station(self.clock, 1), Station(self.clock, workers)
        self.flight: deque[list[bool]] = deque()  # each whether it has come back
        self.writing = self.waiting = False

    def run(self) -> float:
        """Seconds of the whole batch."""
        self.clock.after(0, self.proceed)
        return self.clock.run()

    def proceed(self) -> None:
        """What the coordinator's thread does next."""
        self.waiting = False
        is_full = len(self.flight) == self.bound or not self.left
        if self.flight and (self.flight[0][0] or is_full):
            self.write_oldest()
        else:
            self.accept()

    def accept(self) -> None:
        """Read the next image."""
        if self.left:
            self.left -= 1
            self.clock.after(self.costs.accept, self.send)
        elif self.flight:
            self.write_oldest()

    def write_oldest(self) -> None:
        """Commit the oldest image, once it is back and the one before is written."""
        if not self.flight[0][0] or self.writing:
            self.waiting = True
            return
        self.flight.popleft()
        self.writing = True
        self.clock.after(self.costs.commit, self.written)
        self.accept()

    def written(self) -> None:
        """Go on, if that was waited for."""
        self.writing = False
        if self.waiting:
            self.proceed()

    def send(self) -> None:
        """Let an image travel to a worker, be computed there, and come back."""
        is_back = [False]

        def back() -> None:
            is_back[0] = True
            if self.waiting:
                self.proceed()

        self.flight.append(is_back)

        def computed() -> None:
            self.transport.serve(self.costs.receive, back)

        self.transport.serve(self.costs.send, lambda: self.workers.serve(self.drawn(), computed))
        self.proceed()


# ---------------------------------------------------------------------------------------------- measured


class Sleeping:
    """Gives back what it was sent, after some time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def decode(self, job: Job, data: bytes, *extra: bytes) -> bytes:
        """The bytes."""
        return data

    def compute(self, item: bytes) -> bytes:
        """The same bytes."""
        time.sleep(self.seconds)
        return item

    def encode(self, job: Job, result: bytes) -> Encoded:
        """One file."""
        return Encoded({job.target: result})


def made_files(folder: Path, count: int, size: int) -> list[Job]:
    """Files of noise, and jobs for them."""
    (folder / "in").mkdir(parents=True)
    jobs = []
    for number in range(count):
        source = folder / "in" / f"{number:05}.jpg"
        source.write_bytes(os.urandom(size))
        jobs.append(Job(source, folder / "out" / source.name, root=folder / "in"))
    return jobs


def median_seconds(work: Callable[[Any], object], items: list[Any]) -> float:
    """The median of the wall times."""
    times = []
    for item in items:
        start = time.perf_counter()
        work(item)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def coordinator_costs(size: int, count: int) -> Costs:
    """What the coordinator does with images of a size in bytes; computing takes no time."""
    with tempfile.TemporaryDirectory() as scratch:
        jobs = made_files(Path(scratch), count, size)
        executor = WorkerProcesses(Sleeping(0), 1)
        with Manifest.open(jobs[0].target.parent) as manifest:
            writer = OutputWriter(manifest, "key")
            items = [writer.prepare(job) for job in jobs]
            accept = median_seconds(writer.prepare, jobs)
            executor.submit(items[0]).result()  # it has begun
            there_and_back = median_seconds(lambda item: executor.submit(item).result(), items)
            commit = median_seconds(lambda item: writer.commit(item, {item.job.target: item.data}), items)
        executor.close()
    return Costs(accept, commit, there_and_back / 2, there_and_back / 2, 0.0)


def seconds_to_compute(side: int, count: int) -> float:
    """Processor seconds that a worker takes for a megapixel of a photograph, noisy and of a side."""
    from agerestore.api.processors import restore_processor
    from agerestore.batch.mask_source import MaskSource
    from agerestore.config.options import FileOptions, RestoreFileSettings, RestoreSettings
    from agerestore.images import io
    from agerestore.images.photo import Photo
    from agerestore.machine import keep_memory

    keep_memory()
    masks = MaskSource.of("none", selects=False)
    processor = restore_processor("photo", masks, RestoreSettings(), RestoreFileSettings(), FileOptions(), "cpu")
    photograph = io.read(Path(__file__).parent.parent / "examples" / "photographs" / "photo-chelsea.png").pixels
    tiled = np.tile(photograph, (side // photograph.shape[0] + 1, side // photograph.shape[1] + 1, 1))[:side, :side]
    noisy = tiled + np.random.default_rng(0).normal(0, 15, tiled.shape)
    times = []
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "a.jpg"
        source.write_bytes(io.encode(Photo(noisy.clip(0, 255).round().astype(np.uint8)), ".jpg"))
        item = OutputWriter().prepare(Job(source, source.with_suffix(".b.jpg")))
        for _ in range(count + 1):
            start = time.process_time()
            made = process(processor, item)
            times.append(time.process_time() - start)
            assert made.error is None, made.error
    return min(times[1:]) / (side * side / 1e6)


def seconds_to_begin(lines: int) -> tuple[float, int]:
    """Seconds to read a manifest of so many lines, and its bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        digest = hashlib.sha256(b"").hexdigest()
        with (Path(scratch) / NAME).open("w") as file:
            for number in range(lines):
                name = f"archive/box-{number // 1000:04}/scan-{number:07}.jpg"
                file.write(json.dumps(asdict(Record(name, digest, digest, {name: digest}))) + "\n")
        start = time.perf_counter()
        Manifest(Path(scratch))
        return time.perf_counter() - start, (Path(scratch) / NAME).stat().st_size


def check(size: int, seconds: float, count: int) -> None:
    """Compare the model with real runs whose computing sleeps."""
    print(f"\nreal runs of {count} files of {size} bytes, computing sleeps {seconds} s; images a second:")
    print("| workers | real | model | model / real |\n|---|---|---|---|")
    for workers in (1, 2, 4, 16):
        with tempfile.TemporaryDirectory() as scratch:
            costs = replace(coordinator_costs(size, 50), compute=seconds)
            warm, jobs = made_files(Path(scratch) / "warm", workers, 10), made_files(Path(scratch) / "a", count, size)
            executor = WorkerProcesses(Sleeping(seconds), workers)
            for future in [executor.submit(OutputWriter().prepare(job)) for job in warm]:
                future.result()
            start = time.perf_counter()
            runner.run_files(jobs, Sleeping(seconds), Path(scratch) / "a" / "out", "key", executor=executor)
            real = count / (time.perf_counter() - start)
            executor.close()
        model = count / Batch(costs, workers, count, spread=0.0).run()
        print(f"| {workers} | {real:.1f} | {model:.1f} | {model / real:.2f} |", flush=True)


# ---------------------------------------------------------------------------------------------- what it says


def saturation(costs: Costs, images: int) -> tuple[int, float]:
    """The largest power of two of workers of which each still does 0.9 of what it could; images a second there."""
    workers, rate = 1, 0.0
    while True:
        speed = images * workers / (Batch(costs, workers, images * workers).run())
        if speed < 0.9 * workers / costs.compute:
            return max(workers // 2, 1), rate or speed
        workers, rate = 2 * workers, speed


def report(images: int) -> None:
    """Print the costs, and what the model makes of them."""
    small, large = seconds_to_compute(256, 20), seconds_to_compute(1000, 3)
    print(f"computing: {small:.2f} s of a core for a megapixel at 256x256, {large:.2f} at 1000x1000")
    print("| megapixels | transport | accept | commit | there and back | compute | busiest but the workers | "
          "workers at 0.9 | images a second | in flight | a million: core-days, days |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for megapixels in MEGAPIXELS:
        size = megapixels * BYTES_PER_MEGAPIXEL
        local = replace(coordinator_costs(size, 40 if megapixels < 50 else 8), compute=large * megapixels)
        ray = replace(local, send=(RAY[0] + RAY[1] * size) / 2, receive=(RAY[0] + RAY[1] * size) / 2)
        for name, costs in (("pipes", local), ("Ray", ray)):
            workers, rate = saturation(costs, images)
            print(
                f"| {megapixels} | {name} | {1e3 * costs.accept:.1f} ms | {1e3 * costs.commit:.1f} ms "
                f"| {1e3 * (costs.send + costs.receive):.1f} ms | {costs.compute:.2f} s "
                f"| {1e3 * costs.bottleneck:.1f} ms "
                f"| {workers} | {rate:.0f} | {4 * workers * size / 1e9:.1f} GB "
                f"| {1e6 * costs.compute / 86400:.0f}, {1e6 / rate / 86400:.2f} |", flush=True,
            )  # fmt: skip
    seconds, size = seconds_to_begin(100_000)
    print(f"a manifest of 100,000 lines: {size / 1e6:.0f} MB, read in {seconds:.1f} s")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--images", type=int, default=20, help="for each worker in the model")
    arguments = parser.parse_args()
    if arguments.check:
        check(400_000, 0.2, 60)
        check(400_000, 0.02, 200)
    else:
        report(arguments.images)


if __name__ == "__main__":
    import cluster_scale  # by the name under which workers find it

    cluster_scale.main()
