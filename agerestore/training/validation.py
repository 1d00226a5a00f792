"""What is shown and measured of the networks of a run: one review for each kind of networks."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.config.networks import AutoencoderConfig, ColorizerConfig
from agerestore.config.training import TrainConfig
from agerestore.data.datasets import AnySet, PhotoSet, resize
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.inference import color_codes, ood, ood_features
from agerestore.losses.divergence import ideal
from agerestore.metrics.validation import (
    chroma_of,
    color_metrics,
    denoising_psnr,
    latent_distance,
    moment_statistics,
    reconstruction_psnr,
    sample_metrics,
    uncertainty_metrics,
)
from agerestore.models.age import Autoencoder
from agerestore.models.base import ModelNetworks
from agerestore.models.colorizer import Colorizer
from agerestore.models.latent import sample_codes
from agerestore.models.photo import PhotoRestorer
from agerestore.training.stages import Stage

SIGMAS = (15, 25, 50)  # gray levels; those of the published tables
PHOTOGRAPHS = 20  # that are measured
FIGURED = 128  # cars that are measured
PIECE = 96  # pixels a side at most, of photographs on a contact sheet
NOISE, HOLES = "noise:sigma=25", "holes:count=6:size=8..24"


class Validator(Protocol):
    """Looks at the networks of a run, on pictures that were held out."""

    def rows(self, model: ModelNetworks, stage: Stage) -> list[Tensor]:
        """Rows of a contact sheet, each (N, C, H, W) in [0, 1]."""
        ...

    def figures(self, model: ModelNetworks, stage: Stage) -> dict[str, float]:
        """What the log says beside the losses."""
        ...

    def verdict(self, model: ModelNetworks) -> dict[str, Any]:
        """What the header of the weights says: ``kind``, ``validation`` and ``domain``."""
        ...


def validator(config: TrainConfig, images: AnySet, device: torch.device) -> Validator:
    """The review that suits the networks of a run.

    Args:
        config: of the run.
        images: pictures held out; of a run that holds none out, some of its training pictures.
        device: where the networks are.
    """
    if isinstance(images, PhotoSet):
        return PhotoValidator(config, images.to(device))
    side = config.network.image_size
    if side is None:
        raise TypeError("networks for photographs are reviewed on photographs")
    kind = ColorValidator if isinstance(config.network, ColorizerConfig) else AutoencoderValidator
    return kind(config, resize(images.images, side).to(device))


class AutoencoderValidator:
    """Of an unconditional encoder and generator, of any system; or of a generator alone."""

    def __init__(self, config: TrainConfig, held_out: Tensor) -> None:
        self.config = config
        self.truth = held_out.float() / 255

    def rows(self, model: ModelNetworks, stage: Stage) -> list[Tensor]:
        """Truth and reconstruction, then samples; or, while the robust encoder is tuned, damaged and restored."""
        assert isinstance(model, Autoencoder)
        truth = self.truth[:16]
        with torch.no_grad():
            rows = [truth] if model.encoder is None else [truth, model.generate(model.encode(truth))]
            if stage.degradation is None or "robust_encoder" not in stage.learners:
                return [*rows, model.generate(model.codes_of(self._drawn(16)))]
            damaged = fill_masked(_damage(stage.degradation, truth))
            return [*rows, damaged, model.generate(model.encode(damaged, robust=True))]

    def figures(self, model: ModelNetworks, stage: Stage) -> dict[str, float]:
        """Balance of the game and reconstruction."""
        assert isinstance(model, Autoencoder)
        figures = self._measured(model, 1000, self.truth[:512])
        if "kl_fake" in figures:
            figures["ideal"] = ideal("age_code", self.config.network.latent_dim)
        return figures

    def verdict(self, model: ModelNetworks) -> dict[str, Any]:
        """Balance, reconstruction, and the limits of the domain; without an encoder there is nothing to measure."""
        assert isinstance(model, Autoencoder)
        known = model.encoder is not None
        return {
            "kind": self.config.objective,
            "validation": self._measured(model, 10_000, self.truth),
            "domain": ood.calibrate(model, self.truth, degradations.parse(self.config.robust.degradation))
            if known
            else {},
        }

    def _drawn(self, count: int) -> Tensor:
        network, generator = self.config.network, torch.Generator(self.truth.device).manual_seed(0)
        assert isinstance(network, AutoencoderConfig)
        return sample_codes(network, count, generator)

    def _measured(self, model: Autoencoder, count: int, truth: Tensor) -> dict[str, float]:
        """On the sphere the balance as the AGE paper watches it; elsewhere how far the codes are from the prior."""
        if model.encoder is None:
            return {}
        if model.config.prior == "sphere":
            found = moment_statistics(model, self._drawn(count))
        else:
            found = {"latent_distance": latent_distance(model, truth, self._drawn(2 * len(truth)))}
        return found | {"reconstruction_psnr": reconstruction_psnr(model, truth)}


class PhotoValidator:
    """Of the networks for photographs."""

    def __init__(self, config: TrainConfig, held_out: PhotoSet) -> None:
        self.config = config
        self.photographs = [image.float() / 255 for image in held_out.images[:PHOTOGRAPHS]]

    def rows(self, model: ModelNetworks, stage: Stage) -> list[Tensor]:
        """Truth, damaged, estimate and its expected error; while the game is played, also samples."""
        assert isinstance(model, PhotoRestorer)
        side = min(PIECE, *(min(image.shape[1:]) for image in self.photographs))
        truth = torch.stack([_center(image, side) for image in self.photographs])
        observation = _damage(degradations.parse(self.config.degradation), truth)
        with torch.no_grad():
            estimate, deviation = model.estimate(observation.image, observation.mask)
            rows = [truth, fill_masked(observation), estimate, (4 * deviation).clamp(0, 1)]
            if "generator" in stage.players:
                rows += self._samples(model, observation)
        return rows

    @staticmethod
    def _samples(model: PhotoRestorer, observation: Observation) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        height, width = observation.image.shape[2:]
        drawn = [
            model.samples(one.image, one.mask, model.sample_latent_maps(height, width, 2, generator))
            for one in observation.split(1)
        ]
        return list(torch.stack(drawn, dim=1))

    def figures(self, model: ModelNetworks, stage: Stage) -> dict[str, float]:
        """Noise removed; while the game is played, how samples spread."""
        assert isinstance(model, PhotoRestorer)
        figures = {f"psnr_{sigma}": denoising_psnr(model, self.photographs, sigma) for sigma in SIGMAS}
        if "generator" in stage.players:
            spread = sample_metrics(model, self.photographs[:5], degrader(HOLES), 8)
            figures |= {f"samples_{name}": value for name, value in spread.items()}
        return figures

    def verdict(self, model: ModelNetworks) -> dict[str, Any]:
        """Noise removed, and whether expected error and samples tell the truth; every photograph is in the domain."""
        assert isinstance(model, PhotoRestorer)
        figures = {f"psnr_{sigma}": denoising_psnr(model, self.photographs, sigma) for sigma in SIGMAS}
        for name, damage in (("noise", NOISE), ("holes", HOLES)):
            expected = uncertainty_metrics(model, self.photographs, degrader(damage))
            figures |= {f"uncertainty_{name}_{key}": value for key, value in expected.items()}
        if model.config.latent_dim:
            spread = sample_metrics(model, self.photographs, degrader(HOLES))
            figures |= {f"samples_{key}": value for key, value in spread.items()}
        return {"kind": "photo", "validation": figures, "domain": {}}


class ColorValidator:
    """Of the networks that color."""

    def __init__(self, config: TrainConfig, held_out: Tensor) -> None:
        self.config = config
        self.truth = rgb_to_lab(held_out.float() / 255)

    def rows(self, model: ModelNetworks, stage: Stage) -> list[Tensor]:
        """Truth, gray, colored by its own code, and by four others."""
        assert isinstance(model, Colorizer)
        truth = self.truth[:16]
        lightness = truth[:, :1]
        with torch.no_grad():
            chroma = [truth[:, 1:], torch.zeros_like(truth[:, 1:]), chroma_of(model, lightness, model.encode(truth))]
            drawn = torch.stack(
                [color_codes.draw_codes(_drawing(model, stage), each, 4, 0) for each in lightness.split(1)], 1
            )
            chroma += [chroma_of(model, lightness, codes) for codes in drawn]
        return [lab_to_displayable(torch.cat([lightness, each], 1)) for each in chroma]

    def figures(self, model: ModelNetworks, stage: Stage) -> dict[str, float]:
        """How well colors are found."""
        assert isinstance(model, Colorizer)
        return color_metrics(_drawing(model, stage), self.truth[:FIGURED])

    def verdict(self, model: ModelNetworks) -> dict[str, Any]:
        """How well colors are found, and what tells pictures of the domain."""
        assert isinstance(model, Colorizer)
        return {
            "kind": "color",
            "validation": color_metrics(model, self.truth[:FIGURED]),
            "domain": ood_features.calibrate_colors(model, [self.truth[:, :1]]),
        }


def _drawing(model: Colorizer, stage: Stage) -> Colorizer:
    """The model as it draws in a stage: while the game is played, which codes a lightness has is not known yet."""
    return model if "code_prior" in stage.learners else model.without_code_prior()


def _damage(steps: tuple[degradations.Step, ...], truth: Tensor) -> Observation:
    return degradations.degrade(truth, steps, torch.Generator().manual_seed(0))


def degrader(damage: str) -> Callable[[Tensor], Observation]:
    """What a damage, such as `HOLES`, does to pictures (N, C, H, W) in [0, 1]; always the same to one size."""
    return partial(_damage, degradations.parse(damage))


def _center(image: Tensor, side: int) -> Tensor:
    """The middle (C, side, side) of a photograph."""
    top, left = ((length - side) // 2 for length in image.shape[1:])
    return image[:, top : top + side, left : left + side]
