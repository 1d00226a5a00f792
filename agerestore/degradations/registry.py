"""The table of kinds of degradations, aliases for several of them, and the list of both."""

from typing import NamedTuple

from agerestore.degradations import compression, marks, operators
from agerestore.degradations.kind import Kind, Parameter, draw_boxes
from agerestore.degradations.print_kinds import PRINT_KINDS

SIGMA = "standard deviation, on the scale 0..255"
_CODED = {
    "top": Parameter(0, 0, 0, 15, "rows cropped off above after decoding, so that blocks begin there", whole=True),
    "left": Parameter(0, 0, 0, 15, "columns cropped off on the left after decoding", whole=True),
    "enlarged": Parameter(1, 1, 1, 8, "factor of enlargement after decoding", optional=True),
}
_BEFORE_CROPPING = {"top": 0, "left": 0, "enlarged": 1}

KINDS: dict[str, Kind] = {
    **PRINT_KINDS,
    "blur": Kind(
        "Gaussian blur",
        {"sigma": Parameter(0, 3, 0, 100, "standard deviation in pixels")},
        operators.blur,
    ),
    "dust": Kind(
        "bright or dark specks",
        {
            "radius": Parameter(0.7, 2, 0.5, 1000, "largest radius in pixels"),
            "coverage": Parameter(0.002, 0.01, 0, 0.5, "fraction of the pixels"),
        },
        marks.dust,
        defect=True,
    ),
    "fading": Kind(
        "a faded print",
        {
            "contrast": Parameter(0.65, 1, 0, 1, "factor of the contrast"),
            "lift": Parameter(0.05, 0.25, 0, 1, "value that black becomes"),
            "sepia": Parameter(0, 1, 0, 1, "how far colors turn to sepia"),
        },
        operators.fading,
    ),
    "grain": Kind(
        "film grain, equally strong in shadows and lights",
        {
            "sigma": Parameter(4, 16, 0, 255, SIGMA),
            "size": Parameter(0.4, 1.2, 0, 20, "size of a grain in pixels"),
            "color": Parameter(0, 0, 0, 1, "fraction independent in each channel", optional=True),
        },
        operators.grain,
        added={"color": 0},
    ),
    "hole": Kind(
        "a centered square of missing pixels",
        {"size": Parameter(14, 14, 0, 65535, "side in pixels", whole=True)},
        operators.hole,
    ),
    "holes": Kind(
        "square boxes of missing pixels at random places",
        {
            "count": Parameter(1, 3, 0, 1000, "how many", whole=True),
            "size": Parameter(4, 12, 0, 65535, "side in pixels", whole=True),
        },
        operators.holes,
        draw_boxes,
        ("size", "top", "left"),
    ),
    "jpeg": Kind(
        "JPEG compression",
        {"quality": Parameter(10, 95, 1, 100, "quality on libjpeg's scale", whole=True), **_CODED},
        compression.jpeg,
        earlier=(compression.jpeg_approximated,),
        added=_BEFORE_CROPPING,
    ),
    "missing": Kind(
        "missing single pixels",
        {"fraction": Parameter(0.5, 0.5, 0, 1, "fraction of the pixels")},
        operators.missing,
    ),
    "motion": Kind(
        "motion blur",
        {
            "length": Parameter(3, 15, 1, 255, "pixels, made odd", whole=True),
            "angle": Parameter(0, 180, -360, 360, "degrees counterclockwise from the horizontal"),
        },
        operators.motion,
    ),
    "noise": Kind(
        "Gaussian noise",
        {
            "sigma": Parameter(0, 55, 0, 255, SIGMA),
            "clip": Parameter(0, 0, 0, 1, "1 clips the result to [0, 1]", whole=True),
        },
        operators.noise,
    ),
    "poisson": Kind(
        "Poisson-Gaussian noise of a camera",
        {
            "peak": Parameter(20, 500, 0, 1e6, "photons at white; 0 for no shot noise"),
            "sigma": Parameter(0, 10, 0, 255, f"read-out noise: {SIGMA}"),
        },
        operators.poisson,
    ),
    "resample": Kind(
        "lost resolution: downscaled and upscaled again",
        {"scale": Parameter(1, 4, 1, 64, "factor")},
        operators.resample,
    ),
    "saltpepper": Kind(
        "salt-and-pepper noise",
        {"amount": Parameter(0, 0.3, 0, 1, "fraction of the pixels that turn black or white")},
        operators.saltpepper,
    ),
    "scratches": Kind(
        "bright or dark lines",
        {
            "width": Parameter(1, 4, 1, 1000, "pixels"),
            "coverage": Parameter(0.03, 0.06, 0, 0.5, "fraction of the pixels"),
            "known": Parameter(0, 0, 0, 1, "1 marks them as missing pixels", whole=True),
        },
        marks.scratches,
        defect=True,
    ),
    "strokes": Kind(
        "free-form brush strokes of missing pixels",
        {
            "count": Parameter(1, 3, 1, 1000, "how many", whole=True),
            "width": Parameter(2, 6, 1, 1000, "pixels"),
        },
        marks.strokes,
    ),
    "webp": Kind(
        "WebP compression",
        {"quality": Parameter(5, 95, 1, 100, "quality on libwebp's scale", whole=True), **_CODED},
        compression.webp,
        added=_BEFORE_CROPPING,
    ),
}

ALIASES: dict[str, str] = {
    "old-photo": "grain,fading,blur:sigma=0..1.2,scratches,dust,jpeg:quality=50..95",
    "old-print": (
        "blur:sigma=0.4..2:chance=0.5,film-grain:chance=0.7,toning,fading:sepia=0:contrast=0.8..1:chance=0.5,"
        "vignetting:chance=0.4,mottling:chance=0.3,stains:chance=0.35,border:chance=0.2,"
        "creases:chance=0.25,cracks:chance=0.5,craquelure:chance=0.1,scuffs:chance=0.45,specks:chance=0.6,"
        "tears:chance=0.25,blur:sigma=0.3..1.2:chance=0.6,noise:sigma=1..7:clip=1:chance=0.5,"
        "jpeg:quality=35..96:chance=0.7"
    ),
}


class Entry(NamedTuple):
    """One line of `describe`.

    Attributes:
        name: Such as "noise", "noise:sigma" or "old-photo".
        default: The range a parameter is drawn from, such as "0..55" or "14"; empty for a kind.
        limits: The limits of a parameter, such as "0..255"; empty for a kind.
        description: One line of text.
    """

    name: str
    default: str
    limits: str
    description: str


def describe() -> list[Entry]:
    """Return a line for each kind, parameter and alias, kinds sorted by name."""
    entries = []
    for name, kind in sorted(KINDS.items()):
        entries.append(Entry(name, "", "", kind.description))
        for key, each in kind.parameters.items():
            default, limits = _range(each.low, each.high), _range(each.least, each.most)
            entries.append(Entry(f"{name}:{key}", default, limits, each.description))
    return [*entries, *(Entry(name, "", "", f"stands for {text}") for name, text in sorted(ALIASES.items()))]


def _range(low: float, high: float) -> str:
    return f"{low:.7g}" if low == high else f"{low:.7g}..{high:.7g}"
