"""What an experiment is made with, and what it leaves; what all of them ask of networks and pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agerestore import checkpoint
from agerestore.classifier import SIZE, DigitClassifier, train_classifier
from agerestore.config import train_config
from agerestore.data import ImageSet
from agerestore.errors import UsageError
from agerestore.latent import sample_codes
from agerestore.monitor import CHUNK
from agerestore.networks import Autoencoder
from agerestore.train import train

BRIEF = ("steps=300", "settle.steps=50", "robust.steps=100", "network.width=8")
BRIEF_LINEAR = (*BRIEF[:-1], "network.width=256")
EQUAL = ("network.width=8", "steps=1000", "settle.steps=0", "robust.steps=400")  # what each system is given alike


@dataclass(frozen=True)
class Setting:
    """What an experiment is made with.

    Attributes:
        training: pictures with labels.
        test: others with labels, which no run sees.
        runs: folder of the runs.
        full: train as the presets say.
        settings: what is set beside that, last.
        report: told what is being trained.
    """

    training: ImageSet
    test: ImageSet
    runs: Path
    full: bool = False
    settings: tuple[str, ...] = ()
    report: Callable[[str], None] = lambda line: None

    def model(self, preset: str, *settings: str) -> checkpoint.LoadedModel:
        """The weights of a preset, trained here unless they lie there."""
        brief = BRIEF_LINEAR if train_config(preset).network.architecture == "mlp" else BRIEF
        config = train_config(preset, (*(() if self.full else brief), *settings, *self.settings))
        run = self.runs / "-".join([preset, *(each.replace("=", "") for each in settings)])
        self.report(f"{run.name}: {config.steps or config.epochs} {'iterations' if config.steps else 'epochs'}")
        if not (run / "final.safetensors").exists():
            train(config, self.training, run, resume=(run / "config.json").exists())
        loaded = checkpoint.load_weights(run / "final.safetensors")
        if loaded.header["training"] != config.model_dump(mode="json"):
            raise UsageError(f"{run}: trained with other settings; name another folder with --runs")
        return loaded


@dataclass(frozen=True)
class Outcome:
    """Rows of a sheet, each (N, C, H, W) in [0, 1], and figures by name."""

    rows: Sequence[Tensor]
    figures: dict[str, dict[str, float]]


def pair(model: checkpoint.LoadedModel) -> Autoencoder:
    """The networks of a model that is an unconditional pair."""
    assert isinstance(model.networks, Autoencoder)
    return model.networks


@torch.no_grad()
def codes_of(networks: Autoencoder, images: ImageSet) -> Tensor:
    """Codes (N, K + M) of pictures."""
    return torch.cat([networks.encode(part.float() / 255) for part in images.images.split(CHUNK)])


def labels_of(images: ImageSet) -> Tensor:
    """Labels (N,) of a set that has them."""
    assert images.labels is not None
    return images.labels


def digit_classifier(setting: Setting) -> DigitClassifier:
    """A classifier of the digits that training sees, in whose features samples are compared."""
    if setting.training.images.shape[2:] != (SIZE, SIZE):
        raise UsageError(f"the classifier sees pictures of {SIZE}x{SIZE}")
    seen = setting.training.images.float() / 255
    return train_classifier(seen, labels_of(setting.training), torch.Generator().manual_seed(0))


def draws(networks: Autoencoder, count: int, seed: int = 0) -> Tensor:
    """Draws (N, K + M) from the prior."""
    return sample_codes(networks.config, count, torch.Generator().manual_seed(seed))
