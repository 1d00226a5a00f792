"""A model beside classical methods, on the same damaged pictures.

Protocol: damage is drawn with a seed; a picture that stays inside [0, 1] is rounded to uint8, as a file would be;
every output is clipped and rounded to uint8; PSNR and SSIM are taken per picture, then averaged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from agerestore import baselines, degrade
from agerestore.checkpoint import LoadedModel
from agerestore.classifier import SIZE, recognised, train_classifier
from agerestore.composite import composite
from agerestore.data import ImageSet
from agerestore.errors import UsageError
from agerestore.metrics import psnr, quantize, ssim
from agerestore.observation import Observation
from agerestore.restoration import restore_observation

CHUNK = 100
FIT_IMAGES = 30_000  # training pictures that the fitted baselines see; with 2,000 Wiener loses 1 to 2 dB


@dataclass(frozen=True)
class Row:
    """What one method reached under one kind of damage; means over the pictures.

    Attributes:
        damage: the specification.
        method: ``input``, ``agerestore`` or a baseline's name, with the setting chosen for it.
        psnr: dB, whole picture.
        ssim: whole picture.
        hole_psnr: dB, over the unknown pixels; None without a mask.
        recognised: share of pictures the classifier puts into their class; None without labels.
    """

    damage: str
    method: str
    psnr: float
    ssim: float
    hole_psnr: float | None
    recognised: float | None


def names() -> list[str]:
    """All baselines that can run here: those whose optional libraries are missing are left out."""
    return [*(name for name in baselines.BASELINES if not baselines.missing(name)), *baselines.FITTED]


def observe(truth: Tensor, damage: str, seed: int) -> Observation:
    """Damaged versions of clean pictures (N, C, S, S) in [0, 1], by the protocol of this module."""
    steps = degrade.parse(damage)
    drawn = degrade.draw(steps, len(truth), (truth.shape[2], truth.shape[3]), torch.Generator().manual_seed(seed))
    observation = degrade.apply(truth, drawn)
    image = observation.image
    stays_inside = bool(image.min() >= 0) and bool(image.max() <= 1)
    return Observation(quantize(image) if stays_inside else image, observation.mask)


def evaluate(
    model: LoadedModel,
    test: ImageSet,
    damages: Sequence[str],
    *,
    methods: Sequence[str] = (),
    training: ImageSet | None = None,
    refine: int = 0,
    seed: int = 0,
    report: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Measure a model and baselines under each kind of damage.

    Args:
        model: what is measured.
        test: clean pictures of the model's size and channels; with labels, recognition is measured too.
        damages: specifications such as ``noise:sigma=128:clip=1``.
        methods: baselines by name (see `names`); those that do not suit a kind of damage are left out there. The
            settings of the classical ones are chosen by looking at the truth, in their favour.
        training: clean pictures that fitted baselines and the classifier learn from.
        refine: steps of latent refinement.
        seed: of the damage.
        report: told every row as it is ready.

    Raises:
        UsageError: an unknown baseline or damage, a baseline whose library is not installed, or a fitted one
            without training pictures.
    """
    for name in methods:
        if name in baselines.BASELINES:
            baselines.require(name)
        elif name not in baselines.FITTED:
            raise UsageError(f"no baseline {name!r}; choose from {', '.join(names())}")
    if training is None and set(methods) & set(baselines.FITTED):
        raise UsageError("fitted baselines (wiener, pca) need training pictures; name them with --training")
    truth = test.images.float() / 255
    recognise = _recogniser(test, training)
    rows: list[Row] = []
    for damage in damages:
        observation = observe(truth, damage, seed)
        for method, image in _answers(model, observation, truth, damage, methods, training, refine, seed):
            rows.append(_row(damage, method, quantize(image), truth, observation, recognise))
            report(rows[-1])
    return rows


def _answers(
    model: LoadedModel, observation: Observation, truth: Tensor, damage: str, methods: Sequence[str],
    training: ImageSet | None, refine: int, seed: int,
) -> "list[tuple[str, Tensor]]":  # fmt: skip
    """(name, pictures) of the input, the model and every baseline that suits."""
    answers = [("input", observation.image), ("agerestore", _restore(model, observation, refine))]
    suitable = baselines.applicable(observation)
    for name in methods:
        if name in suitable:
            row = baselines.BASELINES[name]
            choice = baselines.best(row.method, row.settings, observation, truth)
            setting = ", ".join(f"{key}={value:g}" for key, value in choice.setting.items())
            answers.append((f"{name} ({setting})" if setting else name, choice.restored))
        elif name in baselines.FITTED and training is not None:
            clean = training.images[:FIT_IMAGES].float() / 255
            restorer = baselines.FITTED[name](observe(clean, damage, seed + 1), clean)
            restored = restorer(observation)
            answers.append((name, composite(observation, restored)))
    return answers


def _restore(model: LoadedModel, observation: Observation, refine: int) -> Tensor:
    masks: Sequence[Tensor | None] = (
        [None] * -(-len(observation.image) // CHUNK) if observation.mask is None else observation.mask.split(CHUNK)
    )
    device = next(model.networks.parameters()).device
    parts = [
        restore_observation(
            model, Observation(image.to(device), None if mask is None else mask.to(device)), steps=refine
        ).image.cpu()
        for image, mask in zip(observation.image.split(CHUNK), masks, strict=True)
    ]
    return torch.cat(parts)


def _recogniser(test: ImageSet, training: ImageSet | None) -> Callable[[Tensor], float] | None:
    """Share of pictures a classifier trained on clean ones puts into their class; None where it cannot be trained."""
    if test.labels is None or training is None or training.labels is None or test.images.shape[2:] != (SIZE, SIZE):
        return None
    generator = torch.Generator().manual_seed(0)
    classifier = train_classifier(training.images.float() / 255, training.labels, generator)
    labels = test.labels
    return lambda images: recognised(classifier, images, labels)


def _row(
    damage: str, method: str, image: Tensor, truth: Tensor, observation: Observation,
    recognise: Callable[[Tensor], float] | None,
) -> Row:  # fmt: skip
    hole = None if observation.mask is None else float(psnr(image, truth, observation.mask).mean())
    return Row(
        damage=damage,
        method=method,
        psnr=float(psnr(image, truth).mean()),
        ssim=float(ssim(image, truth).mean()),
        hole_psnr=hole,
        recognised=None if recognise is None else recognise(image),
    )
