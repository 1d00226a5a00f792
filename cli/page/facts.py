"""What the page says of a file: its kind, what a result keeps of it, what is wrong with it and what would help."""

from pathlib import Path
from typing import Any

from agerestore.analysis.report import Report, profile_name
from agerestore.images.formats.catalog import FORMAT_BY_SUFFIX
from agerestore.images.io import lost_remarks
from agerestore.images.photo import Photo

from .._proposal import proposal

TONED = "is toned, as sepia is, and would be taken for gray"
REPLACED = {"color": "has colors already, which would be replaced", "sepia": TONED, "toned": TONED}  # by coloring


def facts_of(photo: Photo) -> dict[str, Any]:
    """Size, depth, and what a result keeps."""
    height, width, channels = photo.pixels.shape
    own = {"width": width, "height": height, "bits": 8 * photo.pixels.itemsize, "format": photo.metadata.format}
    return {**own, "gray": channels == 1, "kept": _kept(photo), "lost": lost_remarks(photo)}


def ending(path: Path, photo: Photo) -> str:
    """The ending that a name lacks of an image, as that of what is pasted."""
    known = (suffix for suffix, format in FORMAT_BY_SUFFIX.items() if format == photo.metadata.format)
    return "" if path.suffix.lower() in FORMAT_BY_SUFFIX else next(known)


def _kept(photo: Photo) -> list[str]:
    data = photo.metadata
    dpi = data.dpi and f"{data.dpi[0]:.0f} x {data.dpi[1]:.0f} dpi"
    named = {
        "16 bits per channel": photo.peak > 255,
        "transparency": photo.alpha is not None,
        f"{profile_name(data.icc_profile)} color profile": data.icc_profile,
        "EXIF": data.exif,
        "IPTC": data.iptc,
        "XMP": data.xmp,
        str(dpi): dpi,
        "the quality of the JPEG": data.jpeg_tables,
    }
    return [name for name, there in named.items() if there]


def findings(report: Report, score: float) -> dict[str, Any]:
    """What inspecting has found, and the proposed action; `score` is that of the domain of colorizing."""
    helpful, warning = proposal(report), REPLACED.get(report.color_mode)
    if score > 1 and warning is None:
        warning = f"is unlike anything this model was trained on ({score:.1f} x its limit)"
    settings = {name: value for name, value in helpful._asdict().items() if value} if helpful else {}
    verb, label = ("restore", "Restore") if helpful else ("none", "Nothing to do")
    if not helpful and not report.document and not warning:
        verb, label = "colorize", "Nothing to restore; color it"
    drawn = [f"looks like {report.document}"] if report.document else []
    strokes = f"{drawn[0]}, whose thin strokes the model may take for scratches" if drawn else None
    return {
        "findings": [*drawn, *report.findings] or ["nothing wrong was found"],
        "color_mode": report.color_mode,
        "proposal": {"verb": verb, "settings": settings, "label": label},
        "domain": {"restore": strokes, "colorize": warning},
    }
