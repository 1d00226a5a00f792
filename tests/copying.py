"""Work that copies pictures, for the tests of batches."""

from pathlib import Path

from pictures import noise

from agerestore.batch.jobs import Job
from agerestore.batch.runner import Encoded
from agerestore.images import io
from agerestore.images.photo import Photo


def pictures(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for seed, path in enumerate(paths):
        io.write(path, Photo(noise(16, 16, 3, seed=seed)))
    return paths


class Copying:
    """Work that needs no torch: every picture as it is."""

    def __init__(self) -> None:
        self.computed: list[str] = []

    def decode(self, job: Job, data: bytes) -> tuple[str, Photo]:
        return job.source.name, io.decode(data, job.source)

    def compute(self, item: tuple[str, Photo]) -> Photo:
        self.computed.append(item[0])
        return item[1]

    def encode(self, job: Job, result: Photo) -> Encoded:
        return Encoded({job.target: io.encode(result, job.suffix)}, {"width": result.pixels.shape[1]})
