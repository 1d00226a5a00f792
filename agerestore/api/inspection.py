"""`agerestore.inspect` and `agerestore.degrade`."""

import warnings
from typing import Any, Literal, overload

import torch
from numpy.typing import NDArray

from agerestore import degradations
from agerestore.analysis.report import Report
from agerestore.api.models import AnyModel
from agerestore.api.processors import inspect_processor
from agerestore.config.checks import check_whole
from agerestore.errors import RestoreWarning, UsageError
from agerestore.images.arrays import AnyPath, I, open_image, to_photo
from agerestore.images.masks import TURNED
from agerestore.images.raster import WHOLE
from agerestore.inference.inspection import inspect_photo


def inspect(image: Any, mask: Any = None, *, model: AnyModel = "auto") -> Report:
    """Measure what is wrong with an image: noise, grain, JPEG quality, blur, defects of prints, fading, missing pixels.

    Args:
        image: see `restore`.
        mask: see `restore`; nothing is measured where pixels are missing.
        model: the models of which the report names the one that restores such images.

    Raises:
        UsageError: an image or mask that is not understood.
        UnreadableError: the file cannot be read.
    """
    photo = to_photo(image)
    opened = open_image(photo, mask)
    if opened.mask_turned:
        warnings.warn(TURNED, RestoreWarning, stacklevel=2)
    given = opened.mask
    with_models = inspect_processor(model)
    missing = None if given is None else given[0, 0].numpy()
    return inspect_photo(photo, missing, with_models.models, with_models.detector).report


@overload
def degrade(image: I, degradation: str, *, seed: int = 0, details: Literal[False] = False) -> I: ...
@overload
def degrade(image: I, degradation: str, *, seed: int = 0, details: Literal[True]) -> tuple[I, Any]: ...
@overload
def degrade(image: AnyPath, degradation: str, *, seed: int = 0, details: Literal[False] = False) -> NDArray[Any]: ...
@overload
def degrade(image: AnyPath, degradation: str, *, seed: int = 0, details: Literal[True]) -> tuple[NDArray[Any], Any]: ...
def degrade(image: Any, degradation: str, *, seed: int = 0, details: bool = False) -> Any:
    """Damage an image, to test restoration.

    Args:
        image: see `restore`.
        degradation: such as ``noise:sigma=50`` or ``jpeg:quality=10..30,scratches`` (see `agerestore.degradations`).
        seed: of all parameters that are drawn.
        details: also answer with the mask of missing pixels.

    Returns:
        The damaged image in the type and dtype of ``image``; with ``details`` also its mask, a bool array (H, W), for
        tensors a tensor, or None.

    Raises:
        UsageError: an image or degradation that is not understood.
    """
    check_whole(seed=seed)
    if not isinstance(degradation, str):
        raise UsageError(f"`degradation` must be a text such as noise:sigma=50, not {degradation!r}")
    raster = open_image(image)
    observation = raster.read(WHOLE, raster.values.device)
    generator = torch.Generator().manual_seed(seed)
    damaged = degradations.degrade(observation.image, degradations.parse(degradation), generator)
    made = raster.copy()
    made.write(WHOLE, damaged.image)
    answer = raster.to_original(made.values, "restored")
    if not details:
        return answer
    return answer, None if damaged.mask is None else raster.map_to_original(damaged.mask) > 0
