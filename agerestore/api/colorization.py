"""`agerestore.colorize`."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

from numpy.typing import NDArray

from agerestore.api.models import AnyModel, named_models, warn
from agerestore.config.hints import read_hints
from agerestore.config.options import ColorizeSettings
from agerestore.images.arrays import AnyPath, I
from agerestore.inference import colorizer
from agerestore.inference.result import Result
from agerestore.inference.tiling import Progress


class _ColorizeOptions(TypedDict, total=False):
    model: AnyModel
    samples: int
    seed: int
    reference: Any
    saturation: float
    hints: Sequence[tuple[int, int, str]]
    sepia: bool
    force: bool
    precision: str
    progress: Progress | None


@overload
def colorize(image: I, *, details: Literal[False] = False, **options: Unpack[_ColorizeOptions]) -> list[I]: ...
@overload
def colorize(image: I, *, details: Literal[True], **options: Unpack[_ColorizeOptions]) -> Result[I]: ...
@overload
def colorize(
    image: AnyPath, *, details: Literal[False] = False, **options: Unpack[_ColorizeOptions]
) -> list[NDArray[Any]]: ...
@overload
def colorize(
    image: AnyPath, *, details: Literal[True], **options: Unpack[_ColorizeOptions]
) -> Result[NDArray[Any]]: ...
def colorize(
    image: Any,
    *,
    model: AnyModel = "auto",
    samples: int = 1,
    seed: int = 0,
    reference: Any = None,
    saturation: float = 1.0,
    hints: Sequence[tuple[int, int, str]] = (),
    sepia: bool = False,
    force: bool = False,
    precision: str = "auto",
    details: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Colorize a gray image.

    Args:
        image: see `restore`; gray in one channel or three.
        model: ``auto`` selects a shipped colorizer for the image; else a name, a path, or what `load` gave.
        samples: number of colorizations.
        seed: of their color codes; the first ones of a seed are the same for every number of samples.
        reference: a color image, in any of these types, whose colors are taken instead; then ``samples`` is 1.
        saturation: 0 leaves the image gray, 1 gives it the colors that the model generates, 2 twice as much of them.
        hints: colors that are known at points of the image as it is shown: (x, y, "#rrggbb"), in pixels from the left
            and from the top, from 0. The lightness of such a color does not count.
        sepia: take a toned image for a gray one.
        force: colorize images that have colors already, or that are unlike those the model was trained on.
        precision: ``fp32``, ``bf16`` or ``auto`` for fp32.
        details: answer with a `Result`, whose ``samples`` are the colorizations.
        progress: called with the numbers of colorizations done and in all; what it raises cancels the work.

    Returns:
        The colorizations, images of the type, dtype, size and alpha of ``image`` with three channels of color (Pillow
        images have 8 bits); lightness stays within 1/255. Or the `Result`.

    Raises:
        AgeRestoreError: the image has colors already.
        OutOfDomainError: the image is unlike those the models were trained on.
        UsageError: an image or option that is not understood, a hint outside the image, or a model that restores.
    """
    settings = ColorizeSettings(
        samples=samples, seed=seed, saturation=saturation, hints=read_hints(hints), sepia=sepia, force=force,
        precision=precision,
    )  # fmt: skip
    result = colorizer.colorize(named_models(model, "colorize"), image, settings, reference, progress)
    if details:
        return result
    warn(result)
    return result.samples
