"""What the page says of a file: its kind, what a result keeps of it, what is wrong with it and what would help."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import ImageCms

from agerestore.analysis.report import Report
from agerestore.images.formats.catalog import SUFFIXES
from agerestore.images.io import lost_remarks
from agerestore.images.photo import Photo

from .._proposal import proposal

ENDINGS = {"JPEG": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}  # of formats whose ending is not their name


def describe(photo: Photo) -> dict[str, Any]:
    """Size, depth, and sentences about what is kept."""
    height, width, channels = photo.pixels.shape
    return {
        "width": width,
        "height": height,
        "bits": 8 * photo.pixels.itemsize,
        "format": photo.metadata.format,
        "gray": channels == 1,
        "kept": _kept(photo),
        "lost": lost_remarks(photo),
    }


def with_ending(name: str, photo: Photo) -> str:
    """A name with the ending of an image, as a file needs that is pasted or called otherwise."""
    format = photo.metadata.format
    return (
        name if Path(name).suffix.lower() in SUFFIXES else (name or "image") + ENDINGS.get(format, f".{format.lower()}")
    )


def _kept(photo: Photo) -> list[str]:
    found, data = [], photo.metadata
    if photo.peak > 255:
        found.append("16 bits per channel")
    if photo.alpha is not None:
        found.append("transparency")
    if data.icc_profile is not None:
        found.append(f"color profile {_profile_name(data.icc_profile)}")
    if data.exif:
        found.append("EXIF")
    if data.iptc:
        found.append("IPTC")
    if data.xmp:
        found.append("XMP")
    if data.dpi:
        found.append(f"{data.dpi[0]:.0f} x {data.dpi[1]:.0f} dpi")
    if data.jpeg_tables:
        found.append("the JPEG quality of the file")
    return found


def _profile_name(profile: bytes) -> str:
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip() or "without a name"
    except (ImageCms.PyCMSError, OSError):
        return "that cannot be read"


def findings(report: Report, score: float) -> dict[str, Any]:
    """What inspecting has found, and the proposed action.

    Args:
        report: Of the file.
        score: Its out-of-distribution score in colorizing.
    """
    coloring = _coloring_doubt(report, score)
    helpful = proposal(report)
    settings: dict[str, Any] = {}
    verb, label = "none", "Nothing to do"
    if helpful is not None:
        settings = {"model": helpful.model} | ({"tones": helpful.tones} if helpful.tones else {})
        verb, label = "restore", "Restore"
    elif report.color_mode == "gray" and not report.document and coloring is None:
        verb, label = "colorize", "Nothing to restore; color it"
    kind = [f"looks like {report.document}"] if report.document else []
    found = [*kind, *report.findings] or ["nothing wrong was found"]
    drawn = f"looks like {report.document}, whose thin strokes the model may take for scratches"
    return {
        "findings": found,
        "color_mode": report.color_mode,
        "proposal": {"verb": verb, "settings": settings, "label": label},
        "domain": {"restore": drawn if report.document else None, "colorize": coloring},
    }


def _coloring_doubt(report: Report, score: float) -> str | None:
    """Why colorizing an image is doubtful."""
    if report.color_mode == "color":
        return "has colors already; they would be replaced"
    if report.color_mode != "gray":
        return "is toned, as sepia is; it would be taken for gray"
    return f"is unlike anything this model was trained on ({score:.1f} x its limit)" if score > 1 else None


def as_json(held: Any, estimate: Mapping[str, Any] | None) -> dict[str, Any]:
    """A file as clients see it."""
    task = held.task or held.inspecting
    return {
        "id": held.id,
        "name": held.name,
        "in_folder": held.source is not None,
        "width": None,
        "height": None,
        "findings": None,
        "proposal": None,
        "domain": None,
        **held.facts,
        **held.found,
        "estimate": estimate,
        "results": results(held),
        "mask": held.mask and held.mask.kind,
        "job": task and task.id,
        "state": state(held),
        "version": held.version,
    }


def results(held: Any) -> list[dict[str, Any]]:
    """What was made of a file."""
    return [{"what": what, "name": output.name, "bytes": output.size} for what, output in held.results.items()]


def state(held: Any) -> str:
    """Whether a file is new, waited for, done or failed."""
    if held.task is not None and held.task.state in ("queued", "running", "failed"):
        return str(held.task.state)
    return "done" if "after" in held.results else "new"
