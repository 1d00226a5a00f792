"""What the server answers with: files that it holds, what is known of them, and the tasks that clients ask for."""

import threading
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cachetools import LRUCache

from agerestore._version import __version__
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import refuse_locked
from agerestore.batch.masks import decode_mask
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import OutputExistsError, UsageError
from agerestore.images import io
from agerestore.images.photo import Photo
from agerestore.inference.tiling import BYTES_PER_PIXEL, LARGEST_TILE

from . import work
from .facts import ending, facts_of
from .folder import Folder
from .requests import explained
from .settings import Wanted, read_wanted
from .store import Held, HeldMask, Store
from .views import mask_file
from .worker import ENDED, Task, Worker

SUFFIXES = {"restore": ".restored", "colorize": ".colorized"}  # of the names of results


@dataclass(frozen=True)
class Options:
    """How the server works."""

    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    max_pixels: int = MAX_PIXELS  # of an image
    max_bytes: int = 200_000_000  # of an upload
    memory: int = 1_000_000_000  # bytes of files and results that are held, and half as many of decoded images
    uploads: int = 200  # that are held
    queue: int = 8  # tasks that wait


class Service:
    """Files, models and the one thread that computes."""

    def __init__(self, options: Options, folder: Folder | None = None) -> None:
        """Begin without models, which `load` loads."""
        self.options, self.folder = options, folder
        self.store = Store(options.uploads, options.memory, self.cancel)
        self.worker = Worker(options.queue, lambda error: explained(error)[1])
        self._photos: MutableMapping[object, Photo] = LRUCache(
            options.memory // 2, lambda photo: photo.samples().nbytes
        )
        self._decoding = threading.Lock()
        self._seconds: dict[str, float] = {}  # that a megapixel takes, by verb

    def load(self) -> None:
        """Search the folder and load models."""
        for held in self.folder.search() if self.folder is not None else ():
            self.store.add(held)
        self._seconds["restore"] = work.warm_up(self.options)

    def state(self) -> dict[str, Any]:
        """What the server is and can."""
        return {"version": __version__, "ready": True, "folder": self.folder and self.folder.as_json()}

    def upload(self, name: str, data: bytes) -> Held:
        """Hold the bytes of a file, if they are those of an image."""
        held = Held(name or "image", data=data)
        photo = self.photo(held)
        held.name, held.facts = held.name + ending(held.path, photo), facts_of(photo)
        return self.store.add(held)

    def open(self, held: Held) -> None:
        """Learn what a file of the folder is when it is first asked for, and read the mask that is there."""
        if not held.facts:
            held.facts = facts_of(self.photo(held))
            path = self.folder.mask_of(held) if self.folder is not None else None
            if path is not None:
                self.set_mask(held, path.read_bytes(), path)

    def photo(self, held: Held, what: str = "before") -> Photo:
        """The image of a file, or of what was made of it; one is decoded at a time, so that memory is bounded."""
        key, made = (held.id, what, what != "before" and held.version), held.results.get(what)
        with self._decoding:
            if (photo := self._photos.get(key)) is None:
                data, path = (held.read(), held.path) if made is None else (made.read(), Path(made.name))
                photo = io.decode(data, path, self.options.max_pixels)
                with suppress(ValueError):  # which is larger than all that may be kept
                    self._photos[key] = photo
        return photo

    def set_mask(self, held: Held, data: bytes, path: Path | None = None) -> float:
        """Take a mask file, which may lie on the disk, in the place of the one there is; gives the share it marks."""
        most = self.options.max_pixels
        missing = decode_mask(data, path or Path("mask"), self.photo(held), max_pixels=most).missing
        held.mask = HeldMask("given" if held.mask is None else "edited", mask_file(missing), path)
        self.store.trim()
        return float(missing.mean())

    def cancel(self, held: Held) -> None:
        """End what is done with a file."""
        for task in filter(None, (held.task, held.inspecting)):
            self.worker.cancel(task)

    def describe(self, held: Held) -> dict[str, Any]:
        """All that is known of a file; it is inspected if that was not done yet."""
        if not held.found and (held.inspecting is None or held.inspecting.state == "canceled"):
            held.inspecting = self.worker.submit(Task("inspect", partial(work.inspect, self, held), later=True))
        task, unknown = held.task if held.found else held.inspecting, dict.fromkeys(("findings", "proposal", "domain"))
        state = {"mask": held.mask and held.mask.kind, "job": task and task.id, "version": held.version}
        results = [output.as_json(what) for what, output in held.results.items()]
        estimate = self._estimate(held, held.found.get("proposal", {}).get("verb", "restore"))
        known = held.summary() | held.facts | unknown | held.found
        return known | state | {"estimate": estimate, "results": results}

    def _estimate(self, held: Held, verb: str) -> dict[str, float]:
        """Seconds and megabytes that a verb is expected to take."""
        pixels = held.facts["width"] * held.facts["height"]
        seconds = self._seconds.get(verb, self._seconds["restore"]) * pixels / 1e6
        needed = min(LARGEST_TILE**2, pixels) * BYTES_PER_PIXEL + pixels * work.BYTES_PER_PIXEL
        return {"seconds": round(seconds, 1), "megabytes": round(needed / 1e6)}

    def took(self, verb: str, seconds: float, held: Held) -> None:
        """Learn how long a verb takes here."""
        self._seconds[verb] = seconds / max(held.facts["width"] * held.facts["height"] / 1e6, 0.05)

    def submit(self, held: Held, verb: str, body: Any) -> Task:
        """Let a file wait for being restored, colorized, or searched for defects.

        Raises:
            AgeRestoreError: Settings that are not understood, or it is worked on already.
            QueueFullError: Too many tasks wait.
        """
        if held.task is not None and held.task.state not in ENDED:
            raise OutputExistsError(f"{held.name}: is being worked on; wait for that, or cancel it")
        wanted = self._wanted("restore" if verb == "find" else verb, body, held.mask is not None)
        if verb == "find":
            task = Task(verb, partial(work.find, self, held, wanted.settings.sensitivity))
        else:
            command = wanted.command(held.path, self.job(held, verb).target, held.mask_path)
            task = Task(verb, partial(work.make, self, held, wanted), command, self._estimate(held, verb)["seconds"])
        held.task = self.worker.submit(task)
        return task

    def submit_folder(self, body: Any) -> Task:
        """Let the whole folder wait for being restored; see `submit`."""
        wanted = self._wanted("restore", body)
        if self.folder is None:
            raise UsageError("no folder was given; start `agerestore serve FOLDER`")
        refuse_locked(self.folder.out)
        command = wanted.command(self.folder.source, self.folder.out)
        return self.worker.submit(Task("folder", partial(work.make_all, self, self.folder, wanted), command))

    def _wanted(self, verb: str, body: Any, has_mask: bool = False) -> Wanted:
        return read_wanted(verb, body, has_mask, self.options.max_pixels, self.options.precision)

    def job(self, held: Held, verb: str) -> Job:
        """The names of the files that a verb makes of a file."""
        return held.job or Job(held.path, held.path.with_stem(f"{held.path.stem}{SUFFIXES[verb]}"))
