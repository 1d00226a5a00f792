"""The kinds of degradations: for each its parameters with their limits, how to draw them and how to apply it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from agerestore.degradations import compression, marks, operators
from agerestore.degradations.operators import Operator

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind.

    Attributes:
        low, high: The range it is drawn from when a degradation does not name it.
        least, most: The limits of what a degradation may ask for.
        description: What it is, in which unit.
        whole: Whether it takes whole numbers only.
        optional: Whether it takes nothing from the generator while it is constant at its default. The first parameters
            of each kind take a number all the same, and must go on so, or a seed would mean another degradation.
    """

    low: float
    high: float
    least: float
    most: float
    description: str
    whole: bool = False
    optional: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of drawn values; float64 keeps the written decimals."""
        return torch.int64 if self.whole else torch.float64

    def uniform(self, low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw uniformly from [low, high], both ends included; real numbers to four decimals, for short records."""
        if self.whole:
            return torch.randint(int(low), int(high) + 1, shape, generator=generator)
        if self.optional and low == high == self.low:
            return torch.full(shape, low, dtype=torch.float64)
        drawn = low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)
        return drawn.round(decimals=4).clamp(low, high)


def draw_each(
    parameters: Mapping[str, Parameter],
    ranges: Ranges,
    batch: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Draw every parameter on its own, uniform in its range: name -> (B,)."""
    return {name: parameter.uniform(*ranges[name], (batch,), generator) for name, parameter in parameters.items()}


def draw_boxes(
    parameters: Mapping[str, Parameter],
    ranges: Ranges,
    batch: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Draw a count (B,) and as many boxes inside the image: size, top, left (B, K), all 0 beyond the count."""
    most = int(ranges["count"][1])
    count = parameters["count"].uniform(*ranges["count"], (batch,), generator)
    side = parameters["size"].uniform(*ranges["size"], (batch, most), generator).clamp(max=min(size))
    there = torch.arange(most) < count[:, None]
    corner = torch.rand(2, batch, most, generator=generator, dtype=torch.float64)
    top, left = ((share * (length - side + 1)).long() for share, length in zip(corner, size, strict=True))
    return {"count": count, "size": side * there, "top": top * there, "left": left * there}


@dataclass(frozen=True)
class Kind:
    """One kind of degradation.

    Attributes:
        description: One line of text.
        parameters: What a degradation may set.
        apply: The operator of the current version, see `operators`.
        draw: (parameters, ranges, batch, (height, width), generator) -> drawn values.
        listed: The drawn values of which an image has several, (B, K).
        earlier: The operators of versions 1, 2, ... before the current one; records of them are replayed by these.
        added: Parameters that records without a version may lack -> the value that leaves the degradation as it was.
    """

    description: str
    parameters: Mapping[str, Parameter]
    apply: Operator
    draw: Callable[..., dict[str, Tensor]] = draw_each
    listed: tuple[str, ...] = ()
    earlier: tuple[Operator, ...] = ()
    added: Mapping[str, float] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The current version, which new records state."""
        return 1 + len(self.earlier)

    def operator(self, version: int) -> Operator:
        """Return the operator of a version from 1 to the current one."""
        return (*self.earlier, self.apply)[version - 1]


SIGMA = "standard deviation, on the scale 0..255"
_CODED = {
    "top": Parameter(0, 0, 0, 15, "rows cropped off above after decoding, so that blocks begin there", whole=True),
    "left": Parameter(0, 0, 0, 15, "columns cropped off on the left after decoding", whole=True),
    "enlarged": Parameter(1, 1, 1, 8, "factor of enlargement after decoding", optional=True),
}
_BEFORE_CROPPING = {"top": 0, "left": 0, "enlarged": 1}

KINDS: dict[str, Kind] = {
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
        "film grain",
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
