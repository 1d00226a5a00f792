"""What tasks compute, in the worker's thread: by the processors of the command, so that the bytes are the same."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import facts
from .folder import Folder, outputs
from .settings import Wanted
from .store import Held, HeldMask
from .worker import Task

if TYPE_CHECKING:
    from agerestore.images.photo import Mask, Photo
    from agerestore.inference.tiling import Progress

    from .service import Options, Service

Work = Callable[[Task], None]


def warm_up(options: "Options", side: int) -> None:
    """Load the models, and restore a small image of noise by them."""
    import numpy as np

    from agerestore.api.models import detector_for, named_models
    from agerestore.images.photo import Photo
    from agerestore.inference import restorer

    models = named_models("auto", device=options.device)
    named_models("auto", "colorize", options.device)
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    restorer.restore(models, Photo(noise), detector=detector_for(models))


def inspect(service: "Service", held: Held) -> Work:
    """What inspects a file."""

    def work(task: Task) -> None:
        from agerestore.api.models import detector_for, named_models
        from agerestore.inference.colorizer import domain_score
        from agerestore.inference.inspection import inspect_photo

        photo, device = service.photo(held), service.options.device
        models = named_models("auto", device=device)
        mask = None if held.mask is None else _missing(held.mask)
        report = inspect_photo(photo, mask, models, detector_for(models), task.progress).report
        task.check()
        gray = report.color_mode != "color"
        score = domain_score(named_models("auto", "colorize", device), photo) if gray else 0.0
        held.found = facts.findings(report, score)

    return work


def find(service: "Service", held: Held, settings: Any) -> Work:
    """What finds the defects of a file, which become its mask."""

    def work(task: Task) -> None:
        from agerestore.api.models import detector_for, named_models
        from agerestore.images.arrays import open_image
        from agerestore.inference.defects import find_defects

        detector = detector_for(named_models("auto", device=service.options.device))
        found = find_defects(detector, open_image(service.photo(held)), progress=task.progress)
        mask = found.mask(settings.sensitivity)[0, 0].numpy()
        held.mask = HeldMask("found", mask_png(mask))
        task.update(results=[{"what": "mask", "share": float(mask.mean())}])

    return work


def make(service: "Service", held: Held, wanted: Wanted) -> Work:
    """What restores or colorizes a file."""

    def work(task: Task) -> None:
        from agerestore.images.io import lost_remarks

        from .._wording import in_options

        processor = _processor(service, wanted, task.progress)
        job, photo = service.job(held, wanted), service.photo(held)
        folder = service.folder if held.source is not None else None
        if folder is not None:
            folder.refuse_taken(job, wanted)
        processor.refuse(job, photo)
        computed = processor.compute(_item(service, held, photo, wanted))
        encoded, result = processor.encode(job, computed), computed[1]
        said = [in_options(each) for each in (*result.remarks, *(lost_remarks(photo) if result.changed else ()))]
        if wanted.mask == "auto" and result.mask is not None and held.mask is None:
            held.mask = HeldMask("found", mask_png(result.mask))
        if folder is not None:
            said += folder.save(held, job, encoded, processor.key, wanted)
        files = {path: None if folder else data for path, data in encoded.files.items() if data is not None}
        held.results, held.version = outputs(job, files), held.version + 1
        service.store.trim()
        task.update(remarks=said, results=facts.results(held))

    return work


def make_all(service: "Service", wanted: Wanted, folder: Folder, files: Mapping[Path, Held]) -> Work:
    """What restores the whole folder."""

    def work(task: Task) -> None:
        processor = _processor(service, wanted, lambda done, total: task.check())
        folder.restore_all(wanted, processor, files, task)

    return work


def _processor(service: "Service", wanted: Wanted, progress: "Progress") -> Any:
    """The processor of the command."""
    from agerestore.api import processors
    from agerestore.batch.mask_source import MaskSource

    with_models: Any = (
        processors.colorize_processor
        if wanted.verb == "colorize"
        else partial(processors.restore_processor, masks=MaskSource(detect=wanted.mask == "auto"))
    )
    made_with = {"settings": wanted.settings, "extras": wanted.extras, "files": wanted.files}
    return with_models(model=wanted.model, **made_with, device=service.options.device, progress=progress)


def _item(service: "Service", held: Held, photo: "Photo", wanted: Wanted) -> Any:
    """What the processor computes from."""
    from agerestore.batch.masks import MaskFile
    from agerestore.inference.file_processors import Opened

    if wanted.verb == "colorize":
        return photo
    if wanted.mask != "given" or held.mask is None:
        return Opened(held.read(), photo)
    return Opened(held.read(), photo, service.mask_path(held), MaskFile(_missing(held.mask)))


def _missing(mask: HeldMask) -> "Mask":
    """The pixels that a mask marks, (H, W) bool."""
    from agerestore.images import io

    marked: Mask = io.decode(mask.png, Path("mask.png")).pixels[..., 0] > 0
    return marked


def mask_png(missing: "Mask") -> bytes:
    """The file of a mask (H, W) bool: a PNG, white where it marks pixels."""
    import numpy as np

    from agerestore.images import io
    from agerestore.images.photo import Photo

    return io.encode(Photo(np.where(missing, 255, 0).astype(np.uint8)[..., None]), ".png")
