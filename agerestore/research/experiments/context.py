"""Input and result of an experiment, and what several of them compute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agerestore.config.training import TrainConfig, parse, train_config
from agerestore.data.datasets import ImageSet, split_validation
from agerestore.data.layouts import has_splits
from agerestore.data.sources import load_images
from agerestore.errors import UsageError
from agerestore.losses.base import require_labels
from agerestore.metrics.autoencoder import CHUNK
from agerestore.metrics.features import CLASSES, SIZE, Classifier, train_if_accurate
from agerestore.models import weights
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import sample_codes
from agerestore.training.session import Session

BRIEF = ("steps=300", "finetune.steps=50", "robust.steps=100", "network.width=8")
BRIEF_LINEAR = (*BRIEF[:-1], "network.width=256")
EQUAL = ("network.width=8", "steps=1000", "finetune.steps=0", "robust.steps=400")  # of every system that is compared
HELD_OUT = 0.2  # share of test images where a folder has no training and test part


@dataclass(frozen=True)
class DataRequirements:
    """The images an experiment needs.

    Attributes:
        size: side in pixels.
        channels: 1 or 3.
        labels: whether they have labels.
        stretch: whether a whole image is scaled to the square, instead of the square in its middle.
        most: test images that are taken at most, the first; None takes all.
    """

    size: int = 32
    channels: int = 1
    labels: bool = True
    stretch: bool = False
    most: int | None = 10_000

    def load(
        self,
        data: Path,
        limit: int | None = None,
        notify: Callable[[str], None] = lambda line: None,
        name: str | None = None,
        cache: Path | None = None,
    ) -> tuple[ImageSet, ImageSet]:
        """Training images and the first ``limit`` test images, without it ``most``.

        ``notify`` is called with what was left out.

        Of a folder without these two parts a fixed random fifth is for testing. It begins with the images that
        `agerestore.training.session` holds out of the same folder, which a model trained on it has not seen. For
        ``name`` and ``cache`` see `agerestore.data.sources.load_images`.

        Raises:
            NothingReadableError: no such folder, or no readable image in it.
        """

        def read(split: str) -> ImageSet:
            images = load_images(data, self.size, self.channels, split, self.stretch, None, name, cache)
            for line in images.skipped:
                notify(line)
            return images

        training, test = (read("train"), read("test")) if has_splits(data, name) else _apart(read("train"))
        count = min(limit or self.most or len(test), len(test))
        return training, test.take(torch.arange(count))

    def check(self, name: str, images: ImageSet) -> None:
        """Refuse images that do not meet the requirements of the experiment ``name``.

        Raises:
            UsageError: another size, other channels, or no labels.
        """
        if images.images.shape[1:] != (self.channels, self.size, self.size):
            raise UsageError(f"{name} needs images of {self.size}x{self.size} with {self.channels} channels")
        if self.labels and images.labels is None:
            raise UsageError(
                f"{name} needs labels: give a set as torchvision lays it out, or a folder with a folder for each digit"
            )


def _apart(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    training, test = split_validation(images, HELD_OUT)
    assert isinstance(training, ImageSet)
    assert isinstance(test, ImageSet)
    return training, test


@dataclass(frozen=True)
class Context:
    """Data, runs and settings of an experiment.

    Attributes:
        training: training images, with labels where the experiment needs them.
        test: test images, which no run sees.
        runs: folder of the training runs.
        full: train as the presets say; else briefly.
        settings: ``key=value`` for every run, applied last.
        report: called with a line on each run that is trained.
        weights: name or file of a trained model, for an experiment that can take one.
        seed: of the runs; of the first, where an experiment makes several with different seeds.
        device: for training and timing; all other figures are computed on the CPU.
        stop: asked after every iteration; once true, the state of the run is saved and KeyboardInterrupt raised.
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
    stop: Callable[[], bool] = lambda: False

    def model(self, preset: str, *settings: str, name: str = "") -> Model:
        """The model of a preset, loaded from its run, or trained if there is none yet.

        Args:
            preset: name.
            settings: ``key=value``, before those of the context.
            name: of the run's folder; of preset and settings if empty.

        Raises:
            UsageError: the run was trained with other settings.
            KeyboardInterrupt: `stop` said so.
        """
        brief = BRIEF_LINEAR if train_config(preset).network.architecture == "mlp" else BRIEF
        config = train_config(preset, (*(() if self.full else brief), f"seed={self.seed}", *settings, *self.settings))
        run = self.runs / (name or "-".join([preset, *(each.replace("=", "") for each in settings)]))
        self.report(f"{run.name}: {config.steps or config.epochs} {'iterations' if config.steps else 'epochs'}")
        if not (run / "final.safetensors").exists():
            begun = (run / "config.json").exists()
            session = Session(config, self.training, run, torch.device(self.device), None, begun)
            session.run(lambda progress: None, self.stop, {})
        loaded = weights.load_weights(run / "final.safetensors")
        if not parse(TrainConfig, loaded.header["training"], run.name).learns_like(config):
            raise UsageError(f"{run}: trained with other settings; choose another output folder")
        return loaded


@dataclass(frozen=True)
class ExperimentResult:
    """Result of an experiment.

    Attributes:
        rows: of the contact sheet; each (N, C, H, W) float in [0, 1].
        figures: numbers by name, by what was measured.
        note: a remark for the JSON; empty for none.
    """

    rows: Sequence[Tensor]
    figures: dict[str, dict[str, float]]
    note: str = ""


def autoencoder_of(model: Model) -> Autoencoder:
    """The encoder and generator of an unconditional model.

    Raises:
        UsageError: the model is another.
    """
    if not isinstance(model.networks, Autoencoder):
        raise UsageError(f"model {model.name!r} is no pair of encoder and generator; choose such a `model`")
    networks: Autoencoder = model.networks
    return networks


@torch.no_grad()
def codes_of(networks: Autoencoder, images: ImageSet) -> Tensor:
    """Codes (N, K + M) of a set of N images."""
    return torch.cat([networks.encode(part.float() / 255) for part in images.images.split(CHUNK)])


def digit_classifier(context: Context) -> Classifier:
    """A classifier of digits, trained on the training images.

    Raises:
        UsageError: the images have no labels, or too little is learned from them.
    """
    seen, labels = context.training.images.float() / 255, require_labels(context.training.labels)
    classifier = train_if_accurate(seen, labels, torch.Generator().manual_seed(0))
    if classifier is None:
        raise UsageError(f"no classifier learns from these: give more images, {SIZE}x{SIZE} and of {CLASSES} classes")
    return classifier


def sample_prior(networks: Autoencoder, count: int, seed: int = 0) -> Tensor:
    """``count`` draws (N, K + M) from the prior of the networks."""
    return sample_codes(networks.config, count, torch.Generator().manual_seed(seed))
