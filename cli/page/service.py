"""What the server answers with: files that it holds, what is known of them, and the tasks that clients ask for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agerestore._version import __version__
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import OutputExistsError, UsageError

from . import facts, work
from .folder import Folder
from .settings import MOST_SAMPLES, SUFFIXES, Wanted, read_wanted
from .store import Cache, Held, HeldMask, Output, Store
from .worker import ENDED, Task, Worker

if TYPE_CHECKING:
    from agerestore.batch.jobs import Job
    from agerestore.images.photo import Photo

WARM_UP = 320  # pixels a side of the image that shows how fast this machine is
COPIES = 12  # samples a pixel that are held while an image is restored


@dataclass(frozen=True)
class Options:
    """How the server works.

    Attributes:
        device, precision, threads: See the options of the command.
        max_pixels: Larger images are refused.
        max_bytes: Larger uploads are refused.
        memory: Bytes of uploads and results that are held, and half as many of decoded images.
        uploads: So many are held.
        queue: So many tasks wait.
    """

    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    max_pixels: int = MAX_PIXELS
    max_bytes: int = 200_000_000
    memory: int = 1_000_000_000
    uploads: int = 200
    queue: int = 8


class Service:
    """Files, models and the one thread that computes."""

    def __init__(self, options: Options, folder: Folder | None = None) -> None:
        """Start without models; `load` loads them."""
        self.options, self.folder = options, folder
        self.store = Store(options.uploads, options.memory)
        self.worker = Worker(options.queue)
        self.seconds: dict[str, float] = {}  # for a megapixel, by verb
        self._photos = Cache(options.memory // 2)
        self._ready = threading.Event()

    # ------------------------------------------------------------------------------------------ the server

    def load(self) -> None:
        """Load models and list the folder; all but the page itself waits for it."""
        from agerestore import device as devices

        devices.set_threads(self.options.threads)
        devices.keep_memory()
        if self.folder is not None:
            for source, results in self.folder.files().items():
                self.store.add(self.folder.name_of(source), source=source).results = results
        start = time.perf_counter()
        work.warm_up(self.options, WARM_UP)
        self.seconds["restore"] = (time.perf_counter() - start) / (WARM_UP**2 / 1e6)
        self._ready.set()

    def wait(self) -> None:
        """Wait for the models."""
        self._ready.wait()

    @property
    def is_ready(self) -> bool:
        """Whether the models are loaded."""
        return self._ready.is_set()

    def state(self) -> dict[str, Any]:
        """What the server is and can."""
        options, folder = self.options, self.folder
        return {
            "version": __version__,
            "ready": self.is_ready,
            "limits": {
                "bytes": options.max_bytes,
                "pixels": options.max_pixels,
                "pictures": options.uploads,
                "memory": options.memory,
                "queue": options.queue,
                "samples": MOST_SAMPLES,
            },
            "folder": folder and folder.as_json(),
            "models": {"restore": ["auto", "photo"], "colorize": ["auto", "photo-color", "cars-color"]},
        }

    # ------------------------------------------------------------------------------------------ files

    def upload(self, name: str, data: bytes) -> Held:
        """Hold the bytes of a file.

        Raises:
            UnreadableError: It is no image.
        """
        photo = self._decode(data, Path(name or "image"))
        held = self.store.add(facts.with_ending(name, photo), data, **facts.describe(photo))
        self._cached((held.id, "before", 0), lambda: photo)
        return held

    def open(self, held: Held) -> None:
        """Learn what a file of the folder is when it is first asked for, and find the mask next to it."""
        if held.facts:
            return
        held.facts = facts.describe(self.photo(held))
        if self.folder is not None and (path := self.folder.mask_of(held)) is not None:
            self.set_mask(held, path.read_bytes(), path)
            held.mask = held.mask and replace(held.mask, path=path)

    def photo(self, held: Held, what: str = "before") -> "Photo":
        """The image of a file, or of what was made of it.

        Raises:
            KeyError: That was not made.
            UnreadableError: The file of the folder is gone or no image.
        """
        if what == "before":
            return self._cached((held.id, what, 0), lambda: self._decode(held.read(), held.path))
        output = held.results[what]
        return self._cached((held.id, what, held.version), lambda: self._decode(output.read(), Path(output.name)))

    def _cached(self, key: object, decode: "Callable[[], Photo]") -> "Photo":
        def make() -> "tuple[Photo, int]":
            photo = decode()
            return photo, photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)

        found: Photo = self._photos.get(key, make)
        return found

    def _decode(self, data: bytes, path: Path) -> "Photo":
        from agerestore.images import io

        return io.decode(data, path, self.options.max_pixels)

    def describe(self, held: Held) -> dict[str, Any]:
        """All that is known of a file; it is inspected if that was not done yet."""
        if not held.found and (held.inspecting is None or held.inspecting.state == "canceled"):
            held.inspecting = self.worker.submit(Task("inspect", work.inspect(self, held), held.id), later=True)
        return facts.as_json(held, self.estimate(held))

    def output(self, held: Held, what: str) -> Output | None:
        """A file that was made, or the mask as a file."""
        if what == "mask" and held.mask is not None:
            return Output(self.mask_path(held).name, held.mask.png)
        return held.results.get(what)

    def remove(self, held: Held) -> None:
        """Drop an upload and end what is done with it."""
        for task in (held.task, held.inspecting):
            if task is not None:
                self.worker.cancel(task)
        if held.source is None:
            self.store.remove(held.id)

    # ------------------------------------------------------------------------------------------ masks

    def set_mask(self, held: Held, data: bytes, path: Path = Path("mask")) -> float:
        """Take a mask file, in the place of the one there is; gives the share of the pixels that it marks.

        Raises:
            ImageFileError: No mask of this image.
        """
        from agerestore.batch.masks import decode_mask

        missing = decode_mask(data, path, self.photo(held), max_pixels=self.options.max_pixels).missing
        held.mask = HeldMask("given" if held.mask is None else "edited", work.mask_png(missing))
        self.store.trim()
        return float(missing.mean())

    # ------------------------------------------------------------------------------------------ tasks

    def restore_or_colorize(self, held: Held, verb: str, body: Any) -> Task:
        """Queue restoring or colorizing a file.

        Raises:
            AgeRestoreError: Settings that are not understood, or it is being worked on.
            QueueFullError: Too many tasks wait.
        """
        wanted = self._read(verb, body, held.mask is not None)
        command = wanted.command(held.path, self.job(held, wanted).target, self.mask_path(held))
        estimate = self.estimate(held, verb)["seconds"]
        return self._submit(held, Task(verb, work.make(self, held, wanted), held.id, command, estimate))

    def find(self, held: Held, body: Any) -> Task:
        """Queue finding the defects of a file.

        Raises:
            AgeRestoreError: Settings that are not understood, or it is being worked on.
            QueueFullError: Too many tasks wait.
        """
        settings = self._read("restore", body).settings
        return self._submit(held, Task("find", work.find(self, held, settings), held.id))

    def restore_folder(self, body: Any) -> Task:
        """Queue restoring the whole folder.

        Raises:
            AgeRestoreError: Settings that are not understood, or another run is at work in the folder.
            QueueFullError: Too many tasks wait.
        """
        if self.folder is None:
            raise UsageError("no folder was given; start `agerestore serve FOLDER`")
        wanted = self._read("restore", body)
        self.folder.refuse(wanted)
        files = {held.source: held for held in self.store.all() if held.source is not None}
        command = wanted.command(self.folder.source, self.folder.out, None)
        return self.worker.submit(Task("folder", work.make_all(self, wanted, self.folder, files), command=command))

    def _read(self, verb: str, body: Any, has_mask: bool = False) -> Wanted:
        return read_wanted(verb, body, has_mask, self.options.max_pixels, self.options.precision)

    def _submit(self, held: Held, task: Task) -> Task:
        if held.task is not None and held.task.state not in ENDED:
            raise OutputExistsError(f"{held.name}: is being worked on; wait for that, or cancel it")
        held.task = self.worker.submit(task)
        return task

    # ------------------------------------------------------------------------------------------ names and numbers

    def job(self, held: Held, wanted: Wanted) -> "Job":
        """The names of the files that a verb makes of a file."""
        from agerestore.batch.jobs import Job

        if held.source is not None and self.folder is not None:
            return self.folder.job_of(held, wanted.ext)
        name = Path(held.name)
        return Job(name, name.with_name(f"{name.stem}{SUFFIXES[wanted.verb]}{wanted.ext or name.suffix}"))

    def mask_path(self, held: Held) -> Path:
        """The file of the mask that was given, as commands name it."""
        if held.source is not None and self.folder is not None:
            return self.folder.mask_path(held)
        return Path(f"{Path(held.name).stem}.mask.png")

    def estimate(self, held: Held, verb: str | None = None) -> dict[str, float]:
        """Seconds and megabytes that a verb, or the proposed action, is expected to take."""
        from agerestore.device import choose
        from agerestore.inference.tiling import BYTES_PER_PIXEL, tile_side

        verb = verb or held.found.get("proposal", {}).get("verb")
        rate = self.seconds.get("colorize" if verb == "colorize" else "restore", self.seconds["restore"])
        pixels = held.facts["width"] * held.facts["height"]
        tile = min(tile_side(choose(self.options.device)) ** 2, pixels)
        needed = tile * BYTES_PER_PIXEL + pixels * held.facts["bits"] // 8 * COPIES
        return {"seconds": round(rate * pixels / 1e6, 1), "megabytes": round(needed / 1e6)}
