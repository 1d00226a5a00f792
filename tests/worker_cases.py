"""Work for worker processes, which depends on what the file is called; and a batch of it, to be killed.

python tests/worker_cases.py IN OUT
"""

import os
import signal
import sys
import time
from pathlib import Path

from copying import Copying

from agerestore.batch import planning, runner
from agerestore.batch.executors import ExecutorOptions, open_executor
from agerestore.batch.jobs import Job
from agerestore.batch.processing import Encoded
from agerestore.images.photo import Photo


class Cases(Copying):
    """Copies; but a worker dies over files called dies-always, and once over those called dies-once."""

    def decode(self, job: Job, data: bytes, *extra: bytes) -> tuple[str, Photo]:
        name, marker = job.source.name, job.source.with_suffix(".tried")
        if name.startswith("dies-always") or (name.startswith("dies-once") and not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("slow"):
            time.sleep(0.02)
        if extra:
            return name, super().decode(job, extra[0])[1]
        return super().decode(job, data)


class Looking(Cases):
    """Reports the width, and writes a mask of one known byte where one is wanted."""

    def encode(self, job: Job, result: Photo) -> Encoded:
        files = {} if job.target == job.source else {job.target: b"\1"}
        return Encoded(files, {"width": result.pixels.shape[1]})


class Unbuildable(Copying):
    """Cannot be built by a worker."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


if __name__ == "__main__":
    import worker_cases

    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    jobs, processor = planning.plan(source, out), worker_cases.Cases()  # which workers can import
    with open_executor(processor, ExecutorOptions(2), len(jobs)) as executor:
        summary = runner.run_files(jobs, processor, out, "key", executor=executor)
    sys.exit(min(summary.failed, 1))
