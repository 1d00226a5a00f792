"""What tasks compute, in the worker's thread: by the processors of the command, so that the bytes are the same."""

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from agerestore import device, machine
from agerestore.api.models import detector_for, named_models
from agerestore.api.processors import colorize_processor, restore_processor
from agerestore.batch.mask_source import MaskSource
from agerestore.batch.masks import decode_mask
from agerestore.config.options import FileOptions
from agerestore.images.arrays import open_image
from agerestore.images.photo import Photo
from agerestore.inference import restorer
from agerestore.inference.colorizer import domain_score
from agerestore.inference.defects import find_defects
from agerestore.inference.inspection import inspect_photo
from agerestore.inference.tiling import Progress

from .._wording import in_options
from .facts import findings
from .folder import Folder, outputs
from .settings import Wanted
from .store import Held, HeldMask
from .views import mask_file
from .worker import Task

if TYPE_CHECKING:
    from .service import Options, Service

WARM_UP = 320  # pixels a side of the image that shows how fast this machine is
BYTES_PER_PIXEL = 40  # of the image and its copies while it is restored, measured for 24 megapixels


def warm_up(options: "Options") -> float:
    """Load the models, and restore a small image of noise by them; gives the seconds for a megapixel."""
    device.set_threads(options.threads)
    machine.keep_memory()
    models = named_models("auto", device=options.device)
    detector = detector_for(models)
    named_models("auto", "colorize", options.device)
    noise = Photo(np.random.default_rng(0).integers(0, 256, (WARM_UP, WARM_UP, 3), np.uint8))
    start = time.perf_counter()
    restorer.restore(models, noise, detector=detector)
    return (time.perf_counter() - start) / (WARM_UP**2 / 1e6)


def inspect(service: "Service", held: Held, task: Task) -> None:
    """Inspect a file."""
    photo, options = service.photo(held), service.options
    mask = held.mask and decode_mask(held.mask.png, held.mask_path, photo, max_pixels=options.max_pixels)
    models = named_models("auto", device=options.device)
    report = inspect_photo(photo, mask and mask.missing, models, detector_for(models), task.progress).report
    task.check()
    is_gray = report.color_mode != "color"
    score = domain_score(named_models("auto", "colorize", options.device), photo) if is_gray else 0.0
    held.found = findings(report, score)


def find(service: "Service", held: Held, sensitivity: float, task: Task) -> None:
    """Find the defects of a file, which become its mask."""
    detector = detector_for(named_models("auto", device=service.options.device))
    found = find_defects(detector, open_image(service.photo(held)), progress=task.progress)
    mask = found.mask(sensitivity)[0, 0].numpy()
    held.mask = HeldMask("found", mask_file(mask))
    task.results = [{"what": "mask", "share": float(mask.mean())}]


def make(service: "Service", held: Held, wanted: Wanted, task: Task) -> None:
    """Restore or colorize a file."""
    folder = None if held.job is None else service.folder
    job, start = service.job(held, wanted.verb), time.perf_counter()
    processor = _processor(wanted, service.options.device, task.progress)
    if folder is not None:
        folder.refuse_taken(job, wanted)
    masks = {held.mask_path: held.mask.png} if wanted.mask == "given" and held.mask else {}
    computed = processor.compute(
        processor.decode(replace(job, extra_inputs=tuple(masks)), held.read(), *masks.values())
    )
    encoded, result = processor.encode(job, computed), computed[1]
    task.remarks += map(in_options, [*result.remarks, *(held.facts["lost"] if result.changed else ())])
    if folder is not None:
        task.remarks += folder.save(held, job, encoded, processor.key, wanted)
    if wanted.mask == "auto" and result.mask is not None and held.mask is None:
        held.mask = HeldMask("found", mask_file(result.mask))
    files = {path: None if folder else data for path, data in encoded.files.items() if data is not None}
    held.results, held.version = outputs(job, files), held.version + 1
    service.store.trim()
    service.took(wanted.verb, time.perf_counter() - start, held)
    task.results = [output.as_json(what) for what, output in held.results.items()]


def make_all(service: "Service", folder: Folder, wanted: Wanted, task: Task) -> None:
    """Restore the whole folder."""
    processor = _processor(wanted, service.options.device, lambda done, total: task.check())
    folder.restore_all(wanted, processor, task)


def _processor(wanted: Wanted, device: str, progress: Progress) -> Any:
    """The processor of the command."""
    masks = MaskSource(detect=wanted.mask == "auto")
    make: Any = partial(restore_processor, masks=masks) if wanted.verb == "restore" else colorize_processor
    made_with = {"settings": wanted.settings, "extras": wanted.extras, "files": FileOptions()}
    return make(model=wanted.model, **made_with, device=device, progress=progress)
