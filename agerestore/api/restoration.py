"""`agerestore.restore`."""

from typing import Any, Literal, TypedDict, Unpack, overload

from numpy.typing import NDArray

from agerestore.api.models import AUTO, NONE, AnyModel, detector_for, is_auto, named_models, warn
from agerestore.config.options import RestoreSettings
from agerestore.errors import UsageError
from agerestore.images.arrays import AnyPath, I
from agerestore.inference import restorer
from agerestore.inference.refine import Degradation
from agerestore.inference.result import Result
from agerestore.inference.tiling import Progress


class _RestoreOptions(TypedDict, total=False):
    model: AnyModel
    strength: float
    sigma: float | None
    ensemble: int
    latent_steps: int
    tones: float
    neutral: bool
    samples: int
    seed: int
    uncertainty: bool
    sensitivity: float
    fill_large: bool
    always: bool
    tile: int | None
    precision: str
    degradation: Degradation | None
    progress: Progress | None


@overload
def restore(
    image: I, mask: Any = None, *, details: Literal[False] = False, **options: Unpack[_RestoreOptions]
) -> I: ...
@overload
def restore(image: I, mask: Any = None, *, details: Literal[True], **options: Unpack[_RestoreOptions]) -> Result[I]: ...
@overload
def restore(
    image: AnyPath, mask: Any = None, *, details: Literal[False] = False, **options: Unpack[_RestoreOptions]
) -> NDArray[Any]: ...
@overload
def restore(
    image: AnyPath, mask: Any = None, *, details: Literal[True], **options: Unpack[_RestoreOptions]
) -> Result[NDArray[Any]]: ...
def restore(
    image: Any,
    mask: Any = None,
    *,
    model: AnyModel = "auto",
    strength: float = 1.0,
    sigma: float | None = None,
    ensemble: int = 1,
    latent_steps: int = 0,
    tones: float = 0.0,
    neutral: bool = False,
    samples: int = 0,
    seed: int = 0,
    uncertainty: bool = False,
    sensitivity: float = 0.5,
    fill_large: bool = False,
    always: bool = False,
    tile: int | None = None,
    precision: str = "auto",
    degradation: Degradation | None = None,
    details: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Restore an image.

    Args:
        image: NumPy array (H, W) or (H, W, C), Pillow image, tensor (H, W), (C, H, W) or (B, C, H, W), or path; uint8,
            uint16 or float in [0, 1], which noise may leave. Any size.
        mask: missing pixels, of the image's size, in any of these types and any dtype: where it is not 0 a pixel is
            missing. All other pixels come back bit for bit. ``auto``: the defects of a print are found and filled, and
            the rest is restored. ``none``: the whole image is restored. None: ``auto`` if the model is, else ``none``.
        model: ``auto`` selects a shipped model, and leaves an image alone in which nothing is found to restore;
            else a name, a path, or what `load` gave.
        strength: 0 leaves known pixels as they are, 1 takes the estimate.
        sigma: standard deviation of the noise, 0 to 255, if it is known: no more is removed.
        ensemble: 2, 4 or 8 average over so many rotated and mirrored positions, in so many times the time.
        latent_steps: steps of latent refinement, of models of a fixed size; 100 is a lot.
        tones: how far black, white, casts and brown stains of a faded photograph are also corrected, from 0, not at
            all, to 1; images that have not faded, and the tone of sepia prints, stay as they are.
        neutral: also make prints of one tone gray, and remove all of a color cast.
        samples: number of other plausible images to draw; needs ``details``.
        seed: of the samples.
        uncertainty: also compute the expected standard deviation of the error; needs ``details``.
        sensitivity: of ``mask="auto"``: 0 marks what is nearly certain to be a defect, 1 also what is hardly likely.
        fill_large: with ``mask="auto"``, also fill what is larger than 40 pixels across, such as a torn corner.
        always: with ``model="auto"``, also restore an image in which nothing is found to restore.
        tile: pixels a side computed at a time; None for as many as the free memory allows.
        precision: ``fp32``, ``bf16`` or ``auto``, the faster one on the device.
        degradation: the known degradation, a differentiable function of tensors, for latent refinement.
        details: answer with a `Result`: image, std, samples, score, model, remarks, and the mask that was found.
        progress: called with the numbers of tiles done and in all; what it raises cancels the work.

    Returns:
        The restored image in the type, dtype and size of ``image``, with its alpha; or the `Result`.

    Raises:
        UsageError: an image, mask or option that is not understood, or an option that the model does not support.
        WeightsError: the model cannot be loaded.

    Warns:
        OutOfDomainWarning: the image is unlike those the model was trained on.
        RestoreWarning: anything else people should know; with ``details``, these are remarks instead.

    >>> import agerestore, numpy as np
    >>> one, hole = np.zeros((28, 28), np.uint8), np.zeros((28, 28), bool)
    >>> one[4:24, 13:16], hole[12:16] = 255, True
    >>> restored = agerestore.restore(np.where(hole, 0, one).astype(np.uint8), hole, model="mnist")
    >>> bool((restored[~hole] == one[~hole]).all()), bool(restored[13, 14] > 128)
    (True, True)
    """
    settings = RestoreSettings(
        latent_steps=latent_steps, strength=strength, sigma=sigma, tones=tones, neutral=neutral, ensemble=ensemble,
        tile=tile, samples=samples, seed=seed, uncertainty=uncertainty, sensitivity=sensitivity, fill_large=fill_large,
        always=always, precision=precision,
    )  # fmt: skip
    if (samples or uncertainty) and not details:
        raise UsageError("`samples` and `uncertainty` are part of the result; pass `details=True`, too")
    models = named_models(model)
    detector = detector_for(models) if is_auto(mask) or (mask is None and is_auto(model)) else None
    given = None if isinstance(mask, str) and mask in (AUTO, NONE) else mask
    result = restorer.restore(
        models, image, given, settings, detector=detector, degradation=degradation, progress=progress
    )
    if details:
        return result
    warn(result)
    return result.image
