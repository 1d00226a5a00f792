"""The processors of files with the models that options name: of `restore_files`, of the command and of its page."""

from agerestore import device as devices
from agerestore.api.models import AnyModel, detector_for, named_models
from agerestore.batch.mask_source import MaskSource
from agerestore.config.options import (
    ColorizeFileSettings,
    ColorizeSettings,
    FileOptions,
    RestoreFileSettings,
    RestoreSettings,
)
from agerestore.inference.file_processors import ColorizeProcessor, RestoreProcessor
from agerestore.inference.inspection import InspectProcessor
from agerestore.inference.tiling import Progress


def restore_processor(
    model: AnyModel,
    masks: MaskSource,
    settings: RestoreSettings,
    extras: RestoreFileSettings,
    files: FileOptions,
    device: str = "auto",
    progress: Progress | None = None,
) -> RestoreProcessor:
    """What restores files; models are loaded once.

    Args:
        model: see `agerestore.restore_files`.
        masks: where masks come from.
        settings: options of restoring.
        extras: options of the files.
        files: how results are written.
        device: see `agerestore.restore_files`.
        progress: see `agerestore.restore`.

    Raises:
        UsageError: an option that is not understood or not supported, or options that do not go together.
        WeightsError: a model cannot be loaded.
    """
    devices.resolve_precision(settings.precision)  # an unknown one is named before any work
    models = named_models(model, device=device)
    colorizers = named_models("auto", "colorize", device) if extras.colorize else {}
    detector = detector_for(models) if masks.detect else None
    return RestoreProcessor(models, settings, extras, masks.folder, colorizers, detector, files, progress)


def colorize_processor(
    model: AnyModel,
    settings: ColorizeSettings,
    extras: ColorizeFileSettings,
    files: FileOptions,
    device: str = "auto",
    progress: Progress | None = None,
) -> ColorizeProcessor:
    """What colorizes files; models are loaded once.

    Args:
        model: see `agerestore.colorize`.
        settings: options of colorizing.
        extras: options of the files.
        files: how results are written.
        device: see `agerestore.restore_files`.
        progress: see `agerestore.colorize`.

    Raises:
        UsageError: an option that is not understood or not supported, or a reference without colors.
        WeightsError: a model cannot be loaded.
    """
    from agerestore.inference.colorizer import read_reference  # restoring alone does not wait for it

    devices.resolve_precision(settings.precision)  # an unknown one is named before any work
    models = named_models(model, "colorize", device)
    colors = None if extras.reference is None else read_reference(extras.reference)
    return ColorizeProcessor(models, colors, settings, extras, files, progress)


def inspect_processor(model: AnyModel = "auto") -> InspectProcessor:
    """What inspects files, and looks for defects if a model fills them; models are loaded once.

    Args:
        model: see `agerestore.inspect`.

    Raises:
        UsageError: a model that is not understood.
        WeightsError: a model cannot be loaded.
    """
    models = named_models(model)
    detector = detector_for(models) if any(each.input.size is None for each in models.values()) else None
    return InspectProcessor(models, detector)
