"""`agerestore.colorize`."""

from typing import Any, Literal, TypedDict, Unpack, overload

from numpy.typing import NDArray

from agerestore.api.models import AnyModel, named_models, warn
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
    strength: float
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
    strength: float = 1.0,
    sepia: bool = False,
    force: bool = False,
    precision: str = "auto",
    details: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Colorize a gray image.

    Args:
        image: see `restore`; gray in one channel or three.
        model: ``auto`` is the shipped colorizer, of cars; else a name, a path, or what `load` gave.
        samples: number of colorizations.
        seed: of their color codes; the first ones of a seed are the same for every number of samples.
        reference: a color image, in any of these types, whose colors are taken instead; then ``samples`` is 1.
        strength: 0 leaves the image gray, 1 gives it all the color.
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
        OutOfDomainError: the image is unlike those the model was trained on.
        UsageError: an image or option that is not understood, or a model that restores.
    """
    settings = ColorizeSettings(
        samples=samples, seed=seed, strength=strength, sepia=sepia, force=force, precision=precision
    )
    loaded = next(iter(named_models(model, "colorize").values()))
    result = colorizer.colorize(loaded, image, settings, reference, progress)
    if details:
        return result
    warn(result)
    return result.samples
