"""What a kind of degradation is: its parameters with their limits, how to draw them and how to apply it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

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
        logarithmic: Whether its logarithm is what is uniform; low is above 0.
    """

    low: float
    high: float
    least: float
    most: float
    description: str
    whole: bool = False
    optional: bool = False
    logarithmic: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of drawn values; float64 keeps the written decimals."""
        return torch.int64 if self.whole else torch.float64

    def uniform(self, low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw uniformly from [low, high], both ends included; real numbers to four decimals, for short records.

        A logarithmic parameter whose range begins at 0 is drawn as the others are.
        """
        if self.whole:
            return torch.randint(int(low), int(high) + 1, shape, generator=generator)
        if self.optional and low == high == self.low:
            return torch.full(shape, low, dtype=torch.float64)
        share = torch.rand(shape, generator=generator, dtype=torch.float64)
        if self.logarithmic and low > 0:
            drawn = (math.log(low) + math.log(high / low) * share).exp()
        else:
            drawn = low + (high - low) * share
        return drawn.round(decimals=4).clamp(low, high)


def draw_each(
    parameters: Mapping[str, Parameter], ranges: Ranges, batch: int, size: tuple[int, int], generator: torch.Generator
) -> dict[str, Tensor]:
    """Draw every parameter on its own, uniform in its range: name -> (B,)."""
    return {name: parameter.uniform(*ranges[name], (batch,), generator) for name, parameter in parameters.items()}


def draw_boxes(
    parameters: Mapping[str, Parameter], ranges: Ranges, batch: int, size: tuple[int, int], generator: torch.Generator
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
        defect: Whether it is damage of a print that a detector is to find, see `defects`.
        added: Parameters that records without a version may lack -> the value that leaves the degradation as it was.
    """

    description: str
    parameters: Mapping[str, Parameter]
    apply: Operator
    draw: Callable[..., dict[str, Tensor]] = draw_each
    listed: tuple[str, ...] = ()
    earlier: tuple[Operator, ...] = ()
    defect: bool = False
    added: Mapping[str, float] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The current version, which new records state."""
        return 1 + len(self.earlier)

    def operator(self, version: int) -> Operator:
        """Return the operator of a version from 1 to the current one."""
        return (*self.earlier, self.apply)[version - 1]
