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
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import numpy as np
from batch_model import Batch, Costs

from agerestore.batch import runner
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import NAME, Manifest, Record
from agerestore.batch.outputs import OutputWriter
from agerestore.batch.processing import Encoded, process
from agerestore.batch.worker_processes import WorkerProcesses

MEGAPIXELS = (1, 12, 100)
BYTES_PER_MEGAPIXEL = 400_000  # of a photograph as JPEG of quality 90 to 95, in and out
RAY = (1.4e-3, 7.6e-9)  # seconds of a call and of a byte, there and back: measured with 28 KB and 20 MB


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
