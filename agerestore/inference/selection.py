"""Which of several models a picture goes to: the one of a narrow domain that it is in, or that for photographs."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.errors import OutOfDomainError, UsageError
from agerestore.images.observation import Observation
from agerestore.inference.restoration import Restored, restore_observation
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.photo import PhotoRestorer

SMALL = 2  # times the size of a model: up to there a picture may be one of its domain


class Choice(NamedTuple):
    """Which model a picture goes to.

    Attributes:
        model: its name.
        answer: what it made of the picture, where that decided; None where the model for photographs was chosen.
    """

    model: str
    answer: Restored | None


def select_model(
    models: Mapping[str, Model],
    size: Sequence[int],
    observe: Callable[[], Observation],
    settings: RestoreSettings = DEFAULTS,
) -> Choice:
    """The one rule by which a picture finds its model: of a domain that it is in, else the one for photographs.

    A model of a domain is asked about pictures up to `SMALL` times its own size only: larger ones are photographs.

    Args:
        models: by name.
        size: (H, W) of the picture.
        observe: makes the observation (1, C, H, W); called only if a model of a domain is to be asked.
        settings: see `restore_observation`.

    Raises:
        UsageError: there are no models.
        OutOfDomainError: the picture is in nobody's domain, and there is no model for photographs.
    """
    if not models:
        raise UsageError("there is no model to choose from; name one with -m")
    photo = next((name for name, model in models.items() if isinstance(model.networks, PhotoRestorer)), None)
    asked = [name for name, model in models.items() if _may_be_for(model, max(size), photo is not None)]
    answers: dict[str, Restored] = {}
    if asked:
        observation = observe()
        answers = {name: restore_observation(models[name], observation, settings) for name in asked}
    name = min(answers, key=lambda name: float(answers[name].score), default=None)
    if name is not None and float(answers[name].score) <= 1:
        return Choice(name, answers[name])
    if photo is not None:
        return Choice(photo, None)
    nearest = f"nearest is {name!r} at {float(answers[name].score):.1f} x its limit" if name else "none is near"
    raise OutOfDomainError(f"in no shipped model's domain ({nearest}); name a model with -m to restore it anyway")


def _may_be_for(model: Model, longest: int, choosy: bool) -> bool:
    """Whether a model of a domain is to be asked about a picture whose longer side is ``longest``."""
    networks = model.networks
    if not isinstance(networks, Autoencoder) or networks.encoder is None:
        return False
    return not choosy or longest <= SMALL * networks.config.image_size
