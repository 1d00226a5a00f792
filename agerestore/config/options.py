"""The options of the verbs, as frozen data; each says whether results depend on it.

A field made with `option` declares that, and under which name and value it joins the cache key by which a batch knows
what it has done before (`agerestore.batch.cache_key`). Names and values in the key are those of the first manifests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agerestore.config.checks import check_whole, check_within
from agerestore.config.hints import Hint
from agerestore.config.limits import MAX_PIXELS
from agerestore.errors import UsageError

KEY = "cache key"  # the entry of a field's metadata

SMALLEST_TILE = 64  # pixels a side; a tile for which memory is short is divided no further


class InKey(NamedTuple):
    """How an option joins the cache key.

    Attributes:
        name: its name there; its own, if empty.
        value: of the option's value, that in the key.
        later: whether it is younger than the first manifests: at its default it is left out.
    """

    name: str
    value: Callable[[Any], object]
    later: bool


def option(
    default: Any, *, affects_output: bool, key: str = "", value: Callable[[Any], object] = lambda chosen: chosen,
    later: bool = False,
) -> Any:  # fmt: skip
    """A field of a dataclass of options.

    Args:
        default: Its default.
        affects_output: Whether results depend on it: it then joins the cache key.
        key: Its name in the cache key, if another.
        value: Its value in the cache key.
        later: Whether it is younger than the first manifests, which then stay valid for its default.
    """
    return field(default=default, metadata={KEY: InKey(key, value, later) if affects_output else None})


def _real(number: float | None) -> float | None:
    """1 and 1.0 are one number, and two texts."""
    return None if number is None else float(number)


@dataclass(frozen=True)
class FileOptions:
    """How the files of a batch are called and written.

    Attributes:
        suffix: Comes between name and ending of each result. With one, the output folder may be the input folder;
            files that bear it already are then left out, as results of an earlier run.
        ext: The ending of each result, such as ".png"; None for that of its source. Where two results would have one
            name, or one the name of a mask, they are called NAME.OLD.EXT, as in x.jpg.png.
        quality: Of lossy formats, 1 to 100; None for that of a source that is a JPEG, and else the default.
        in_place: Results replace their sources; the output must be the input, and `backup` true.
        backup: Each original is kept as NAME.EXT.orig.
        overwrite: Existing files that differ are replaced; else their jobs fail.
        fail_fast: No image is begun after one that failed.
    """

    suffix: str = option("", affects_output=False)
    ext: str | None = option(None, affects_output=False)  # the name of the result says it
    quality: int | None = option(None, affects_output=True)
    in_place: bool = option(False, affects_output=False)
    backup: bool = option(False, affects_output=False)
    overwrite: bool = option(False, affects_output=False)
    fail_fast: bool = option(False, affects_output=False)

    def __post_init__(self) -> None:
        if self.quality is not None:
            check_whole(quality=self.quality)
            check_within(1, 100, quality=self.quality)
        if self.in_place != self.backup:
            raise UsageError("`in_place` and `backup` only go together: no original is ever replaced without a copy")


@dataclass(frozen=True)
class RestoreSettings:
    """Options of restoring an image.

    Attributes:
        latent_steps: steps of latent refinement; models of a fixed size.
        strength: 0 leaves known pixels as they are, 1 takes the estimate; without a mask.
        sigma: known standard deviation of the noise, 0 to 255: no more than that is removed; without a mask.
        tones: how far the tones of a faded photograph are corrected: from 0, not at all, to 1.
        neutral: make prints of one tone gray, and remove all of a color cast.
        ensemble: 1, 2, 4 or 8 rotated and mirrored positions, over which the estimate is averaged.
        tile: pixels a side computed at a time; None for as many as the free memory allows.
        samples: number of other plausible images to draw.
        seed: of the samples.
        uncertainty: also compute the expected standard deviation of the error.
        sensitivity: of the detector of defects: 0 marks what is nearly certain, 1 also what is hardly likely.
        fill_large: also fill what the detector finds that is larger than 40 pixels across.
        always: also restore an image in which nothing is found to restore, where the model is selected.
        precision: ``fp32``, ``bf16`` or ``auto``, the faster one on the device; latent refinement is always in fp32.
    """

    latent_steps: int = option(0, affects_output=True, key="refine")
    strength: float = option(1.0, affects_output=True, value=_real)
    sigma: float | None = option(None, affects_output=True, value=_real)
    tones: float = option(
        0.0, affects_output=True, key="preset", value=lambda chosen: f"tones={float(chosen)}" if chosen else None
    )  # not "old-photo" as in the first manifests: that gave other tones
    neutral: bool = option(False, affects_output=True, later=True)
    ensemble: int = option(1, affects_output=True)
    tile: int | None = option(None, affects_output=False)
    samples: int = option(0, affects_output=True)
    seed: int = option(0, affects_output=True)
    uncertainty: bool = option(False, affects_output=True)
    sensitivity: float = option(0.5, affects_output=True, value=_real, later=True)
    fill_large: bool = option(False, affects_output=True, later=True)
    always: bool = option(False, affects_output=True, later=True)
    precision: str = option("auto", affects_output=True)

    def __post_init__(self) -> None:
        check_whole(0, latent_steps=self.latent_steps, samples=self.samples)
        check_whole(ensemble=self.ensemble, seed=self.seed)
        check_within(0, 1, strength=self.strength, tones=self.tones, sensitivity=self.sensitivity)
        if self.sigma is not None:
            check_within(0, 255, sigma=self.sigma)
        if self.tile is not None:
            check_whole(tile=self.tile)
        if self.ensemble not in (1, 2, 4, 8):
            raise UsageError(f"`ensemble` {self.ensemble} is none of 1, 2, 4 and 8")
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise UsageError(f"`tile` {self.tile} is too small; take {SMALLEST_TILE} or more")

    @property
    def changes_tones(self) -> bool:
        """Whether tones are corrected, whatever else is done."""
        return bool(self.tones or self.neutral)

    def given(self) -> list[str]:
        """Names of the options that depend on the model and are not at their default."""
        return [name for name in MODEL_OPTIONS if self.asks_for(name)]

    def asks_for(self, name: str) -> bool:
        """Whether an option is not at its default."""
        return bool(getattr(self, name) != getattr(DEFAULTS, name))


# Options of restoring that not every model supports.
MODEL_OPTIONS = (
    "latent_steps", "strength", "sigma", "ensemble", "tile", "samples", "uncertainty", "sensitivity", "fill_large"
)  # fmt: skip
UNMASKED_OPTIONS = ("strength", "sigma")  # without effect on an image with a mask
DEFAULTS = RestoreSettings()


@dataclass(frozen=True)
class RestoreFileSettings:
    """What is done for each file that is restored.

    Attributes:
        compare: also write damaged and restored side by side.
        colorize: colorize the restored image.
        resize_mask: resize masks to the size of their image.
        max_pixels: refuse images of more pixels.
        save_mask: also write the mask of the defects that were found.
    """

    compare: bool = option(False, affects_output=True)
    colorize: bool = option(False, affects_output=True)
    resize_mask: bool = option(False, affects_output=False)  # what it changes fails without it
    max_pixels: int = option(MAX_PIXELS, affects_output=False)
    save_mask: bool = option(False, affects_output=True, later=True)

    def __post_init__(self) -> None:
        check_whole(1, max_pixels=self.max_pixels)


@dataclass(frozen=True)
class ColorizeSettings:
    """Options of colorizing an image.

    Attributes:
        samples: number of colorizations.
        seed: of their color codes; the first ones of a seed are the same for every number of samples.
        saturation: 0 leaves the image gray, 1 gives it the colors that the model generates, 2 twice as much of them.
        hints: colors that are known at points of the image.
        sepia: take a toned image for a gray one.
        force: colorize images that have colors already, or are out of the model's domain.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.
    """

    samples: int = option(1, affects_output=True)
    seed: int = option(0, affects_output=True)
    saturation: float = option(1.0, affects_output=True, key="strength", value=_real)
    hints: tuple[Hint, ...] = option((), affects_output=True, value=lambda hints: [*map(str, hints)], later=True)
    sepia: bool = option(False, affects_output=True)
    force: bool = option(False, affects_output=True)
    precision: str = option("auto", affects_output=True)

    def __post_init__(self) -> None:
        check_whole(1, samples=self.samples)
        check_whole(seed=self.seed)
        check_within(0, 2, saturation=self.saturation)

    def given(self) -> list[str]:
        """The options that were given and that not all models support."""
        return ["hints"] if self.hints else []


@dataclass(frozen=True)
class ColorizeFileSettings:
    """What is done for each file that is colorized.

    Attributes:
        reference: a color image whose colors are taken.
        compare: also write gray and colorized side by side.
        max_pixels: refuse images of more pixels.
    """

    reference: Path | None = option(None, affects_output=True, key="like")  # noqa: RUF009 - a field
    compare: bool = option(False, affects_output=True)
    max_pixels: int = option(MAX_PIXELS, affects_output=False)

    def __post_init__(self) -> None:
        check_whole(1, max_pixels=self.max_pixels)


@dataclass(frozen=True)
class DegradeSettings:
    """How images are damaged.

    Attributes:
        degradation: a specification such as "noise:sigma=50"; None where recorded damage is replayed.
        seed: of everything that is drawn.
    """

    degradation: str | None = option(None, affects_output=True, key="kind")
    seed: int = option(0, affects_output=True)
