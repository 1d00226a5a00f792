"""The experiments of the founding papers: each leaves one picture, NAME.png, and one file of figures, NAME.json.

They train what they need into a folder of runs and go on with what lies there, so that a killed experiment is repeated
for little. At full scale runs are as their presets say, but those of ``systems`` as small as `EQUAL` makes all of them;
else as short as `BRIEF` makes them, to see that a system learns at all: their figures are no results.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from agerestore import checkpoint
from agerestore.budget import flops_per_iteration, seconds_per_iteration
from agerestore.classifier import SIZE, DigitClassifier, recognised, train_classifier
from agerestore.config import TrainConfig, parse, train_config
from agerestore.data import ImageSet, split_validation
from agerestore.errors import UsageError
from agerestore.evaluate import evaluate
from agerestore.latent import component_of, one_hot, sample, sample_codes
from agerestore.metrics import (
    class_score,
    frechet_distance,
    parzen_log_likelihood,
    parzen_sigma,
    psnr,
    quantize,
    ssim,
)
from agerestore.monitor import CHUNK, latent_distance, reconstruction_psnr
from agerestore.networks import Autoencoder, Generator
from agerestore.sheet import contact_sheet
from agerestore.train import train

BRIEF = ("steps=300", "settle.steps=50", "robust.steps=100", "network.width=8")
BRIEF_LINEAR = (*BRIEF[:-1], "network.width=256")
EQUAL = ("network.width=8", "steps=1000", "settle.steps=0", "robust.steps=400")  # what each system is given alike
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
    """Codes of test pictures in the plane, as plots, and what is drawn in their place beside them.

    An AAE under three priors, and AAAE, whose latent generator goes after the codes.
    """
    plots, figures = [], {}
    truth = setting.test.images.float() / 255
    for preset in ("aae-mnist-gaussian", "aae-mnist-mixture", "aae-mnist-swissroll", "aaae-mnist-plane"):
        networks = _pair(setting.model(preset))
        drawn = _drawn(networks, 2 * len(truth))
        with torch.no_grad():
            places = torch.cat([_codes(networks, setting.test), networks.codes_of(drawn)])
        if preset.startswith("aaae"):
            places *= REACH / places.abs().max()  # nothing holds those codes to a size
        codes, made = places.split([len(truth), len(drawn)])
        plots.append(torch.cat([scatter(codes, _labels(setting.test)), scatter(made, torch.zeros(len(made)).long())]))
        figures[preset] = {"latent_distance": _mean_distance(networks, truth),
                           "latent_distance of 1000": _mean_distance(networks, truth[:: max(1, len(truth) // 1000)]),
                           "reconstruction_psnr": reconstruction_psnr(networks, truth)}  # fmt: skip
    return Outcome(plots, figures)


def _mean_distance(networks: Autoencoder, truth: Tensor) -> float:
    """`latent_distance`, the mean of ten: a single pair of draws may be twice as far apart as another."""
    distances = [latent_distance(networks, truth, _drawn(networks, 2 * len(truth), seed)) for seed in range(10)]
    return sum(distances) / len(distances)


def _drawn(networks: Autoencoder, count: int, seed: int = 0) -> Tensor:
    """Draws (N, K + M) from the prior."""
    return sample_codes(networks.config, count, torch.Generator().manual_seed(seed))


def aae_labels(setting: Setting) -> Outcome:
    """Codes under a mixture whose critic is told some labels: the share of test codes in their own component.

    Beside it that of draws from the prior, in which neighbours overlap a little.
    """
    preset = "aae-mnist-labels"
    networks, truth = _pair(setting.model(preset)), setting.test
    codes, labels = _codes(networks, truth), _labels(truth)
    drawn = sample(len(codes), 2, torch.Generator().manual_seed(0), networks.config.prior, labels)
    shares = {"own_component": codes, "own_component of draws": drawn}
    figures = {name: float((component_of(points) == labels).float().mean()) for name, points in shares.items()}
    figures["latent_distance"] = _mean_distance(networks, truth.images.float() / 255)
    return Outcome([torch.cat([scatter(codes, labels), scatter(drawn, labels)])], {preset: figures})


def aae_likelihood(setting: Setting) -> Outcome:
    """Log-likelihood of test digits under a Parzen window on 10,000 draws, as the AAE paper measures it (section 2.2).

    Its deviation is chosen on digits held out of training. Pictures are the 28x28 pixels that MNIST has, in [0, 1].
    Beside it a window on training digits themselves, and what was published. The sheet shows draws.
    """
    preset, count = "aae-mnist-likelihood", 10_000 if setting.full else 500
    model = setting.model(preset)
    networks = _pair(model)
    training, held_out = split_validation(setting.training, model.header["training"]["validation"])
    assert isinstance(training, ImageSet)
    assert isinstance(held_out, ImageSet)
    with torch.no_grad():
        drawn = torch.cat([networks.generate(part) for part in _drawn(networks, count).split(CHUNK)])
    windows = {preset: drawn, "training digits": training.images[:count].float() / 255}
    held_out = held_out.take(torch.arange(min(1000, len(held_out))))
    figures = {name: _likelihood(window, held_out, setting.test) for name, window in windows.items()}
    figures["published: AAE"] = {"log_likelihood": 340, "standard_error": 2}
    return Outcome([drawn[:16], drawn[16:32]], figures)


def _likelihood(window: Tensor, held_out: ImageSet, test: ImageSet) -> dict[str, float]:
    """Mean over test pictures in nats, its standard error, and the deviation of the window."""
    samples, chosen_on, measured = (
        _pixels(pictures) for pictures in (window, held_out.images.float() / 255, test.images.float() / 255)
    )
    sigma = parzen_sigma(chosen_on, samples, [2 ** (power / 4) for power in range(-16, -3)])  # 0.06 to 0.5
    values = parzen_log_likelihood(measured, samples, sigma)
    return {"log_likelihood": float(values.mean()), "standard_error": float(values.std() / len(values) ** 0.5),
            "sigma": sigma}  # fmt: skip


def _pixels(pictures: Tensor) -> Tensor:
    """(N, 784): the digits (N, 1, 32, 32) without the frame that was padded around them."""
    return pictures[:, :, 2:-2, 2:-2].flatten(1)


def aae_semi(setting: Setting, labels: int) -> Outcome:
    """Error on test pictures where few labels are known, of three seeds; the sheet shows some mistakes of the last."""
    figures = {}
    for seed in range(3 if setting.full else 1):
        networks = _pair(setting.model("aae-mnist-semi", f"labels={labels}", f"seed={seed}"))
        wrong = _wrong(networks, setting.test)
        figures[f"{labels} labels, seed {seed}"] = {"error": float(wrong.float().mean())}
    return Outcome([setting.test.images[wrong][:16].float() / 255], figures)


def _wrong(networks: Autoencoder, test: ImageSet) -> Tensor:
    """(N,) bool: pictures that the encoder takes for another class."""
    return _codes(networks, test)[:, : networks.config.classes].argmax(1) != _labels(test)


def aae_clusters(setting: Setting, preset: str) -> Outcome:
    """Error where each cluster is named after the class of the picture it is surest of; the sheet shows the heads."""
    networks = _pair(setting.model(preset))
    k = networks.config.classes
    heads = torch.cat([torch.eye(k), torch.zeros(k, networks.config.latent_dim)], 1)
    return Outcome(
        [networks.generate(heads)], {preset: {"error": _error_of_clusters(networks, setting.test), "clusters": k}}
    )


def _error_of_clusters(networks: Autoencoder, test: ImageSet) -> float:
    """Share of pictures in a cluster that is named after another class than theirs."""
    sure = _codes(networks, test)[:, : networks.config.classes]
    names = _labels(test)[sure.argmax(0)]  # (K,)
    return float((names[sure.argmax(1)] != _labels(test)).float().mean())


def aae_reduction(setting: Setting, preset: str) -> Outcome:
    """Pictures as places in the plane, in the colours of their class, and the error of the classes found."""
    networks = _pair(setting.model(preset))
    assert isinstance(networks.generator, Generator)
    with torch.no_grad():
        places = networks.generator.represent(_codes(networks, setting.test))
    if train_config(preset).needs_labels:
        error = float(_wrong(networks, setting.test).float().mean())
    else:
        error = _error_of_clusters(networks, setting.test)
    plot = scatter(places * (REACH / places.abs().max()), _labels(setting.test))
    return Outcome([plot], {preset: {"error": error}})


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
    """All systems on the same networks and as many pictures: reconstruction, samples, restoration and what it costs."""
    classifier, rows = _classifier(setting), []
    truth = setting.test.images.float() / 255
    rows.append(truth[:16])
    count = min(2000, len(truth) // 2)
    figures = {"test pictures": _of_samples(classifier, truth[count : 2 * count], truth)}
    for name in ("age", "vae", "ali", "aae", "aaae", "dcgan"):
        model = setting.model(f"{name}-mnist", *(EQUAL if setting.full else ()))
        networks = _pair(model)
        with torch.no_grad():
            drawn = networks.generate(networks.codes_of(_drawn(networks, count)))
        config = parse(TrainConfig, model.header["training"], name)
        figures[name] = _of_samples(classifier, drawn, truth) | _cost(config)
        if networks.encoder is not None:
            rows.append(networks.generate(networks.encode(truth[:16])))
            figures[name] |= {"latent_distance": latent_distance(networks, truth, _drawn(networks, 2 * len(truth)))}
            figures[name] |= _of_encoder(model, setting.test)
        rows.append(drawn[:16])
    return Outcome(rows, figures)


@torch.no_grad()
def _of_samples(classifier: DigitClassifier, drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """In our own classifier's eyes, not to be called FID and Inception score: distance, score, and classes drawn."""
    found = classifier(drawn).softmax(1)
    shares = one_hot(found.argmax(1), found.shape[1]).mean(0)
    return {
        "frechet_of_our_classifier": float(
            frechet_distance(classifier.features(drawn).double(), classifier.features(truth[: len(drawn)]).double())
        ),
        "class_score": class_score(found),
        "classes_drawn": int((shares > 0.1 / len(shares)).sum()),  # each at least a tenth of its fair share
    }


@torch.no_grad()
def _of_encoder(model: checkpoint.LoadedModel, test: ImageSet) -> dict[str, float]:
    """Reconstruction of clean pictures, and PSNR in dB of restored ones under each of `DAMAGES`."""
    networks, truth = _pair(model), test.images.float() / 255
    again = torch.cat([networks.generate(networks.encode(part)) for part in truth.split(CHUNK)])
    figures = {"reconstruction_psnr": float(psnr(quantize(again), truth).mean()),
               "reconstruction_ssim": float(ssim(quantize(again), truth).mean())}  # fmt: skip
    rows = (row for row in evaluate(model, test, DAMAGES) if row.method == "agerestore")
    return figures | {f"psnr {row.damage}": row.psnr for row in rows}


def _cost(config: TrainConfig) -> dict[str, float]:
    """Of the game: operations of one picture, counted, and seconds of a thousand here, the least of five tries."""
    seconds = min(seconds_per_iteration(config)["game"] for _ in range(5))
    return {"gigaflop_per_picture": flops_per_iteration(config)["game"] / config.batch_size / 1e9,
            "seconds_per_thousand": 1000 * seconds / config.batch_size}  # fmt: skip


EXPERIMENTS: dict[str, Callable[[Setting], Outcome]] = {
    "aae-priors": aae_priors,
    "aae-labels": aae_labels,
    "aae-likelihood": aae_likelihood,
    "aae-semi": partial(aae_semi, labels=1000),
    "aae-semi-100": partial(aae_semi, labels=100),
    "aae-clusters": partial(aae_clusters, preset="aae-mnist-clusters"),
    "aae-clusters-30": partial(aae_clusters, preset="aae-mnist-clusters-30"),
    "aae-reduction": partial(aae_reduction, preset="aae-mnist-reduction"),
    "aae-reduction-labels": partial(aae_reduction, preset="aae-mnist-reduction-labels"),
    "aae-style": aae_style,
    "systems": systems,
}
