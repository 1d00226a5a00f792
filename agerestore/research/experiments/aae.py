"""Experiments of the AAE paper (Makhzani et al., 2015), and the codes of AAAE in comparison; all on MNIST."""

from collections.abc import Sequence
from itertools import cycle

import torch
from torch import Tensor

from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet, split_validation
from agerestore.losses.base import require_labels
from agerestore.metrics.autoencoder import CHUNK, reconstruction_psnr
from agerestore.metrics.distribution import sliced_wasserstein
from agerestore.metrics.features import CLASSES, accuracy
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import one_hot, sample_latents
from agerestore.models.layers.dcgan import Generator
from agerestore.research.experiments.context import (
    Context,
    ExperimentResult,
    autoencoder_of,
    codes_of,
    digit_classifier,
    sample_prior,
)
from agerestore.research.parzen import parzen_log_likelihood, parzen_sigma
from agerestore.research.priors import component_of

REPEATS = 10  # pairs of sets over which a distance is averaged
PLOT_SIZE, PLOT_RANGE = 256, 4.5  # of a scatter plot: side in pixels, and the largest coordinate it shows


def scatter(points: Tensor, labels: Tensor) -> Tensor:
    """Scatter plot of points (N, 2), colored by their labels (N,), on white: (1, 3, H, W) in [0, 1]."""
    hues = torch.arange(CLASSES) / CLASSES * 2 * torch.pi
    colors = 0.45 + 0.45 * torch.stack([(hues + shift * 2 * torch.pi / 3).cos() for shift in range(3)], 1)
    plot = torch.ones(3, PLOT_SIZE, PLOT_SIZE)
    x, y = ((points / PLOT_RANGE + 1) / 2 * (PLOT_SIZE - 1)).round().long().clamp(0, PLOT_SIZE - 1).unbind(1)
    plot[:, PLOT_SIZE - 1 - y, x] = colors[labels].T
    return plot[None]


def aae_priors(context: Context) -> ExperimentResult:
    """How close codes in the plane come to the prior: AAE under three priors, and AAAE's latent generator.

    The contact sheet plots codes of test digits and, below, draws. Figures are ratios of sliced Wasserstein distances,
    1 where codes cannot be told from draws. Other people wrote the test digits than the training digits, so the
    distance between those two is measured as well.
    """
    plots, figures = [], {}
    truth = context.test.images.float() / 255
    step = max(1, len(truth) // 1000)
    for preset in ("aae-mnist-gaussian", "aae-mnist-mixture", "aae-mnist-swissroll", "aaae-mnist-plane"):
        model = context.model(preset)
        networks = autoencoder_of(model)
        of_test, of_training = codes_of(networks, context.test), _training_code_sets(model, context)
        thousands = [of_test[start::step] for start in range(step)]
        drawn = sample_prior(networks, 2 * len(truth))
        with torch.no_grad():
            points = torch.cat([of_test, networks.codes_of(drawn)])
        if preset.startswith("aaae"):
            points *= PLOT_RANGE / points.abs().max()  # AAAE does not bound its codes
        codes, generated = points.split([len(truth), len(drawn)])
        one_color = torch.zeros(len(generated), dtype=torch.int64)
        plots.append(torch.cat([scatter(codes, require_labels(context.test.labels)), scatter(generated, one_color)]))
        figures[preset] = {"latent_distance": _distance(networks, [of_test]),
                           "latent_distance of 1000": _distance(networks, thousands),
                           "latent_distance of training digits": _distance(networks, of_training),
                           "latent_distance between them": _distance(
                               networks, [of_test[: len(of_training[0])]], of_training),
                           "reconstruction_psnr": reconstruction_psnr(networks, truth)}  # fmt: skip
    return ExperimentResult(plots, figures)


def _training_code_sets(model: Model, context: Context) -> list[Tensor]:
    """Codes of `REPEATS` random sets of training images, each as large as the test set."""
    trained_on, _ = split_validation(context.training, model.header["training"]["validation"])
    assert isinstance(trained_on, ImageSet)
    codes = codes_of(autoencoder_of(model), trained_on)
    orders = (torch.randperm(len(trained_on), generator=torch.Generator().manual_seed(seed)) for seed in range(REPEATS))
    return [codes[order[: len(context.test)]] for order in orders]


def _distance(networks: Autoencoder, sets: Sequence[Tensor], others: Sequence[Tensor] = ()) -> float:
    """Ratio of sliced Wasserstein distances: codes from draws, or from other codes, over two sets of draws.

    Both are sums over `REPEATS` pairs, since one pair of draws may be twice as far apart as another.

    Args:
        networks: whose prior is drawn from.
        sets: codes (N, M), taken in turn.
        others: codes to compare with, as many sets; draws if empty.
    """
    of_codes = of_draws = 0.0
    for seed, codes in zip(range(REPEATS), cycle(sets), strict=False):
        one, two = networks.codes_of(sample_prior(networks, 2 * len(codes), seed)).chunk(2)
        of_codes += sliced_wasserstein(codes, others[seed] if others else one)
        of_draws += sliced_wasserstein(one, two)
    return of_codes / max(of_draws, 1e-12)


def aae_labels(context: Context) -> ExperimentResult:
    """Share of test codes in the mixture component of their class, where the critic is conditioned on labels.

    The share of draws from the prior is the bound: neighboring components overlap a little.
    """
    preset = "aae-mnist-labels"
    networks, truth = autoencoder_of(context.model(preset)), context.test
    codes, labels = codes_of(networks, truth), require_labels(truth.labels)
    drawn = sample_latents(len(codes), 2, torch.Generator().manual_seed(0), networks.config.prior, labels)
    shares = {"own_component": codes, "own_component of draws": drawn}
    figures = {name: float((component_of(points) == labels).float().mean()) for name, points in shares.items()}
    figures["latent_distance"] = _distance(networks, [codes])
    return ExperimentResult([torch.cat([scatter(codes, labels), scatter(drawn, labels)])], {preset: figures})


def aae_likelihood(context: Context) -> ExperimentResult:
    """Parzen log-likelihood of test digits under 10,000 samples (AAE paper, section 2.2).

    Images are the 28x28 pixels of MNIST in [0, 1]; sigma is chosen on held-out training digits. In comparison: a window
    on training digits in place of samples, and the published figure. The contact sheet shows samples.
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
    """Mean Parzen log-likelihood of test images in nats, its standard error, and the sigma chosen."""
    samples, chosen_on, measured = (
        _pixels(images) for images in (window, held_out.images.float() / 255, test.images.float() / 255)
    )
    sigma = parzen_sigma(chosen_on, samples, [2 ** (power / 4) for power in range(-16, -3)])  # 0.06 to 0.5
    values = parzen_log_likelihood(measured, samples, sigma)
    return {"log_likelihood": float(values.mean()), "standard_error": float(values.std() / len(values) ** 0.5),
            "sigma": sigma}  # fmt: skip


def _pixels(images: Tensor) -> Tensor:
    """Digits (N, 1, 32, 32) without their padding, as vectors (N, 784)."""
    return images[:, :, 2:-2, 2:-2].flatten(1)


def aae_semi(context: Context, labels: int) -> ExperimentResult:
    """Classification error on test images with few labels, for three seeds; the sheet shows errors of the last."""
    figures = {}
    for seed in range(context.seed, context.seed + (3 if context.full else 1)):
        networks = autoencoder_of(context.model("aae-mnist-semi", f"labels={labels}", f"seed={seed}"))
        wrong = _wrong(networks, context.test)
        figures[f"{labels} labels, seed {seed}"] = {"error": float(wrong.float().mean())}
    return ExperimentResult([context.test.images[wrong][:16].float() / 255], figures)


def _wrong(networks: Autoencoder, test: ImageSet) -> Tensor:
    """(N,) bool: images that the encoder puts into another class."""
    return codes_of(networks, test)[:, : networks.config.classes].argmax(1) != require_labels(test.labels)


def aae_clusters(context: Context, preset: str) -> ExperimentResult:
    """Clustering error, each cluster labeled by its most confident image; the sheet shows cluster centers."""
    networks = autoencoder_of(context.model(preset))
    k = networks.config.classes
    centers = torch.cat([torch.eye(k), torch.zeros(k, networks.config.latent_dim)], 1)
    return ExperimentResult(
        [networks.generate(centers)], {preset: {"error": _clustering_error(networks, context.test), "clusters": k}}
    )


def _clustering_error(networks: Autoencoder, test: ImageSet) -> float:
    """Share of images whose cluster has another label; the most confident image of a cluster gives it its label."""
    confidence = codes_of(networks, test)[:, : networks.config.classes]
    labels = require_labels(test.labels)
    cluster_labels = labels[confidence.argmax(0)]  # (K,)
    return float((cluster_labels[confidence.argmax(1)] != labels).float().mean())


def aae_reduction(context: Context, preset: str) -> ExperimentResult:
    """Test images embedded in the plane, colored by class, and the error of the classes found."""
    networks = autoencoder_of(context.model(preset))
    assert isinstance(networks.generator, Generator)
    with torch.no_grad():
        embedded = networks.generator.represent(codes_of(networks, context.test))
    if train_config(preset).needs_labels:
        error = float(_wrong(networks, context.test).float().mean())
    else:
        error = _clustering_error(networks, context.test)
    plot = scatter(embedded * (PLOT_RANGE / embedded.abs().max()), require_labels(context.test.labels))
    return ExperimentResult([plot], {preset: {"error": error}})


def aae_style(context: Context) -> ExperimentResult:
    """Share of samples whose class is the label given to the decoder; columns of the sheet are labels, rows styles."""
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
