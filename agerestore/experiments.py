"""The experiments of the founding papers: each leaves one picture, NAME.png, and one file of figures, NAME.json.

They train what they need into a folder of runs and go on with what lies there, so that a killed experiment is repeated
for little. At full scale runs are as their presets say; else as short as `BRIEF` makes them, to see that a system
learns at all: their figures are no results.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from agerestore import checkpoint
from agerestore.classifier import SIZE, DigitClassifier, recognised, train_classifier
from agerestore.config import train_config
from agerestore.data import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluate import evaluate
from agerestore.latent import one_hot, sample, sample_codes
from agerestore.metrics import frechet_distance
from agerestore.monitor import CHUNK, latent_distance, reconstruction_psnr
from agerestore.networks import Autoencoder
from agerestore.sheet import contact_sheet
from agerestore.train import train

BRIEF = ("steps=1500", "settle.steps=200", "robust.steps=500", "network.width=16", "precision=fp32")
BRIEF_LINEAR = (*BRIEF[:-2], "network.width=256", "precision=fp32")
DAMAGES = ("noise:sigma=128:clip=1", "saltpepper:amount=0.3", "hole:size=14", "missing:fraction=0.5")
PLOT, REACH = 256, 4.5  # pixels a side of a scatter plot, and how far from the origin it shows


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


def run_experiment(name: str, setting: Setting, out: Path) -> Outcome:
    """Run one of `EXPERIMENTS`, and write OUT/NAME.png and OUT/NAME.json.

    Raises:
        UsageError: no such experiment, or pictures without labels.
    """
    if name not in EXPERIMENTS:
        raise UsageError(f"no experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}")
    if setting.training.labels is None or setting.test.labels is None:
        raise UsageError("experiments need labels: give MNIST as torchvision lays it out")
    outcome = EXPERIMENTS[name](setting)
    out.mkdir(parents=True, exist_ok=True)
    contact_sheet(outcome.rows, out / f"{name}.png")
    about = {"experiment": name, "full": setting.full, "settings": setting.settings, "figures": outcome.figures}
    checkpoint.write_atomic(out / f"{name}.json", (json.dumps(about, indent=1) + "\n").encode())
    return outcome


def _pair(model: checkpoint.LoadedModel) -> Autoencoder:
    assert isinstance(model.networks, Autoencoder)
    return model.networks


@torch.no_grad()
def _codes(networks: Autoencoder, images: ImageSet) -> Tensor:
    return torch.cat([networks.encode(part.float() / 255) for part in images.images.split(CHUNK)])


def _labels(images: ImageSet) -> Tensor:
    assert images.labels is not None
    return images.labels


def _classifier(setting: Setting) -> DigitClassifier:
    if setting.training.images.shape[2:] != (SIZE, SIZE):
        raise UsageError(f"the classifier sees pictures of {SIZE}x{SIZE}")
    seen = setting.training.images.float() / 255
    return train_classifier(seen, _labels(setting.training), torch.Generator().manual_seed(0))


def scatter(points: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Points (N, 2) in the colours of their labels (N,) on white; (1, 3, PLOT, PLOT) in [0, 1]."""
    hues = torch.arange(classes) / classes * 2 * torch.pi
    colours = 0.45 + 0.45 * torch.stack([(hues + shift * 2 * torch.pi / 3).cos() for shift in range(3)], 1)
    plot = torch.ones(3, PLOT, PLOT)
    x, y = ((points / REACH + 1) / 2 * (PLOT - 1)).round().long().clamp(0, PLOT - 1).unbind(1)
    plot[:, PLOT - 1 - y, x] = colours[labels].T
    return plot[None]


def aae_priors(setting: Setting) -> Outcome:
    """Codes of test pictures under three priors of the plane, as plots, and what was drawn from each beside them."""
    plots, figures = [], {}
    for prior in ("gaussian", "mixture", "swissroll"):
        networks = _pair(setting.model(f"aae-mnist-{prior}"))
        truth = setting.test.images.float() / 255
        drawn = sample_codes(networks.config, 2 * len(truth), torch.Generator().manual_seed(0))
        codes = _codes(networks, setting.test)
        plots.append(torch.cat([scatter(codes, _labels(setting.test)), scatter(drawn, torch.zeros(len(drawn)).long())]))
        figures[prior] = {"latent_distance": latent_distance(networks, truth, drawn),
                          "reconstruction_psnr": reconstruction_psnr(networks, truth)}  # fmt: skip
    return Outcome(plots, figures)


def aae_semi(setting: Setting) -> Outcome:
    """Error on test pictures with 100 and 1,000 labels; the sheet shows some that are taken for another class."""
    rows, figures = [], {}
    for count in (100, 1000):
        for seed in range(3 if setting.full else 1):
            networks = _pair(setting.model("aae-mnist-semi", f"labels={count}", f"seed={seed}"))
            found = _codes(networks, setting.test)[:, : networks.config.classes].argmax(1)
            wrong = found != _labels(setting.test)
            figures[f"{count} labels, seed {seed}"] = {"error": float(wrong.float().mean())}
        rows.append(setting.test.images[wrong][:16].float() / 255)
    return Outcome([row for row in rows if len(row)], figures)


def aae_clusters(setting: Setting) -> Outcome:
    """Error where each cluster is named after the class of the picture it is surest of; the sheet shows the heads."""
    rows, figures = [], {}
    for preset in ("aae-mnist-clusters", "aae-mnist-clusters-30"):
        networks = _pair(setting.model(preset))
        k = networks.config.classes
        sure = _codes(networks, setting.test)[:, :k]
        names = _labels(setting.test)[sure.argmax(0)]  # (K,)
        error = float((names[sure.argmax(1)] != _labels(setting.test)).float().mean())
        figures[preset] = {"error": error, "clusters": k}
        heads = torch.cat([torch.eye(k), torch.zeros(k, networks.config.latent_dim)], 1)
        rows.append(networks.generate(heads))
    return Outcome(rows, figures)


def aae_style(setting: Setting) -> Outcome:
    """Does the class follow the label at any style? Columns are labels, rows styles."""
    networks = _pair(setting.model("aae-mnist-supervised"))
    config, count = networks.config, 100
    styles = sample(count, config.latent_dim, torch.Generator().manual_seed(0), config.prior)
    labels = torch.arange(config.classes).repeat(count)
    codes = torch.cat([one_hot(labels, config.classes), styles.repeat_interleave(config.classes, 0)], 1)
    images = networks.generate(codes)
    share = recognised(_classifier(setting), images, labels)
    return Outcome(list(images[: 10 * config.classes].split(config.classes)), {"aae-supervised": {"follows": share}})


def systems(setting: Setting) -> Outcome:
    """All systems on the same networks: reconstruction, samples and restoration."""
    classifier, rows, figures = _classifier(setting), [], {}
    truth = setting.test.images.float() / 255
    rows.append(truth[:16])
    for name in ("age", "vae", "ali", "aae", "aaae", "dcgan"):
        model = setting.model(f"{name}-mnist")
        networks = _pair(model)
        codes = sample_codes(networks.config, 2000, torch.Generator().manual_seed(0))
        drawn = networks.generate(networks.codes_of(codes))
        figures[name] = {"frechet_of_our_classifier": _frechet(classifier, drawn, truth)}
        if networks.encoder is not None:
            rows.append(networks.generate(networks.encode(truth[:16])))
            figures[name]["reconstruction_psnr"] = reconstruction_psnr(networks, truth)
            for row in evaluate(model, setting.test, DAMAGES):
                if row.method == "agerestore":
                    figures[name][f"psnr {row.damage}"] = row.psnr
        rows.append(drawn[:16])
    return Outcome(rows, figures)


@torch.no_grad()
def _frechet(classifier: DigitClassifier, a: Tensor, b: Tensor) -> float:
    """Between the classifier's features of two sets: a distance of our own, not to be called FID."""
    return float(frechet_distance(classifier.features(a).double(), classifier.features(b[: len(a)]).double()))


EXPERIMENTS: dict[str, Callable[[Setting], Outcome]] = {
    "aae-priors": aae_priors,
    "aae-semi": aae_semi,
    "aae-clusters": aae_clusters,
    "aae-style": aae_style,
    "systems": systems,
}
