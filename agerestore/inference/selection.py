"""Model selection: an image goes to the model of fixed size whose domain it is in, else to the one for any size.

A model that recognizes its domain in what is left of an image (`agerestore.inference.recognition`) gets nothing else.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from agerestore.config.options import RestoreSettings
from agerestore.errors import OutOfDomainError, UsageError
from agerestore.images.raster import WHOLE, Raster
from agerestore.inference import recognition, severe_damage
from agerestore.inference.fixed_size import restore_fixed_size
from agerestore.models.base import Model

LARGEST_FACTOR = 2  # an image up to so many times the size of a model may be of its domain


class Selection(NamedTuple):
    """The model for an image.

    Attributes:
        name: of the model.
        answer: what the model generated for its score, which need not be computed again, and the score (B,); None of a
            model for images of any size.
        rest: the model for all but large holes, which the other fills; None where one does it all.
    """

    name: str
    answer: tuple[Tensor, Tensor] | None = None
    rest: str | None = None


def select_model(models: Mapping[str, Model], raster: Raster, precision: str = "auto") -> Selection:
    """Select the model for an image.

    Models of a fixed size score images up to `LARGEST_FACTOR` times their size; the one with the least score restores
    the image if that is at most 1. Everything else goes to the model for images of any size, unless so little is left
    of it that a model which recognizes it draws it better.

    Args:
        models: by name, on one device.
        raster: one image and its mask.
        precision: in which scores are computed.

    Raises:
        UsageError: there are no models.
        OutOfDomainError: no model scores the image at most 1, and none is for images of any size.
    """
    if not models:
        raise UsageError("there is no model to select from; name one with `model`")
    any_size = next((name for name, model in models.items() if model.input.size is None), None)
    longest = max(raster.size)
    asked = {
        name: model
        for name, model in models.items()
        if "restore" in model.verbs
        and not recognition.statistics(model)
        and model.input.size is not None
        and (any_size is None or longest <= LARGEST_FACTOR * model.input.size)
    }
    answers: dict[str, tuple[Tensor, Tensor]] = {}
    if asked:
        settings = RestoreSettings(precision=precision)
        observation = raster.read(WHOLE, next(iter(asked.values())).device)  # once: they are on one device
        answers = {name: restore_fixed_size(model, observation, settings) for name, model in asked.items()}
    scores = {name: float(score.max()) for name, (_, score) in answers.items()}
    best = min(scores, key=scores.__getitem__, default=None)
    if best is not None and scores[best] <= 1:
        return Selection(best, answers[best])
    if any_size is not None:
        return _redrawing(models, raster, any_size) or Selection(any_size)
    nearest = f"the nearest is {best!r} at {scores[best]:.1f} x its limit" if best else "none is near"
    raise OutOfDomainError(f"in no model's domain ({nearest}); name a model with `model` to restore it anyway")


def _redrawing(models: Mapping[str, Model], raster: Raster, any_size: str) -> Selection | None:
    """The model that draws what is lost of a severely damaged image; None where none does."""
    for name, model in models.items():
        size = model.input.size
        if size is None or not recognition.statistics(model) or not severe_damage.is_severe(raster, size):
            continue
        answer = severe_damage.recognize(model, raster)
        if float(answer[1].max()) <= 1:
            return Selection(name, answer, None if raster.mask is None else any_size)
    return None
