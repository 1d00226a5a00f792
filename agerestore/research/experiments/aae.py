"""The experiments of the paper on adversarial autoencoders, and AAAE's codes beside them; all on MNIST."""

from collections.abc import Sequence
from itertools import cycle

import torch
from torch import Tensor

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet, split_validation
from agerestore.losses.base import labels_of
from agerestore.metrics.distribution import parzen_log_likelihood, parzen_sigma, sliced_wasserstein
from agerestore.metrics.features import CLASSES, accuracy
from agerestore.metrics.validation import CHUNK, reconstruction_psnr
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import component_of, one_hot, sample_latents
from agerestore.models.layers.dcgan import Generator
from agerestore.research.experiments.context import (
    Context,
    ExperimentResult,
    autoencoder_of,
    codes_of,
    digit_classifier,
    sample_prior,
)

MEANS = 10  # pairs of sets over which a distance is a mean
PLOT, REACH = 256, 4.5  # pixels a side of a scatter plot, and how far from the origin it shows


def scatter(points: Tensor, labels: Tensor) -> Tensor:
    """Points (N, 2) in the colors of their labels (N,) on white; (1, 3, PLOT, PLOT) in [0, 1]."""
    hues = torch.arange(CLASSES) / CLASSES * 2 * torch.pi
    colors = 0.45 + 0.45 * torch.stack([(hues + shift * 2 * torch.pi / 3).cos() for shift in range(3)], 1)
    plot = torch.ones(3, PLOT, PLOT)
    x, y = ((points / REACH + 1) / 2 * (PLOT - 1)).round().long().clamp(0, PLOT - 1).unbind(1)
    plot[:, PLOT - 1 - y, x] = colors[labels].T
    return plot[None]


def aae_priors(context: Context) -> ExperimentResult:
    """Codes of test pictures in the plane, as plots, and what is drawn in their place beside them.

    An AAE under three priors, and AAAE, whose latent generator goes after the codes. Test digits are by other hands
    than training digits, and their codes show it: how far those are apart is said beside how far each is from draws.
    """
    plots, figures = [], {}
    truth = context.test.images.float() / 255
    step = max(1, len(truth) // 1000)
    for preset in ("aae-mnist-gaussian", "aae-mnist-mixture", "aae-mnist-swissroll", "aaae-mnist-plane"):
        model = context.model(preset)
        networks = autoencoder_of(model)
        of_test, of_seen = codes_of(networks, context.test), _sets_of_seen(model, context)
        thousands = [of_test[start::step] for start in range(step)]
        drawn = sample_prior(networks, 2 * len(truth))
        with torch.no_grad():
            places = torch.cat([of_test, networks.codes_of(drawn)])
        if preset.startswith("aaae"):
            places *= REACH / places.abs().max()  # nothing holds those codes to a size
        codes, made = places.split([len(truth), len(drawn)])
        plots.append(
            torch.cat([scatter(codes, labels_of(context.test.labels)), scatter(made, torch.zeros(len(made)).long())])
        )
        figures[preset] = {"latent_distance": _distance(networks, [of_test]),
                           "latent_distance of 1000": _distance(networks, thousands),
                           "latent_distance of training digits": _distance(networks, of_seen),
                           "latent_distance between them": _distance(networks, [of_test[: len(of_seen[0])]], of_seen),
                           "reconstruction_psnr": reconstruction_psnr(networks, truth)}  # fmt: skip
    return ExperimentResult(plots, figures)


def _sets_of_seen(model: Model, context: Context) -> list[Tensor]:
    """Codes of `MEANS` random sets of the pictures that a model was trained on, each as large as the test set."""
    seen, _ = split_validation(context.training, model.header["training"]["validation"])
    assert isinstance(seen, ImageSet)
    codes = codes_of(autoencoder_of(model), seen)
    orders = (torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed)) for seed in range(MEANS))
    return [codes[order[: len(context.test)]] for order in orders]


def _distance(networks: Autoencoder, sets: Sequence[Tensor], others: Sequence[Tensor] = ()) -> float:
    """Sliced Wasserstein distance of codes (N, M) from draws, or from others, over that of two sets of N draws.

    Both are means of `MEANS`, over the sets of codes in turn: one pair of draws may be twice as far apart as another.
    """
    of_codes = of_draws = 0.0
    for seed, codes in zip(range(MEANS), cycle(sets), strict=False):
        one, two = networks.codes_of(sample_prior(networks, 2 * len(codes), seed)).chunk(2)
        of_codes += sliced_wasserstein(codes, others[seed] if others else one)
        of_draws += sliced_wasserstein(one, two)
    return of_codes / max(of_draws, 1e-12)


def aae_labels(context: Context) -> ExperimentResult:
    """Codes under a mixture whose critic is told some labels: the share of test codes in their own component.

    Beside it that of draws from the prior, in which neighbors overlap a little.
    """
    preset = "aae-mnist-labels"
    networks, truth = autoencoder_of(context.model(preset)), context.test
    codes, labels = codes_of(networks, truth), labels_of(truth.labels)
    drawn = sample_latents(len(codes), 2, torch.Generator().manual_seed(0), networks.config.prior, labels)
    shares = {"own_component": codes, "own_component of draws": drawn}
    figures = {name: float((component_of(points) == labels).float().mean()) for name, points in shares.items()}
    figures["latent_distance"] = _distance(networks, [codes])
    return ExperimentResult([torch.cat([scatter(codes, labels), scatter(drawn, labels)])], {preset: figures})


def aae_likelihood(context: Context) -> ExperimentResult:
    """Log-likelihood of test digits under a Parzen window on 10,000 draws, as the AAE paper measures it (section 2.2).

    Its deviation is chosen on digits held out of training. Pictures are the 28x28 pixels that MNIST has, in [0, 1].
    Beside it a window on training digits themselves, and what was published. The sheet shows draws.
    """
    preset, count = "aae-mnist-likelihood", 10_000 if context.full else 500
    model = context.model(preset)
    networks = autoencoder_of(model)
    training, held_out = split_validation(context.training, model.header["training"]["validation"])
    assert isinstance(training, ImageSet)
    assert isinstance(held_out, ImageSet)
    with torch.no_grad():
        drawn = torch.cat([networks.generate(part) for part in sample_prior(networks, count).split(CHUNK)])
    windows = {preset: drawn, "training digits": training.images[:count].float() / 255}
    held_out = held_out.take(torch.arange(min(1000, len(held_out))))
    figures = {name: _likelihood(window, held_out, context.test) for name, window in windows.items()}
    figures["published: AAE"] = {"log_likelihood": 340, "standard_error": 2}
    return ExperimentResult([drawn[:16], drawn[16:32]], figures)


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


def aae_semi(context: Context, labels: int) -> ExperimentResult:
    """Error on test pictures where few labels are known, of three seeds; the sheet shows some mistakes of the last."""
    figures = {}
    for seed in range(context.seed, context.seed + (3 if context.full else 1)):
        networks = autoencoder_of(context.model("aae-mnist-semi", f"labels={labels}", f"seed={seed}"))
        wrong = _wrong(networks, context.test)
        figures[f"{labels} labels, seed {seed}"] = {"error": float(wrong.float().mean())}
    return ExperimentResult([context.test.images[wrong][:16].float() / 255], figures)


def _wrong(networks: Autoencoder, test: ImageSet) -> Tensor:
    """(N,) bool: pictures that the encoder takes for another class."""
    return codes_of(networks, test)[:, : networks.config.classes].argmax(1) != labels_of(test.labels)


def aae_clusters(context: Context, preset: str) -> ExperimentResult:
    """Error where each cluster is named after the class of the picture it is surest of; the sheet shows the heads."""
    networks = autoencoder_of(context.model(preset))
    k = networks.config.classes
    heads = torch.cat([torch.eye(k), torch.zeros(k, networks.config.latent_dim)], 1)
    return ExperimentResult(
        [networks.generate(heads)], {preset: {"error": _error_of_clusters(networks, context.test), "clusters": k}}
    )


def _error_of_clusters(networks: Autoencoder, test: ImageSet) -> float:
    """Share of pictures in a cluster that is named after another class than theirs."""
    sure = codes_of(networks, test)[:, : networks.config.classes]
    names = labels_of(test.labels)[sure.argmax(0)]  # (K,)
    return float((names[sure.argmax(1)] != labels_of(test.labels)).float().mean())


def aae_reduction(context: Context, preset: str) -> ExperimentResult:
    """Pictures as places in the plane, in the colors of their class, and the error of the classes found."""
    networks = autoencoder_of(context.model(preset))
    assert isinstance(networks.generator, Generator)
    with torch.no_grad():
        places = networks.generator.represent(codes_of(networks, context.test))
    if train_config(preset).needs_labels:
        error = float(_wrong(networks, context.test).float().mean())
    else:
        error = _error_of_clusters(networks, context.test)
    plot = scatter(places * (REACH / places.abs().max()), labels_of(context.test.labels))
    return ExperimentResult([plot], {preset: {"error": error}})


def aae_style(context: Context) -> ExperimentResult:
    """Does the class follow the label at any style? Columns are labels, rows styles."""
    networks = autoencoder_of(context.model("aae-mnist-supervised"))
    config, count = networks.config, 100
    styles = sample_latents(count, config.latent_dim, torch.Generator().manual_seed(0), config.prior)
    labels = torch.arange(config.classes).repeat(count)
    codes = torch.cat([one_hot(labels, config.classes), styles.repeat_interleave(config.classes, 0)], 1)
    images = networks.generate(codes)
    share = accuracy(digit_classifier(context), images, labels)
    return ExperimentResult(
        list(images[: 10 * config.classes].split(config.classes)), {"aae-supervised": {"follows": share}}
    )
