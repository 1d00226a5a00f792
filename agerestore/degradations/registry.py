"""The table of kinds: what each is, its parameters with their limits, how to draw them, how to apply it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from agerestore.degradations import marks, operators
from agerestore.degradations.operators import Outcome, Parameters

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind.

    Attributes:
        low, high: the range it is drawn from when the specification does not name it.
        least, most: the limits a specification may ask for.
        whole: whether it takes whole numbers only.
        before: its value in records that are older than it; None where there are none.
    """

    low: float
    high: float
    least: float
    most: float
    whole: bool = False
    before: int | None = None

    @property
    def dtype(self) -> torch.dtype:
        """What its values are stored as: float64 keeps the written decimals."""
        return torch.int64 if self.whole else torch.float64

    def uniform(self, low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Uniform draws from [low, high], both ends included; reals to four decimals, for a short record."""
        if self.whole:
            return torch.randint(int(low), int(high) + 1, shape, generator=generator)
        if low == high == self.before:  # as when there was no such parameter: what is drawn after it stays the same
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
    """Every parameter on its own, uniform in its range: name -> (B,)."""
    return {name: parameter.uniform(*ranges[name], (batch,), generator) for name, parameter in parameters.items()}


def draw_boxes(
    parameters: Mapping[str, Parameter],
    ranges: Ranges,
    batch: int,
    size: tuple[int, int],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """A count (B,) and as many boxes inside the picture: size, top, left (B, K), all 0 beyond the count."""
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
        description: one line for people.
        parameters: what a specification may set.
        apply: the operator, see `operators`.
        draw: (parameters, ranges, batch, (height, width), generator) -> drawn values.
        listed: the drawn values of which a picture has several, (B, K).
    """

    description: str
    parameters: Mapping[str, Parameter]
    apply: Callable[[Tensor, Parameters, Tensor], Outcome]
    draw: Callable[..., dict[str, Tensor]] = draw_each
    listed: tuple[str, ...] = ()


_SIGMA = Parameter(0, 55, 0, 255)
_FLAG = Parameter(0, 0, 0, 1, whole=True)
_CUT = Parameter(0, 0, 0, operators.BLOCK - 1, whole=True, before=0)
_AFTER = {"top": _CUT, "left": _CUT, "enlarged": Parameter(1, 1, 1, 8, before=1)}  # what is done to a decoded file

KINDS: dict[str, Kind] = {
    "noise": Kind(
        "Gaussian noise, sigma on the scale 0..255; clip=1 cuts the result to [0, 1]",
        {"sigma": _SIGMA, "clip": _FLAG},
        operators.noise,
    ),
    "poisson": Kind(
        "Poisson-Gaussian noise of a camera: photons at white (0: no shot noise), sigma on the scale 0..255",
        {"peak": Parameter(20, 500, 0, 1e6), "sigma": Parameter(0, 10, 0, 255)},
        operators.poisson,
    ),
    "saltpepper": Kind(
        "salt-and-pepper noise: the share of pixels that turn black or white",
        {"amount": Parameter(0, 0.3, 0, 1)},
        operators.saltpepper,
    ),
    "jpeg": Kind(
        "JPEG compression at a quality as libjpeg counts it, of a picture that had top rows and left columns more, "
        "and was enlarged after",
        {"quality": Parameter(10, 95, 1, 95, whole=True), **_AFTER},  # Kornia's tables go wrong above 97
        operators.jpeg,
    ),
    "webp": Kind(
        "WebP compression at a quality as libwebp counts it; top, left and enlarged as of jpeg",
        {"quality": Parameter(5, 95, 1, 100, whole=True), **_AFTER},
        operators.webp,
    ),
    "blur": Kind(
        "Gaussian blur, sigma in pixels",
        {"sigma": Parameter(0, 3, 0, 100)},
        operators.blur,
    ),
    "motion": Kind(
        "motion blur: length in pixels (made odd), angle in degrees anticlockwise from the horizontal",
        {"length": Parameter(3, 15, 1, 255, whole=True), "angle": Parameter(0, 180, -360, 360)},
        operators.motion,
    ),
    "resample": Kind(
        "made smaller by the factor scale and brought back",
        {"scale": Parameter(1, 4, 1, 64)},
        operators.resample,
    ),
    "holes": Kind(
        "square boxes of unknown pixels at drawn places: how many, and their size in pixels",
        {"count": Parameter(1, 3, 0, 1000, whole=True), "size": Parameter(4, 12, 0, 65535, whole=True)},
        operators.holes,
        draw_boxes,
        ("size", "top", "left"),
    ),
    "hole": Kind(
        "one centered square of unknown pixels, size in pixels",
        {"size": Parameter(14, 14, 0, 65535, whole=True)},
        operators.hole,
    ),
    "missing": Kind(
        "unknown single pixels: the share of them",
        {"fraction": Parameter(0.5, 0.5, 0, 1)},
        operators.missing,
    ),
    "strokes": Kind(
        "free-form brush strokes of unknown pixels: how many, width in pixels",
        {"count": Parameter(1, 3, 1, 1000, whole=True), "width": Parameter(2, 6, 1, 1000)},
        marks.strokes,
    ),
    "scratches": Kind(
        "bright or dark lines: width in pixels, share of the pixels; known=1 marks them as unknown pixels",
        {
            "width": Parameter(1, 4, 1, 1000),
            "coverage": Parameter(0.03, 0.06, 0, 0.5),
            "known": _FLAG,
        },
        marks.scratches,
    ),
    "dust": Kind(
        "bright or dark specks: radius in pixels, share of the pixels",
        {"radius": Parameter(0.7, 2, 0.5, 1000), "coverage": Parameter(0.002, 0.01, 0, 0.5)},
        marks.dust,
    ),
    "fading": Kind(
        "a faded print: contrast kept, black lifted to lift, share of sepia",
        {
            "contrast": Parameter(0.65, 1, 0, 1),
            "lift": Parameter(0.05, 0.25, 0, 1),
            "sepia": Parameter(0, 1, 0, 1),
        },
        operators.fading,
    ),
    "grain": Kind(
        "film grain: sigma on the scale 0..255, size of the spots in pixels, color: share that each channel has alone",
        {
            "sigma": Parameter(4, 16, 0, 255),
            "size": Parameter(0.4, 1.2, 0, 20),
            "color": Parameter(0, 0, 0, 1, before=0),
        },
        operators.grain,
    ),
}

ALIASES: dict[str, str] = {
    "old-photo": "grain,fading,blur:sigma=0..1.2,scratches,dust,jpeg:quality=50..95",
}
