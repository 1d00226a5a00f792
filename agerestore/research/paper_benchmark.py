"""The measurements behind the claims of the AGE paper (section 3), for an encoder and a generator, in one call.

Reconstruction with the encoder for clean images, restoration with the robust one, moments of the codes e(g(z)), and
samples compared with images in the features of a small network of our own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluation.benchmark import benchmark_restoration
from agerestore.evaluation.rows import Row
from agerestore.metrics.autoencoder import CHUNK, moment_statistics
from agerestore.metrics.distribution import frechet_distance
from agerestore.metrics.features import Classifier, train_if_accurate
from agerestore.metrics.image import mean_psnr, quantize, ssim
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import one_hot, sample_codes
from agerestore.research.pretext import train_transformation_classifier
from agerestore.research.sample_quality import classifier_score, high_frequency_energy

SAMPLES = 2000  # at most; compared with as many images
CODES = 2000  # whose moments are computed


@dataclass(frozen=True)
class FeatureExtractor:
    """The network in whose features samples are compared with images.

    Attributes:
        name: part of the name of figures.
        features: images (N, C, S, S) in [0, 1] -> (N, D).
        classifier: of digits; None where images have no labels.
    """

    name: str
    features: Callable[[Tensor], Tensor]
    classifier: Classifier | None = None


@dataclass(frozen=True)
class Measurement(Row):
    """One thing that was measured, and its values by name: PSNR in dB, the others without a unit."""

    what: str
    values: dict[str, float]

    def figures(self) -> dict[str, Any]:
        """What was measured, and the values."""
        return {"what": self.what, **self.values}

    def __str__(self) -> str:
        return f"{self.what:28} " + "  ".join(f"{name} {value:.4g}" for name, value in self.values.items())


def feature_extractor(images: ImageSet) -> FeatureExtractor:
    """A network trained on clean images of 32 or 64 pixels: a classifier of digits, or one of transformations.

    With labels, a classifier is tried first, and taken if it is accurate on held-out images: from a few hundred images
    it learns nothing, and features that separate nothing make every distance small. Otherwise, or without labels, see
    `agerestore.research.pretext`.
    """
    generator, labels = torch.Generator().manual_seed(0), images.labels
    classifier = None if labels is None else train_if_accurate(images.images.float() / 255, labels, generator)
    if classifier is not None:
        return FeatureExtractor("our_classifier", classifier.features, classifier)
    return FeatureExtractor(
        "our_transformation_classifier", train_transformation_classifier(images.images, generator).features
    )


def degradations_for(config: AutoencoderConfig) -> tuple[str, ...]:
    """Degradations that are restored: stronger noise for digits; a hole of 3/8 of the side, 14 pixels for digits."""
    sigma, hole = (128, 14) if config.channels == 1 else (50, config.image_size * 3 // 8)
    return (f"noise:sigma={sigma}:clip=1", "saltpepper:amount=0.3", f"hole:size={hole}", "missing:fraction=0.5")


def paper_benchmark(
    model: Model,
    test: ImageSet,
    training: ImageSet,
    *,
    settings: RestoreSettings = DEFAULTS,
    seed: int = 0,
    report: Callable[[Measurement], None] = lambda measured: None,
) -> list[Measurement]:
    """Measure an unconditional encoder and generator.

    Args:
        model: an autoencoder.
        test: clean images of its size and channels.
        training: images that the feature extractor is trained on.
        settings: how the model restores.
        seed: of degradations and samples.
        report: called with each measurement as soon as it is done.

    Raises:
        UsageError: another kind of model, or fewer than four images.
    """
    networks = model.networks
    if not isinstance(networks, Autoencoder):
        raise UsageError(
            "the AGE paper's benchmark needs an encoder and a generator of one kind of images: choose another model"
        )
    if len(test) < 4:
        raise UsageError(f"{len(test)} images are too few to compare samples with; give four or more")
    found = []
    for measured in _measurements(model, networks, test, training, settings, seed):
        report(measured)
        found.append(measured)
    return found


def _measurements(
    model: Model, networks: Autoencoder, test: ImageSet, training: ImageSet, settings: RestoreSettings, seed: int
) -> Iterator[Measurement]:
    truth, config = test.images.float() / 255, networks.config
    generator = torch.Generator().manual_seed(seed)
    if networks.encoder is not None:
        yield Measurement("reconstruction", reconstruction_metrics(networks, truth))
        yield from _restoration(model, test, settings, seed)
        if config.prior == "sphere":
            yield Measurement("moments of e(g(Z))", moment_metrics(networks, generator))
    count = min(SAMPLES, len(truth) // 2)
    # Every other image, since a folder is often sorted by classes.
    extractor, shown, others = feature_extractor(training), truth[0::2][:count], truth[1::2][:count]
    yield Measurement("samples", sample_quality(extractor, draw_samples(networks, count, generator), shown))
    yield Measurement("other images", sample_quality(extractor, others, shown))


def _restoration(model: Model, test: ImageSet, settings: RestoreSettings, seed: int) -> Iterator[Measurement]:
    assert isinstance(model.networks, Autoencoder)
    specifications = degradations_for(model.networks.config)
    rows = benchmark_restoration(model, test, specifications, settings=settings, seed=seed)
    before = {row.degradation: row.psnr for row in rows if row.method == "input"}
    for row in rows:
        if row.method == "agerestore":
            hole = {} if row.hole_psnr is None else {"hole_psnr": row.hole_psnr}
            yield Measurement(
                row.degradation, {"psnr": row.psnr, "ssim": row.ssim, **hole, "psnr_before": before[row.degradation]}
            )


@torch.no_grad()
def reconstruction_metrics(networks: Autoencoder, truth: Tensor) -> dict[str, float]:
    """PSNR in dB, SSIM and `high_frequency_ratio` of g(e(x)) against x, with the encoder for clean images.

    Args:
        networks: in eval mode.
        truth: (N, C, S, S) in [0, 1].
    """
    again = torch.cat([networks.generate(networks.encode(part)) for part in truth.split(CHUNK)])
    return {
        "psnr": mean_psnr(quantize(again), truth),
        "ssim": float(ssim(quantize(again), truth).mean()),
        "high_frequency_ratio": high_frequency_ratio(again, truth),
    }


def moment_metrics(networks: Autoencoder, generator: torch.Generator) -> dict[str, float]:
    """Extremes of the moments of e(g(z)) on the sphere; see `agerestore.metrics.autoencoder.moment_statistics`."""
    moments = moment_statistics(networks, sample_codes(networks.config, CODES, generator))
    return {name: moments[name] for name in ("mean_max", "variance_min", "variance_max")}


@torch.no_grad()
def draw_samples(networks: Autoencoder, count: int, generator: torch.Generator) -> Tensor:
    """``count`` samples g(z), (N, C, S, S) in [0, 1]."""
    drawn = sample_codes(networks.config, count, generator)
    return torch.cat([networks.generate(networks.codes_of(part)) for part in drawn.split(CHUNK)])


@torch.no_grad()
def sample_quality(extractor: FeatureExtractor, drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """Fréchet distance of samples from images in learned features (not FID), and `high_frequency_ratio`.

    Of digits also `agerestore.research.sample_quality.classifier_score` and how many classes are drawn.

    Args:
        extractor: from `feature_extractor`.
        drawn: samples (N, C, S, S) in [0, 1].
        truth: images (M, C, S, S) in [0, 1].
    """
    features = (torch.cat([extractor.features(part) for part in each.split(CHUNK)]).double() for each in (drawn, truth))
    figures = {f"frechet_of_{extractor.name}": float(frechet_distance(*features))}
    if extractor.classifier is not None:
        found = extractor.classifier(drawn).softmax(1)
        shares = one_hot(found.argmax(1), found.shape[1]).mean(0)
        figures |= {
            "classifier_score": classifier_score(found),
            "classes_drawn": int((shares > 0.1 / len(shares)).sum()),  # each at least a tenth of its fair share
        }
    return figures | {"high_frequency_ratio": high_frequency_ratio(drawn, truth)}


def high_frequency_ratio(images: Tensor, truth: Tensor) -> float:
    """Mean high-frequency energy of images over that of real ones, all (N, C, H, W): below 1 where they are blurred."""
    return float(high_frequency_energy(images).mean() / high_frequency_energy(truth).mean().clamp_min(1e-12))
