"""Restoring an image of any type: the one way, of the Python functions, the command and batches of files alike.

`restore` opens the image as a `Raster`, selects the model, assesses what is to be done (`assess`), restores the raster
(`restore_raster`) and gives the image back as it came. A model for any size works tile by tile
(`agerestore.inference.any_size`), one of a fixed size on the letterboxed image (`agerestore.inference.fixed_size`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from agerestore.config.options import DEFAULTS, UNMASKED_OPTIONS, RestoreSettings
from agerestore.errors import UsageError
from agerestore.images.arrays import ImageLike, open_image
from agerestore.images.masks import TURNED
from agerestore.images.observation import Observation
from agerestore.images.raster import WHOLE, Change, Raster
from agerestore.inference import recognition
from agerestore.inference.any_size import restore_any_size
from agerestore.inference.assessment import assess
from agerestore.inference.fixed_size import restore_fixed_size
from agerestore.inference.refine import Degradation
from agerestore.inference.result import Remark, Result
from agerestore.inference.selection import Selection, select_model
from agerestore.inference.severe_damage import redraw_large_holes
from agerestore.inference.tiling import Progress
from agerestore.inference.tone import correct_tones
from agerestore.models.base import Model


def restore(
    models: Mapping[str, Model],
    image: ImageLike,
    mask: Any = None,
    settings: RestoreSettings = DEFAULTS,
    *,
    detector: Model | None = None,
    degradation: Degradation | None = None,
    progress: Progress | None = None,
) -> Result[Any]:
    """Restore an image by the one model there is, or by the one of several that suits it.

    Of several models the one that is selected leaves an image alone in which nothing is found to restore.

    Args:
        models: by name, on one device.
        image: see `agerestore.images.arrays.open_image`.
        mask: of any type; where it is not 0 pixels are missing, and all others stay bit for bit. Without a mask the
            whole image is estimated.
        settings: options.
        detector: where no mask is given, finds defects, which are filled.
        degradation: the known degradation, differentiable, for latent refinement.
        progress: called with the numbers of tiles done and in all; what it raises cancels the work.

    Returns:
        Everything, in the type of ``image``.

    Raises:
        UsageError: the image or mask is not understood, or the one model does not support an option.
        OutOfDomainError: there are several models, and none suits the image.
    """
    raster = open_image(image, mask)
    given = settings.given() + (["degradation"] if degradation is not None else [])
    several = len(models) > 1
    selected = _select(models, raster, settings, given) if several else Selection(next(iter(models)))
    name, model = selected.name, models[selected.name]
    if not several:
        model.require("restore", given)
    found = assess(model, raster, image, settings, detector, several, progress)
    if found.nothing_to_do:
        result = Result(raster.copy(), changed=False)
    else:
        raster = replace(raster, mask=found.mask)
        result = restore_raster(
            models[selected.rest or name], raster, settings, known=found.known, degradation=degradation,
            progress=progress, answer=selected.answer,
        )  # fmt: skip
        if selected.rest is not None:
            result = replace(result, image=redraw_large_holes(model, result.image))
    masked = raster.mask is not None
    remarks = [Remark(TURNED)] if raster.mask_turned else []
    remarks += found.remarks + _model_remarks(model, name, masked, result, several)
    remarks += _option_remarks(model, name, given, masked and not found.known)
    if settings.changes_tones:
        result = correct_tones(result, settings.tones, settings.neutral)
    result = replace(result, model=name, remarks=remarks, mask=found.defects)
    return _as_it_came(result, raster, "restored" if found.known else "filled")


def _select(models: Mapping[str, Model], raster: Raster, settings: RestoreSettings, given: list[str]) -> Selection:
    """One of several models; not one that invents what is lost, if an option was given that it does not support."""
    offered = {
        name: model
        for name, model in models.items()
        if not (recognition.statistics(model) and model.unsupported(given))
    }
    return select_model(offered, raster, settings.precision)


def _as_it_came(result: Result[Raster], raster: Raster, change: Change) -> Result[Any]:
    """The result in the type of the image that was opened."""
    return replace(
        result,
        mask=None if result.mask is None else raster.map_to_original(result.mask.float()) > 0,
        image=raster.to_original(result.image.values, change),
        std=None if result.std is None else raster.map_to_original(result.std),
        samples=[raster.to_original(each.values, change) for each in result.samples],
    )


@torch.no_grad()
def restore_raster(
    model: Model,
    raster: Raster,
    settings: RestoreSettings = DEFAULTS,
    *,
    known: bool = False,
    degradation: Degradation | None = None,
    progress: Progress | None = None,
    answer: tuple[Tensor, Tensor] | None = None,
) -> Result[Raster]:
    """Restore images by one model, in their own depth.

    Args:
        model: one that restores.
        raster: the images and their mask.
        settings: options; those that the model does not support have no effect.
        known: whether with a mask known pixels are restored, too, by models for any size; else they stay bit for bit.
        degradation: see `restore`.
        progress: see `restore`.
        answer: what `restore_fixed_size` gave for these images without latent refinement, if that is known.

    Returns:
        ``image`` and ``samples`` as rasters, ``std`` as a tensor (B, 1, H, W) on the CPU.

    Raises:
        UsageError: the model does not restore images, or samples of a batch are asked for.
    """
    model.require("restore")
    if model.input.size is not None:
        report = progress or (lambda done, total: None)
        return _restore_fixed_size(
            model, raster, settings, degradation, report, None if settings.latent_steps else answer
        )
    latent_maps = _latent_maps(model, raster, settings)
    uncertainty = settings.uncertainty and "uncertainty" in model.supports
    restored, std, samples = restore_any_size(model, raster, settings, latent_maps, uncertainty, progress, known)
    return Result(restored, std, samples)


def _restore_fixed_size(
    model: Model, raster: Raster, settings: RestoreSettings, degradation: Degradation | None, progress: Progress,
    answer: tuple[Tensor, Tensor] | None,
) -> Result[Raster]:  # fmt: skip
    """Restore images whole, as if they were one tile; ``answer`` is taken if it is there."""
    progress(0, 1)
    image, score = answer or restore_fixed_size(model, raster.read(WHOLE, model.device), settings, degradation)
    restored = raster.copy()
    restored.write(WHOLE, image, raster.mask)
    progress(1, 1)
    return Result(restored, score=float(score.max()))


def restore_observation(
    model: Model, observation: Observation, settings: RestoreSettings = DEFAULTS, **options: Any
) -> Result[Tensor]:
    """Restore tensors: `restore_raster` for a batch of images and masks as `Observation` holds them.

    Values outside [0, 1], as unclipped noise gives, are taken as they are. Images and samples are tensors (B, C, H, W).
    """
    mask = None if observation.mask is None else observation.mask > 0
    result = restore_raster(model, Raster(observation.image, mask=mask), settings, **options)
    samples = [each.values for each in result.samples]
    return Result(result.image.values, result.std, samples, result.score, model.name)


def _latent_maps(model: Model, raster: Raster, settings: RestoreSettings) -> Tensor | None:
    """The codes of the samples to draw, (K, M, rows, columns); None for none."""
    if not settings.samples or "samples" not in model.supports:
        return None
    if len(raster.values) > 1:
        raise UsageError(f"`samples` are drawn of one image, and this is a batch of {len(raster.values)}; split it")
    generator = torch.Generator().manual_seed(settings.seed)
    maps: Tensor = model.networks.sample_latent_maps(*raster.size, settings.samples, generator)
    return maps


# ---------------------------------------------------------------------------------------------- remarks


def _model_remarks(model: Model, name: str, masked: bool, result: Result[Raster], several: bool) -> list[Remark]:
    remarks = []
    if result.score > 1:
        what = f"out of the domain of {name!r} ({result.score:.1f} x its limit)"
        remarks.append(Remark(f"{what}; what was generated may be invented"))
    if several and recognition.statistics(model):
        kind = recognition.statistics(model)["kind"]
        what = f"little is left of it, and {name!r} takes it for a {kind}: the {kind} is invented"
        remarks.append(Remark(f"{what}; name another with `model` to have none invented"))
    elif several and model.input.size is not None and not masked:
        what = f"taken for one of its kind by {name!r}, which generates it anew"
        remarks.append(Remark(f"{what}; name another with `model` if it is none", once=True))
    return remarks


def _option_remarks(model: Model, name: str, given: list[str], masked: bool) -> list[Remark]:
    """The options without effect."""
    idle = [*model.unsupported(given), *(each for each in UNMASKED_OPTIONS if masked and each in given)]
    if not idle:
        return []
    listed = " and ".join(f"`{each}`" for each in dict.fromkeys(idle))
    where = " with a mask" if not model.unsupported(given) else ""
    return [Remark(f"{name!r} does not support {listed}{where}", once=True)]
