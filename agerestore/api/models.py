"""The models that verbs are given."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from agerestore.errors import OutOfDomainWarning, RestoreWarning
from agerestore.inference.result import Result
from agerestore.models import zoo
from agerestore.models.base import Model

AnyModel = str | Path | Model
AUTO = "auto"  # as a model: the one that suits the image; as a mask: the defects that a detector finds
NONE = "none"  # as a mask: nothing is missing, and no defects are looked for


# Models are kept as long as the shipped files stay as they are: each is called with `zoo.state`.
@lru_cache(maxsize=4)
def _automatic(verb: str, device: str, state: zoo.State) -> dict[str, Model]:
    return zoo.load_automatic(verb, device=device)


@lru_cache(maxsize=2)
def _shipped(name: str, device: str, state: zoo.State) -> Model:
    return zoo.load(name, device=device)


def named_model(model: AnyModel, device: str = "auto") -> Model:
    """The model of a name, a path or itself; shipped ones are loaded once.

    Raises:
        UsageError: it is none of these.
        WeightsError: it cannot be loaded.
    """
    if isinstance(model, Model):
        return model
    if str(model) in zoo.names():
        return _shipped(str(model), device, zoo.state())
    return zoo.load(model, device=device)


def is_auto(option: Any) -> bool:
    """Whether a model or a mask is to be found for the image."""
    return isinstance(option, str) and option == AUTO


def named_models(model: AnyModel, verb: str = "restore", device: str = "auto") -> dict[str, Model]:
    """The models to select from, by name: all that ``auto`` stands for in a verb, or one."""
    if is_auto(model):
        return _automatic(verb, device, zoo.state())
    one = named_model(model, device)
    return {one.name: one}


@lru_cache(maxsize=2)
def _detector(device: str, state: zoo.State) -> Model:
    return zoo.load(zoo.detector_name(), device=device)


def detector_for(models: Mapping[str, Model]) -> Model:
    """The shipped model that finds the defects which these models fill, loaded once; see `zoo.load_detector`."""
    zoo.refuse_detection(models)
    return _detector(str(next(iter(models.values())).device), zoo.state())


def warn(result: Result[Any]) -> None:
    """Give the remarks of a result as warnings of the caller of the public function."""
    for remark in result.remarks:
        warnings.warn(remark, OutOfDomainWarning if result.score > 1 else RestoreWarning, stacklevel=3)
