"""All that the claims of the AGE paper ask of an encoder and a generator, measured in one go.

Reconstruction with the encoder for clean pictures, restoration with the robust one, the moments of e(g(Z)), and
samples in the eyes of a small network of our own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.data.datasets import ImageSet
from agerestore.errors import UsageError
from agerestore.evaluation.benchmark import evaluate
from agerestore.metrics.distribution import classifier_score, frechet_distance
from agerestore.metrics.features import Classifier, train_if_accurate
from agerestore.metrics.image import high_frequency_energy, mean_psnr, quantize, ssim
from agerestore.metrics.validation import CHUNK, moment_statistics
from agerestore.models.age import Autoencoder
from agerestore.models.base import Model
from agerestore.models.latent import one_hot, sample_codes
from agerestore.research.pretext import train_transformation_classifier

SAMPLES = 2000  # at most; as many pictures are compared with them
CODES = 2000  # whose moments are taken


@dataclass(frozen=True)
class FeatureExtractor:
    """In whose eyes samples are compared with pictures.

    Attributes:
        name: of the network, as figures call it.
        features: pictures (N, C, S, S) in [0, 1] -> (N, D).
        classifier: tells digits; None where pictures have no labels.
    """

    name: str
    features: Callable[[Tensor], Tensor]
    classifier: Classifier | None = None


@dataclass(frozen=True)
class Measurement:
    """One thing that was measured, and its figures by name: PSNR in dB, the rest without a unit."""

    what: str
    figures: dict[str, float]


def feature_extractor(pictures: ImageSet) -> FeatureExtractor:
    """A network trained on clean pictures of 32 or 64 pixels: a classifier of digits, or one of tampering.

    A classifier is tried first where there are labels, and believed if it knows the pictures it learned from. From a
    few hundred it learns nothing, and features that tell nothing apart make every distance small.
    """
    generator, labels = torch.Generator().manual_seed(0), pictures.labels
    classifier = None if labels is None else train_if_accurate(pictures.images.float() / 255, labels, generator)
    if classifier is not None:
        return FeatureExtractor("our_classifier", classifier.features, classifier)
    return FeatureExtractor(
        "our_transformation_classifier", train_transformation_classifier(pictures.images, generator).features
    )


def degradations_for(config: AutoencoderConfig) -> tuple[str, ...]:
    """What is restored: digits suffer stronger noise; a hole takes three eighths of a side, of digits 14 pixels."""
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
    """Measure an unconditional pair.

    Args:
        model: what is measured.
        test: clean pictures of its size and channels.
        training: pictures that the judge of samples learns from.
        settings: how the model restores; see `agerestore.inference.restoration.restore_observation`.
        seed: of damage and draws.
        report: told each as it is ready.

    Raises:
        UsageError: a model of photographs or of colors, or fewer than four pictures.
    """
    networks = model.networks
    if not isinstance(networks, Autoencoder):
        raise UsageError("the suite of the AGE paper is for an encoder and a generator of one kind of pictures")
    if len(test) < 4:
        raise UsageError(f"{len(test)} pictures are too few to compare samples with; give four or more")
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
        yield from _of_restoration(model, test, settings, seed)
        if config.prior == "sphere":
            yield Measurement("moments of e(g(Z))", moment_metrics(networks, generator))
    count = min(SAMPLES, len(truth) // 2)
    # Every other picture, since a folder often goes by classes.
    judge, shown, others = feature_extractor(training), truth[0::2][:count], truth[1::2][:count]
    yield Measurement("samples", sample_metrics(judge, draw_samples(networks, count, generator), shown))
    yield Measurement("other pictures", sample_metrics(judge, others, shown))


def _of_restoration(model: Model, test: ImageSet, settings: RestoreSettings, seed: int) -> Iterator[Measurement]:
    assert isinstance(model.networks, Autoencoder)
    damages = degradations_for(model.networks.config)
    rows = evaluate(model, test, damages, settings=settings, seed=seed)
    damaged = {row.damage: row.psnr for row in rows if row.method == "input"}
    for row in rows:
        if row.method == "agerestore":
            hole = {} if row.hole_psnr is None else {"hole_psnr": row.hole_psnr}
            yield Measurement(
                row.damage, {"psnr": row.psnr, "ssim": row.ssim, **hole, "psnr_before": damaged[row.damage]}
            )


@torch.no_grad()
def reconstruction_metrics(networks: Autoencoder, truth: Tensor) -> dict[str, float]:
    """Of g(e(x)), the encoder the one for clean pictures: PSNR in dB, SSIM, energy of fine structure over that of x.

    Args:
        networks: in eval mode.
        truth: (N, C, S, S) in [0, 1].
    """
    again = torch.cat([networks.generate(networks.encode(part)) for part in truth.split(CHUNK)])
    return {
        "psnr": mean_psnr(quantize(again), truth),
        "ssim": float(ssim(quantize(again), truth).mean()),
        "high_frequencies": high_frequency_ratio(again, truth),
    }


def moment_metrics(networks: Autoencoder, generator: torch.Generator) -> dict[str, float]:
    """Moments of e(g(Z)) on the sphere; see `agerestore.metrics.validation.moment_statistics`."""
    moments = moment_statistics(networks, sample_codes(networks.config, CODES, generator))
    return {name: moments[name] for name in ("mean_max", "variance_min", "variance_max")}


@torch.no_grad()
def draw_samples(networks: Autoencoder, count: int, generator: torch.Generator) -> Tensor:
    """Samples (N, C, S, S) in [0, 1]."""
    drawn = sample_codes(networks.config, count, generator)
    return torch.cat([networks.generate(networks.codes_of(part)) for part in drawn.split(CHUNK)])


@torch.no_grad()
def sample_metrics(judge: FeatureExtractor, drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """Of samples in the judge's eyes, not to be called FID: distance, and of digits class score and classes drawn.

    Args:
        judge: see `judge_of`.
        drawn: (N, C, S, S) in [0, 1].
        truth: (M, C, S, S) real ones.
    """
    features = (torch.cat([judge.features(part) for part in each.split(CHUNK)]).double() for each in (drawn, truth))
    figures = {f"frechet_of_{judge.name}": float(frechet_distance(*features))}
    if judge.classifier is not None:
        found = judge.classifier(drawn).softmax(1)
        shares = one_hot(found.argmax(1), found.shape[1]).mean(0)
        figures |= {
            "class_score": classifier_score(found),
            "classes_drawn": int((shares > 0.1 / len(shares)).sum()),  # each at least a tenth of its fair share
        }
    return figures | {"high_frequencies": high_frequency_ratio(drawn, truth)}


def high_frequency_ratio(images: Tensor, truth: Tensor) -> float:
    """Energy of the fine structure of pictures over that of real ones: below 1 where they are blurred."""
    return float(high_frequency_energy(images).mean() / high_frequency_energy(truth).mean().clamp_min(1e-12))
