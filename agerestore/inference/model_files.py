"""Models by their files: fingerprints, and how a processor gets to other processes without its weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agerestore.errors import UsageError, WeightsError
from agerestore.models import zoo
from agerestore.models.base import Model


def fingerprint(model: Model) -> str:
    """SHA-256 of the file of a model; of one that is in memory alone, of its weights."""
    try:
        return zoo.fingerprint(model.name)
    except WeightsError:
        digest = hashlib.sha256()
        for name, values in sorted(model.networks.state_dict().items()):
            digest.update(name.encode() + values.cpu().numpy().tobytes())
        return digest.hexdigest()


def fingerprints(models: Mapping[str, Model]) -> str | list[str]:
    """That of the only model, or those of several to select from."""
    found = [fingerprint(model) for model in models.values()]
    return found[0] if len(found) == 1 else found


@dataclass(frozen=True)
class ModelFile:
    """A model as another process can load it.

    Attributes:
        name: Its name, in messages and reports.
        file: Name of a shipped model, or the whole path of a file.
        sha256: Fingerprint of the weights.
        device: The kind of device, and its number if it was named.
    """

    name: str
    file: str
    sha256: str
    device: str

    @classmethod
    def of(cls, model: Model) -> "ModelFile":
        """The file of a model.

        Raises:
            UsageError: It is in memory alone.
        """
        try:
            sha256 = zoo.fingerprint(model.name)
        except WeightsError:
            what = "is in memory alone, where `workers` cannot load it; save it and give its path"
            raise UsageError(f"model {model.name!r} {what}") from None
        file = model.name if model.name in zoo.names() else str(Path(model.name).absolute())
        return cls(model.name, file, sha256, str(model.device))

    def load(self) -> Model:
        """Load the model.

        Raises:
            WeightsError: It is missing, or has other weights.
        """
        if zoo.fingerprint(self.file) != self.sha256:
            what = "a worker has other weights of this name (SHA-256 differs); install the same on all machines"
            raise WeightsError(f"{self.file}: {what}")
        model = zoo.load(self.file, device=self.device)
        model.name = self.name
        return model


class PickledByModelFiles:
    """A dataclass that pickles small: its models by name and fingerprint, which who unpickles it loads."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Put `ModelFile`s in the place of models, and nothing in that of functions."""
        values = (getattr(self, each.name) for each in fields(self))  # type: ignore[arg-type]
        return _built, (type(self), *(_described(value) for value in values))


def _built(kind: type[Any], *values: Any) -> Any:
    return kind(*map(_loaded, values))


def _described(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: ModelFile.of(model) for name, model in value.items()}
    if isinstance(value, Model):
        return ModelFile.of(value)
    return None if callable(value) else value  # what is called with the progress stays here


def _loaded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: file.load() for name, file in value.items()}
    return value.load() if isinstance(value, ModelFile) else value
