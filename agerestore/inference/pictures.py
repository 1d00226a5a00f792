"""Restoring pictures as files hold them: a `Photo` in, a `Photo` of the same size, depth and metadata out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from agerestore import device as devices
from agerestore.analysis.documents import is_document
from agerestore.config.options import DEFAULTS, RestoreSettings
from agerestore.images.observation import Observation
from agerestore.images.photo import Mask, Photo
from agerestore.inference.photographs import restore_pixels
from agerestore.inference.restoration import restore_observation, unsupported_options
from agerestore.inference.selection import Choice, select_model
from agerestore.inference.tone import auto_levels, scale_uncertainty
from agerestore.models.base import Model
from agerestore.models.photo import PhotoRestorer

DRAWING = "looks like a document or drawing, whose thin strokes the model takes for scratches"
MOSTLY = 0.85  # share of a picture from which a mask looks inverted


@dataclass(frozen=True)
class RestoredPicture:
    """What became of a picture.

    Attributes:
        model: name of the model that restored it.
        score: domain score; above 1 the picture is unlike anything the model was trained on.
        photo: the restored picture.
        uncertainty: gray, 8 bit: four times the expected standard deviation of its error in gray levels; of
            photographs only, and if asked for.
        samples: other pictures that could have been; of photographs only.
        remarks: what people should know of it; each one line.
        once: what holds of every picture that the model restores in such a way, and is to be said once.
    """

    model: str
    score: float
    photo: Photo
    uncertainty: Photo | None = None
    samples: list[Photo] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    once: list[str] = field(default_factory=list)


def restore_picture(
    models: Mapping[str, Model],
    photo: Photo,
    unknown: Mask | None = None,
    settings: RestoreSettings = DEFAULTS,
    *,
    samples: int = 0,
    seed: int = 0,
    uncertainty: bool = False,
) -> RestoredPicture:
    """Restore a picture with the one model there is, or with that of several which suits it.

    Args:
        models: by name, on one device.
        photo: the damaged picture.
        unknown: (H, W) bool, True where pixels are unknown; all others come back bit for bit.
        settings: strength, precision and so on.
        samples: how many other pictures to draw; of photographs, by a model that draws them.
        seed: of the samples.
        uncertainty: also map the expected error; of photographs.

    Raises:
        OutOfDomainError: several models, and the picture is in no one's domain.
    """
    restored = _restore(models, photo, unknown, settings, samples, seed, uncertainty)
    if idle := unsupported_options(models[restored.model], settings, samples, uncertainty, unknown is not None):
        restored.once.append(f"{restored.model!r} does not heed {' and '.join(idle)}")
    if unknown is None:  # else known pixels would change more than they need to
        others = [*(each.with_default_quality() for each in restored.samples)]
        restored = replace(restored, photo=restored.photo.with_default_quality(), samples=others)
    if not settings.auto_levels:
        return restored
    others = [
        auto_levels(each, like=restored.photo) for each in restored.samples
    ]  # so that what is known is alike in all
    expected = restored.uncertainty
    expected = None if expected is None else scale_uncertainty(expected, like=restored.photo)
    return replace(restored, photo=auto_levels(restored.photo), samples=others, uncertainty=expected)


def _restore(
    models: Mapping[str, Model], photo: Photo, unknown: Mask | None, settings: RestoreSettings, samples: int,
    seed: int, uncertainty: bool,
) -> RestoredPicture:  # fmt: skip
    name, answer = _choose(models, photo, unknown, settings)
    networks, remarks, chosen = models[name].networks, _remarks(unknown), len(models) > 1
    if isinstance(networks, PhotoRestorer):
        if unknown is None and is_document(photo.pixels):
            if chosen:
                remarks.append(f"{DRAWING}; it was left as it is, -m {name} restores it anyway")
                return RestoredPicture(name, 0.0, photo, remarks=remarks)
            remarks.append(f"{DRAWING}; look whether some are missing")
        made = restore_pixels(networks, photo, unknown, settings, _fields(networks, photo, samples, seed), uncertainty)
        return RestoredPicture(name, 0.0, made.photo, made.uncertainty, made.samples, remarks)
    answer = answer or restore_observation(models[name], _observe(models, photo, unknown), settings)
    score = float(answer.score)
    if score > 1:
        remarks.append(f"out of the domain of {name!r} ({score:.1f} x its limit); what was drawn may be invented")
    restored = RestoredPicture(name, score, photo.with_pixels(answer.image, unknown), remarks=remarks)
    if chosen and unknown is None:
        restored.once.append(f"taken for one of its kind by {name!r}, which draws it anew; -m photo if it is none")
    return restored


def _fields(networks: PhotoRestorer, photo: Photo, samples: int, seed: int) -> Tensor | None:
    """Codes of as many samples as are wanted, where the networks draw any."""
    if not samples or not networks.config.latent_dim:
        return None
    height, width = photo.pixels.shape[:2]
    return networks.sample_latent_maps(height, width, samples, torch.Generator().manual_seed(seed))


def _remarks(unknown: Mask | None) -> list[str]:
    """What is odd about a mask."""
    share = 0.5 if unknown is None else float(unknown.mean())
    if share == 0:
        return ["the mask is black, which means that all is known: nothing was changed"]
    if share == 1:
        return ["the mask is nowhere black, which means that nothing is known: all of the picture was invented"]
    if share > MOSTLY:
        return [f"the mask calls {share:.0%} of the picture unknown: white is unknown, invert it if you meant the rest"]
    return []


def _choose(models: Mapping[str, Model], photo: Photo, unknown: Mask | None, settings: RestoreSettings) -> Choice:
    """The model: the only one, which is then asked for nothing, or that of several which suits the picture."""
    if len(models) == 1:
        return Choice(next(iter(models)), None)
    return select_model(models, photo.pixels.shape[:2], lambda: _observe(models, photo, unknown), settings)


def _observe(models: Mapping[str, Model], photo: Photo, unknown: Mask | None) -> Observation:
    where = devices.of(next(iter(models.values())).networks)
    return photo.to_observation(unknown).to(where)
