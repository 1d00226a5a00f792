"""What the server answers with: files that it holds, what is known of them, and the tasks that clients ask for.

Tasks compute by the processors of the command, so that the bytes are the same; they run in the worker's thread.
"""

import threading
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from agerestore import device, machine
from agerestore._version import __version__
from agerestore.api.models import detector_for, named_models
from agerestore.batch.jobs import Job
from agerestore.batch.manifest import refuse_locked
from agerestore.batch.masks import decode_mask
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import OutputExistsError, UsageError
from agerestore.images import io
from agerestore.images.arrays import open_image
from agerestore.images.photo import Mask, Photo
from agerestore.inference import restorer
from agerestore.inference.colorizer import domain_score
from agerestore.inference.defects import find_defects
from agerestore.inference.inspection import inspect_photo
from agerestore.inference.tiling import BYTES_PER_PIXEL, LARGEST_TILE
from agerestore.models.base import Model

from .._wording import in_options
from .facts import ending, facts_of, findings
from .folder import Folder, outputs
from .requests import explained
from .settings import Wanted, read_wanted
from .store import Held, HeldMask, Store
from .views import mask_file
from .worker import ENDED, Task, Worker

WARM_UP = 320  # pixels a side of the image that shows how fast this machine is
COPIES = 40  # bytes a pixel of the image and its copies while it is restored, measured for 24 megapixels


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
        self._photos: MutableMapping[object, Photo] = LRUCache(options.memory // 2, lambda each: each.samples().nbytes)
        self._decoding = threading.Lock()
        self._seconds: dict[str, float] = {}  # that a megapixel takes, by verb

    def load(self) -> None:
        """Search the folder and load models, and see how fast they are with a small image of noise."""
        for held in self.folder.search() if self.folder is not None else ():
            self.store.add(held)
        device.set_threads(self.options.threads)
        machine.keep_memory()
        models, _ = self._models(), self._models("colorize")
        noise = Photo(np.random.default_rng(0).integers(0, 256, (WARM_UP, WARM_UP, 3), np.uint8))
        detector, start = detector_for(models), time.perf_counter()
        restorer.restore(models, noise, detector=detector)
        self._seconds["restore"] = (time.perf_counter() - start) / (WARM_UP**2 / 1e6)

    def _models(self, verb: str = "restore") -> dict[str, Model]:
        return named_models("auto", verb, self.options.device)

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
        missing = self._missing(held, data, path or Path("mask"))
        held.mask = HeldMask("given" if held.mask is None else "edited", mask_file(missing), path)
        self.store.trim()
        return float(missing.mean())

    def _missing(self, held: Held, mask: bytes, path: Path) -> Mask:
        return decode_mask(mask, path, self.photo(held), max_pixels=self.options.max_pixels).missing

    def cancel(self, held: Held) -> None:
        """End what is done with a file."""
        for task in filter(None, (held.task, held.inspecting)):
            self.worker.cancel(task)

    def describe(self, held: Held) -> dict[str, Any]:
        """All that is known of a file; it is inspected if that was not done yet."""
        if not held.found and (held.inspecting is None or held.inspecting.state == "canceled"):
            held.inspecting = self.worker.submit(Task("inspect", partial(self._inspect, held), later=True))
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
        needed = min(LARGEST_TILE**2, pixels) * BYTES_PER_PIXEL + pixels * COPIES
        return {"seconds": round(seconds, 1), "megabytes": round(needed / 1e6)}

    def submit(self, held: Held, verb: str, body: Any) -> Task:
        """Let a file wait for being restored, colorized, or searched for defects.

        Raises:
            AgeRestoreError: Settings that are not understood, or it is worked on already.
            QueueFullError: Too many tasks wait.
        """
        if held.task is not None and held.task.state not in ENDED:
            raise OutputExistsError(f"{held.name}: is being worked on; wait for that, or cancel it")
        wanted = self._wanted("restore" if verb == "find" else verb, body, held.mask.kind if held.mask else "")
        if verb == "find":
            task = Task(verb, partial(self._find, held, wanted.settings.sensitivity))
        else:
            command = wanted.command(held.path, self._job(held, verb).target, held.mask_path)
            task = Task(verb, partial(self._make, held, wanted), command, self._estimate(held, verb)["seconds"])
        held.task = self.worker.submit(task)
        return task

    def submit_folder(self, body: Any) -> Task:
        """Let the whole folder wait for being restored; see `submit`."""
        wanted = self._wanted("restore", body)
        if self.folder is None:
            raise UsageError("no folder was given; start `agerestore serve FOLDER`")
        refuse_locked(self.folder.out)
        command = wanted.command(self.folder.source, self.folder.out)
        return self.worker.submit(
            Task("folder", partial(self.folder.restore_all, wanted, self.options.device), command)
        )

    def _wanted(self, verb: str, body: Any, held_mask: str = "") -> Wanted:
        return read_wanted(verb, body, held_mask, self.options.max_pixels, self.options.precision)

    def _job(self, held: Held, verb: str) -> Job:
        """The names of the files that a verb makes of a file."""
        return held.job or Job(held.path, held.path.with_stem(f"{held.path.stem}.{verb}d"))  # .restored or .colorized

    def _inspect(self, held: Held, task: Task) -> None:
        photo, models = self.photo(held), self._models()
        missing = held.mask and self._missing(held, held.mask.png, held.mask_path)
        report = inspect_photo(photo, missing, models, detector_for(models), task.progress).report
        task.check()
        score = domain_score(self._models("colorize"), photo) if report.color_mode != "color" else 0.0
        held.found = findings(report, score)

    def _find(self, held: Held, sensitivity: float, task: Task) -> None:
        """Find the defects of a file, which become its mask."""
        found = find_defects(detector_for(self._models()), open_image(self.photo(held)), progress=task.progress)
        mask = found.mask(sensitivity)[0, 0].numpy()
        held.mask = HeldMask("found", mask_file(mask))
        task.results = [{"what": "mask", "share": float(mask.mean())}]

    def _make(self, held: Held, wanted: Wanted, task: Task) -> None:
        """Restore or colorize a file."""
        folder, start = None if held.job is None else self.folder, time.perf_counter()
        job, processor = self._job(held, wanted.verb), wanted.processor(self.options.device, task.progress)
        if folder is not None:
            folder.refuse_taken(job, wanted)
        masks = {held.mask_path: held.mask.png} if wanted.mask == "given" and held.mask else {}
        opened = processor.decode(replace(job, extra_inputs=tuple(masks)), held.read(), *masks.values())
        computed = processor.compute(opened)
        encoded, result = processor.encode(job, computed), computed[1]
        task.remarks += map(in_options, [*result.remarks, *(held.facts["lost"] if result.changed else ())])
        if folder is not None:
            task.remarks += folder.save(held, job, encoded, processor.key, wanted)
        if wanted.mask == "auto" and result.mask is not None and held.mask is None:
            held.mask = HeldMask("found", mask_file(result.mask))
        files = {path: None if folder else data for path, data in encoded.files.items() if data is not None}
        held.results, held.version = outputs(job, files), held.version + 1
        self.store.trim()
        pixels = held.facts["width"] * held.facts["height"]
        self._seconds[wanted.verb] = (time.perf_counter() - start) / max(pixels / 1e6, 0.05)
        task.results = [output.as_json(what) for what, output in held.results.items()]
