"""How pictures are to be restored and colored, as frozen data."""

from dataclasses import dataclass

from agerestore.errors import UsageError

MAX_PIXELS = 250_000_000  # default size limit of an image file, against decompression bombs
SMALLEST_TILE = 64  # pixels a side; a tile for which memory is short is divided no further


@dataclass(frozen=True)
class RestoreSettings:
    """How pictures are to be restored.

    Attributes:
        latent_steps: steps of latent refinement, of models of a domain.
        strength: 0 leaves observed pixels of photographs as they are, 1 takes the estimate.
        sigma: standard deviation of the noise of photographs, 0 to 255, where it is known: no more is removed.
        auto_levels: bring black and white of the restored picture back to the ends of the range.
        ensemble: of photographs, how many of the eight positions of a picture the estimate is the mean of.
        tile: pixels a side of photographs that are computed at a time; None for as many as the free memory allows.
        precision: ``fp32``, ``bf16`` or ``auto``, the faster one on the device; refinement is always in fp32.
    """

    latent_steps: int = 0
    strength: float = 1.0
    sigma: float | None = None
    auto_levels: bool = False
    ensemble: int = 1
    tile: int | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.latent_steps < 0:
            raise UsageError(f"latent_steps {self.latent_steps} is below 0")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength {self.strength:g} is not within 0 to 1")
        if self.sigma is not None and not 0 <= self.sigma <= 255:
            raise UsageError(f"sigma {self.sigma:g} is not within 0 to 255")
        if self.ensemble not in (1, 2, 4, 8):
            raise UsageError(f"ensemble {self.ensemble} is none of 1, 2, 4 and 8")
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise UsageError(f"tile {self.tile} is too small; take {SMALLEST_TILE} or more")


DEFAULTS = RestoreSettings()


@dataclass(frozen=True)
class ColorizeSettings:
    """How gray pictures are to be colored.

    Attributes:
        strength: 0 leaves them gray, 1 gives them all the color the model draws.
        sepia: take a toned picture for a gray one.
        force: take a picture that has colors already, or that is out of the model's domain.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.
    """

    strength: float = 1.0
    sepia: bool = False
    force: bool = False
    precision: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength {self.strength:g} is not within 0 to 1")
