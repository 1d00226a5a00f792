"""Linear classification of an unsupervised encoder's features with few labels (AGE paper, section 3.2).

As in the released scripts of ALI (Dumoulin et al., 2016): the activations of the last three convolutional blocks and
the code of an image, flattened and concatenated, in a linear support vector machine trained with 1,000 labels. Of the
networks of the paper these are 28,736 numbers, 8 GB for SVHN's training set: they are computed part by part.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from agerestore.data.datasets import ImageSet, hide_labels
from agerestore.errors import UsageError
from agerestore.losses.base import require_labels
from agerestore.models import zoo
from agerestore.models.base import Model
from agerestore.research.experiments.context import Context, ExperimentResult
from agerestore.research.experiments.encoder_features import FeatureReader, LabeledFeatures, encoder_of

if TYPE_CHECKING:
    from sklearn.svm import LinearSVC

LABELS = 1000  # in the labeled subset, as many of each class
VALIDATION = 1000  # other training images, on which C is chosen
OFFICIAL = 73_257, 26_032  # images of SVHN's training and test set
OFFICIAL_VALIDATION = 10_000  # the last ones of its training set, in the scripts of ALI
SUBSETS, OFFICIAL_SUBSETS = 10, 100  # labeled subsets drawn
COSTS = tuple(10.0**power for power in range(-4, 5))  # values of C tried
PUBLISHED = 0.237  # error in the AGE paper
NOTE = (
    "not comparable with the paper's 23.7 %, where the encoder sees SVHN's training set and the error is that of all"
    " 26,032 test digits: here the encoder, the labels and the error are of parts of DATA (ours: 8,000 images of the"
    " official test set). The first test digits are those that training on the same folder holds out; the encoder may"
    " have seen the others, without labels"
)
OFFICIAL_NOTE = (
    "the official split, as in the paper: labels of the first 63,257 training images, C chosen on the last 10,000, the"
    " error of all 26,032 test digits. Comparable with the paper's 23.7 % if the encoder was trained on no test digit"
)


def svhn_features(context: Context) -> ExperimentResult:
    """Error on test digits, mean over labeled subsets; the contact sheet shows some errors of the last.

    Raises:
        UsageError: too few images, a model of other images, or scikit-learn is not installed.
    """
    linear_svm(COSTS[0])  # before an encoder is trained for hours
    model = zoo.load(context.weights) if context.weights else context.model("age-svhn")
    official = (len(context.training), len(context.test)) == OFFICIAL
    known = FeatureReader.over(encoder_of(model, context.training), context.training.images)
    pool, validation = _split(context.training, official)
    labels = min(LABELS, len(pool) // 2)
    subsets = _subset_seeds(context, official)
    first = _subset(known, pool, labels, subsets[0])
    trials = [fitted(first, cost) for cost in COSTS]
    errors = dict(zip(COSTS, error_rates(trials, known, validation), strict=True))
    cost = min(errors, key=lambda each: errors[each])
    classifiers = [fitted(_subset(known, pool, labels, seed), cost) for seed in subsets]
    wrong = mistakes(classifiers, known, context.test)
    held_out = _held_out(model, len(context.training) + len(context.test), len(context.test))
    rates = wrong.float().mean(1)
    figures = {
        f"{labels} labels": {
            "error": float(rates.mean()), "deviation": float(rates.std(correction=0)),
            **({} if official else {f"error of the first {held_out}": float(wrong[:, :held_out].float().mean())}),
            "validation_error": errors[cost], "c": cost, "features": first.features.shape[1],
            "test_digits": len(context.test), "sets_of_labels": len(subsets),
        },
        "paper": {"error": PUBLISHED},
    }  # fmt: skip
    shown = context.test.images[wrong[-1] if wrong[-1].any() else ~wrong[-1]]
    return ExperimentResult([shown[:16].float() / 255], figures, OFFICIAL_NOTE if official else NOTE)


def linear_svm(cost: float) -> "LinearSVC":
    """A linear support vector machine of LIBLINEAR, one class against the rest; not fitted yet.

    It minimizes (|w|^2 + b^2) / 2 + C sum max(0, 1 - y (w x + b))^2 for each class.

    Args:
        cost: C, the weight of errors; above 0.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    try:
        from sklearn.svm import LinearSVC
    except ImportError:
        raise UsageError("a linear SVM needs scikit-learn: pip install scikit-learn, or agerestore[research]") from None
    return LinearSVC(C=cost, dual=True, random_state=0)


def fitted(known: LabeledFeatures, cost: float) -> "LinearSVC":
    """`linear_svm`, fitted; with a large C it stops at LIBLINEAR's 1,000 iterations, near the optimum."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return linear_svm(cost).fit(known.features.numpy(), known.labels.numpy())


def mistakes(classifiers: Sequence["LinearSVC"], reader: FeatureReader, images: ImageSet) -> Tensor:
    """Which of N images each fitted classifier puts into another class: (K, N) bool.

    The features of a part of the images are in memory at a time, for all classifiers.
    """
    labels = require_labels(images.labels)
    found = []
    for features, true in zip(reader.parts(images.images), labels.split(reader.chunk), strict=True):
        seen = features.double().numpy()  # which a classifier would convert anew each time
        predicted = [torch.from_numpy(classifier.predict(seen)) for classifier in classifiers]
        found.append(torch.stack(predicted) != true)
    return torch.cat(found, 1)


def error_rates(classifiers: Sequence["LinearSVC"], reader: FeatureReader, images: ImageSet) -> list[float]:
    """Share, 0 to 1, of images that each fitted classifier puts into another class."""
    rates: list[float] = mistakes(classifiers, reader, images).float().mean(1).tolist()
    return rates


def _subset_seeds(context: Context, official: bool) -> range:
    if not context.full:
        return range(2)
    return range(OFFICIAL_SUBSETS if official else SUBSETS)


def _subset(reader: FeatureReader, pool: ImageSet, count: int, seed: int) -> LabeledFeatures:
    """The features of ``count`` labeled images, as many of each class, drawn from ``seed``."""
    labels = require_labels(pool.labels)
    chosen = (hide_labels(labels, count, seed) >= 0).nonzero().flatten()
    return LabeledFeatures(torch.cat([*reader.parts(pool.images[chosen])]), labels[chosen])


def _split(training: ImageSet, official: bool) -> tuple[ImageSet, ImageSet]:
    """Training images apart: those of which labeled subsets are drawn, and those on which C is chosen."""
    require_labels(training.labels)
    if official:
        order = torch.arange(len(training))
        return training.take(order[:-OFFICIAL_VALIDATION]), training.take(order[-OFFICIAL_VALIDATION:])
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
    count = min(VALIDATION, len(order) // 5)
    return training.take(order[count:]), training.take(order[:count])


def _held_out(model: Model, images: int, most: int) -> int:
    """How many test images, the first, are those that training on the same folder held out."""
    share = float(model.header.get("training", {}).get("validation", 0.0))
    return max(1, min(most, round(images * share)))
