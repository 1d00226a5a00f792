"""What an experiment is made with, and what it leaves; what all of them ask of networks and pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agerestore.config.training import train_config
from agerestore.data import sources
from agerestore.data.datasets import ImageSet, load_images, split_validation
from agerestore.errors import UsageError
from agerestore.losses.base import labels_of
from agerestore.metrics.features import CLASSES, SIZE, Classifier, train_if_accurate
from agerestore.metrics.validation import CHUNK
from agerestore.models import weights
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import sample_codes
from agerestore.training.loop import train

BRIEF = ("steps=300", "finetune.steps=50", "robust.steps=100", "network.width=8")
BRIEF_LINEAR = (*BRIEF[:-1], "network.width=256")
EQUAL = ("network.width=8", "steps=1000", "finetune.steps=0", "robust.steps=400")  # what each system is given alike
HELD_OUT = 0.2  # of a folder that does not know its training and test part apart


@dataclass(frozen=True)
class DataRequirements:
    """The pictures an experiment is made on: their size and channels, and whether they need labels."""

    size: int = 32
    channels: int = 1
    labels: bool = True

    def load(self, data: Path, limit: int) -> tuple[ImageSet, ImageSet]:
        """Training pictures and the first ``limit`` test pictures.

        Of a plain folder a fixed random part is for testing. It begins with what `agerestore.training.loop` holds out
        of the same folder, so that those were not seen by a model that was trained on it.

        Raises:
            NothingReadableError: no such folder, or no readable image in it.
        """
        if sources.has_splits(data):
            training, test = (load_images(data, self.size, self.channels, split) for split in ("train", "test"))
        else:
            training, test = _apart(load_images(data, self.size, self.channels))
        return training, test.take(torch.arange(min(limit, len(test))))

    def check(self, name: str, pictures: ImageSet) -> None:
        """Refuse pictures that the experiment of a name cannot be made on.

        Raises:
            UsageError: of another size or other channels, or without labels.
        """
        if pictures.images.shape[1:] != (self.channels, self.size, self.size):
            raise UsageError(f"{name} is made on pictures of {self.size}x{self.size} with {self.channels} channels")
        if self.labels and pictures.labels is None:
            raise UsageError(
                f"{name} needs labels: give a set as torchvision lays it out, or a folder with a folder for each digit"
            )


def _apart(pictures: ImageSet) -> tuple[ImageSet, ImageSet]:
    training, test = split_validation(pictures, HELD_OUT)
    assert isinstance(training, ImageSet)
    assert isinstance(test, ImageSet)
    return training, test


@dataclass(frozen=True)
class Context:
    """What an experiment is made with.

    Attributes:
        training: pictures, with labels where the experiment needs them.
        test: others, which no run sees.
        runs: folder of the runs.
        full: train as the presets say.
        settings: what is set beside that, last.
        report: told what is being trained.
        weights: a shipped model's name or a file, for an experiment on a model that is there already.
        seed: of the runs; where an experiment makes several that differ in it, of the first.
        device: where they are trained, and timed; all other figures are taken on the CPU.
    """

    training: ImageSet
    test: ImageSet
    runs: Path
    full: bool = False
    settings: tuple[str, ...] = ()
    report: Callable[[str], None] = lambda line: None
    weights: str | None = None
    seed: int = 0
    device: torch.device | str = "cpu"

    def model(self, preset: str, *settings: str, name: str = "") -> Model:
        """The weights of a preset, trained here unless they lie there; in a folder of a name, or of the settings."""
        brief = BRIEF_LINEAR if train_config(preset).network.architecture == "mlp" else BRIEF
        config = train_config(preset, (*(() if self.full else brief), f"seed={self.seed}", *settings, *self.settings))
        run = self.runs / (name or "-".join([preset, *(each.replace("=", "") for each in settings)]))
        self.report(f"{run.name}: {config.steps or config.epochs} {'iterations' if config.steps else 'epochs'}")
        if not (run / "final.safetensors").exists():
            train(config, self.training, run, device=self.device, resume=(run / "config.json").exists())
        loaded = weights.load_weights(run / "final.safetensors")
        if loaded.header["training"] != config.model_dump(mode="json"):
            raise UsageError(f"{run}: trained with other settings; name another folder with --out")
        return loaded


@dataclass(frozen=True)
class ExperimentResult:
    """Rows of a sheet, each (N, C, H, W) in [0, 1], figures by name, and what is to be said of them."""

    rows: Sequence[Tensor]
    figures: dict[str, dict[str, float]]
    note: str = ""


def autoencoder_of(model: Model) -> Autoencoder:
    """The networks of a model that is an unconditional pair."""
    assert isinstance(model.networks, Autoencoder)
    return model.networks


@torch.no_grad()
def codes_of(networks: Autoencoder, images: ImageSet) -> Tensor:
    """Codes (N, K + M) of pictures."""
    return torch.cat([networks.encode(part.float() / 255) for part in images.images.split(CHUNK)])


def digit_classifier(context: Context) -> Classifier:
    """A classifier of the digits that training sees."""
    seen, labels = context.training.images.float() / 255, labels_of(context.training.labels)
    classifier = train_if_accurate(seen, labels, torch.Generator().manual_seed(0))
    if classifier is None:
        raise UsageError(f"no classifier learns from these: give more pictures, {SIZE}x{SIZE} and of {CLASSES} classes")
    return classifier


def sample_prior(networks: Autoencoder, count: int, seed: int = 0) -> Tensor:
    """Draws (N, K + M) from the prior."""
    return sample_codes(networks.config, count, torch.Generator().manual_seed(seed))
