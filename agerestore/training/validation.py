"""What a run shows and measures of its networks on images that were held out: one validator for each kind of model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from agerestore import degradations
from agerestore.config.training import TrainConfig
from agerestore.data.datasets import TrainingSet, resize
from agerestore.images.color import lab_to_displayable, rgb_to_lab
from agerestore.images.composite import fill_masked
from agerestore.images.observation import Observation
from agerestore.inference import color_codes, ood, ood_features
from agerestore.losses.divergence import ideal
from agerestore.metrics.autoencoder import latent_distance, moment_statistics, reconstruction_psnr
from agerestore.metrics.color import color_metrics, generate_chroma
from agerestore.metrics.image import mean_psnr
from agerestore.metrics.uncertainty import denoising_psnr, sample_metrics, uncertainty_metrics
from agerestore.models.base import ModelNetworks
from agerestore.models.latent import sample_codes
from agerestore.training.detection import DetectionValidator
from agerestore.training.stages import Stage

SIGMAS = (15, 25, 50)  # gray levels; those of the published tables
PHOTOGRAPHS = 20  # at most, that are measured
COLOR_IMAGES = 128  # at most, that are measured
COLORIZATIONS = 8  # of each of them
CROP = 96  # pixels a side at most, of photographs on a contact sheet
NOISE, HOLES = "noise:sigma=25", "holes:count=6:size=8..24"


class Validator(Protocol):
    """Shows and measures networks on images that were held out."""

    def image_grid(self, model: Any, stage: Stage) -> list[Tensor]:
        """Rows of a contact sheet, each (N, C, H, W) in [0, 1]."""
        ...

    def metrics(self, model: Any, stage: Stage) -> dict[str, float]:
        """What goes to the log besides the loss terms, while a stage runs."""
        ...

    def summary(self, model: Any) -> dict[str, Any]:
        """What goes to the header of the weights: ``kind``, ``validation`` and ``domain``."""
        ...


def validator(config: TrainConfig, images: TrainingSet, device: torch.device) -> Validator:
    """The validator for the networks of a run.

    Args:
        config: of the run.
        images: held out; or, if the run holds none out, some of its training images.
        device: where the networks are.
    """
    kind: Callable[[TrainConfig, TrainingSet, torch.device], Validator]
    kind = VALIDATORS.get(config.network.kind, RestorationValidator)
    return kind(config, images, device)


class RestorationValidator:
    """For networks of any kind that restore: how much noise one pass removes."""

    def __init__(self, config: TrainConfig, images: TrainingSet, device: torch.device) -> None:
        self.config = config
        self.truth = _of_one_size(images, config.network.image_size).to(device).float() / 255
        self.observation = _degrade(degradations.parse(NOISE), self.truth)

    def image_grid(self, model: ModelNetworks, stage: Stage) -> list[Tensor]:
        """Ground truth, with noise, restored."""
        with torch.no_grad():
            return [self.truth[:16], self.observation.image[:16], model(self.observation.image[:16])]

    def metrics(self, model: ModelNetworks, stage: Stage) -> dict[str, float]:
        """``psnr``: of the restored images in dB; ``psnr_before``: of the noisy ones."""
        return self._measure(model)

    def summary(self, model: ModelNetworks) -> dict[str, Any]:
        """The same metrics."""
        return {"kind": self.config.network.kind, "validation": self._measure(model), "domain": {}}

    def _measure(self, model: ModelNetworks) -> dict[str, float]:
        with torch.no_grad():
            restored = torch.cat([model(part) for part in self.observation.image.split(16)])
        return {
            "psnr": mean_psnr(restored, self.truth),
            "psnr_before": mean_psnr(self.observation.image, self.truth),
        }


class AutoencoderValidator:
    """For an unconditional encoder and generator of any objective, or a generator alone."""

    def __init__(self, config: TrainConfig, images: TrainingSet, device: torch.device) -> None:
        self.config = config
        self.truth = _of_one_size(images, config.network.image_size).to(device).float() / 255

    def image_grid(self, model: Any, stage: Stage) -> list[Tensor]:
        """Truth and reconstruction, then samples; of the robust encoder instead degraded and restored images."""
        truth = self.truth[:16]
        with torch.no_grad():
            rows = [truth] if model.encoder is None else [truth, model.generate(model.encode(truth))]
            if stage.degradation is None or "robust_encoder" not in stage.learners:
                return [*rows, model.generate(model.codes_of(self._draw_codes(16)))]
            damaged = fill_masked(_degrade(stage.degradation, truth))
            return [*rows, damaged, model.generate(model.encode(damaged, robust=True))]

    def metrics(self, model: Any, stage: Stage) -> dict[str, float]:
        """Statistics of codes, and reconstruction."""
        found = self._measure(model, 1000, self.truth[:512])
        if "kl_fake" in found:
            found["ideal"] = ideal("age_code", self.config.network.latent_dim)
        return found

    def summary(self, model: Any) -> dict[str, Any]:
        """The same on all images, and the limits of the domain; nothing where there is no encoder."""
        domain = {}
        if model.encoder is not None:
            domain = ood.calibrate(model, self.truth, degradations.parse(self.config.robust.degradation))
        return {
            "kind": self.config.objective,
            "validation": self._measure(model, 10_000, self.truth),
            "domain": domain,
        }

    def _draw_codes(self, count: int) -> Tensor:
        network: Any = self.config.network
        return sample_codes(network, count, torch.Generator(self.truth.device).manual_seed(0))

    def _measure(self, model: Any, count: int, truth: Tensor) -> dict[str, float]:
        """On the sphere the moments that the AGE paper watches; for other priors how far the codes are from it."""
        if model.encoder is None:
            return {}
        if model.config.prior == "sphere":
            found = moment_statistics(model, self._draw_codes(count))
        else:
            found = {"latent_distance": latent_distance(model, truth, self._draw_codes(2 * len(truth)))}
        return found | {"reconstruction_psnr": reconstruction_psnr(model, truth)}


class PhotoValidator:
    """For networks that restore photographs."""

    def __init__(self, config: TrainConfig, images: TrainingSet, device: torch.device) -> None:
        self.config = config
        self.photographs = [image.float() / 255 for image in images.to(device).images[:PHOTOGRAPHS]]

    def image_grid(self, model: Any, stage: Stage) -> list[Tensor]:
        """Ground truth, degraded, estimate and predicted std (times 4); in the adversarial stage also samples."""
        side = min(CROP, *(min(image.shape[1:]) for image in self.photographs))
        truth = torch.stack([_center_crop(image, side) for image in self.photographs])
        observation = _degrade(degradations.parse(self.config.degradation), truth)
        with torch.no_grad():
            estimate, std = model.estimate(observation.image, observation.mask)
            rows = [truth, fill_masked(observation), estimate, (4 * std).clamp(0, 1)]
            if "generator" in stage.players:
                rows += self._samples(model, observation)
        return rows

    @staticmethod
    def _samples(model: Any, observation: Observation) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        height, width = observation.image.shape[2:]
        drawn = [
            model.samples(one.image, one.mask, model.sample_latent_maps(height, width, 2, generator))
            for one in observation.split(1)
        ]
        return list(torch.stack(drawn, dim=1))

    def metrics(self, model: Any, stage: Stage) -> dict[str, float]:
        """Noise removed; in the adversarial stage also how far samples spread."""
        found = self._denoising(model)
        if "generator" in stage.players:
            found |= self._sampling(model, self.photographs[:5], 8)
        return found

    def summary(self, model: Any) -> dict[str, Any]:
        """Noise removed, and whether predicted std and samples are right; every photograph is in the domain."""
        found = self._denoising(model)
        for name, degradation in (("noise", NOISE), ("holes", HOLES)):
            expected = uncertainty_metrics(model, self.photographs, degrader(degradation))
            found |= {f"uncertainty_{name}_{key}": value for key, value in expected.items()}
        if model.config.latent_dim:
            found |= self._sampling(model, self.photographs, 16)
        return {"kind": "photo", "validation": found, "domain": {}}

    def _denoising(self, model: Any) -> dict[str, float]:
        return {f"psnr_{sigma}": denoising_psnr(model, self.photographs, sigma) for sigma in SIGMAS}

    @staticmethod
    def _sampling(model: Any, photographs: list[Tensor], count: int) -> dict[str, float]:
        found = sample_metrics(model, photographs, degrader(HOLES), count)
        return {f"samples_{name}": value for name, value in found.items()}


class ColorValidator:
    """For networks that color gray images."""

    def __init__(self, config: TrainConfig, images: TrainingSet, device: torch.device) -> None:
        self.config = config
        side = config.network.image_size
        found = _whole_views(images, config.crop_size) if side is None else resize(images.images, side)
        self.truth = rgb_to_lab(found.to(device).float() / 255)

    def image_grid(self, model: Any, stage: Stage) -> list[Tensor]:
        """Truth, gray, colored by its own code, and by four others."""
        truth = self.truth[:16]
        lightness, drawn = truth[:, :1], self._codes(model, stage.learners, truth, 4, [0] * len(truth))
        with torch.no_grad():
            chroma = [
                truth[:, 1:],
                torch.zeros_like(truth[:, 1:]),
                generate_chroma(model, lightness, model.encode(truth)),
                *(generate_chroma(model, lightness, codes) for codes in drawn.unbind(1)),
            ]
        return [lab_to_displayable(torch.cat([lightness, each], 1)) for each in chroma]

    def metrics(self, model: Any, stage: Stage) -> dict[str, float]:
        """How near the colors come."""
        truth = self.truth[:COLOR_IMAGES]
        return color_metrics(model, truth, self._codes(model, stage.learners, truth, COLORIZATIONS, range(len(truth))))

    def summary(self, model: Any) -> dict[str, Any]:
        """How near the colors come, and for networks of one size features that tell images of the domain."""
        truth = self.truth[:COLOR_IMAGES]
        codes = self._codes(model, {"code_prior"}, truth, COLORIZATIONS, range(len(truth)))
        of_one_kind = self.config.network.image_size is not None  # what is outside of all photographs is to be shown
        return {
            "kind": "color",
            "validation": color_metrics(model, truth, codes),
            "domain": ood_features.calibrate(model, [self.truth[:, :1]]) if of_one_kind else {},
        }

    @staticmethod
    def _codes(model: Any, learners: set[str], truth: Tensor, count: int, seeds: Sequence[int]) -> Tensor:
        """K codes for each image, (N, K, M); from the sphere until the code prior is trained."""
        drawing = model if "code_prior" in learners else model.without_code_prior()
        with torch.no_grad():
            found = [
                color_codes.draw_codes(drawing, light, count, seed)
                for light, seed in zip(truth[:, :1].split(1), seeds, strict=True)
            ]
        return torch.stack(found)


VALIDATORS: dict[str, Any] = {  # kind of model -> validator; `RestorationValidator` for others
    "autoencoder": AutoencoderValidator,
    "photo": PhotoValidator,
    "colorizer": ColorValidator,
    "detector": DetectionValidator,
    "photo-colorizer": ColorValidator,
}


def degrader(degradation: str) -> Callable[[Tensor], Observation]:
    """A function that degrades images (N, C, H, W) in [0, 1], always in the same way those of one size."""
    return partial(_degrade, degradations.parse(degradation))


def _degrade(steps: tuple[degradations.Step, ...], truth: Tensor) -> Observation:
    return degradations.degrade(truth, steps, torch.Generator().manual_seed(0))


def _of_one_size(images: TrainingSet, size: int | None) -> Tensor:
    """(N, C, S, S) uint8: resized to the networks' size, or center crops where they take any."""
    if size is not None:
        return resize(images.images, size)
    side = min(CROP, *(min(image.shape[1:]) for image in images.images))
    return torch.stack([_center_crop(image, side) for image in images.images[:PHOTOGRAPHS]])


def _whole_views(images: TrainingSet, side: int) -> Tensor:
    """(N, C, side, side) uint8: the square in the middle of each photograph, scaled."""
    squares = (_center_crop(image, min(image.shape[1:])) for image in images.images[:COLOR_IMAGES])
    return torch.cat([resize(square[None], side) for square in squares])


def _center_crop(image: Tensor, side: int) -> Tensor:
    """The middle (C, side, side) of an image."""
    top, left = ((length - side) // 2 for length in image.shape[1:])
    return image[:, top : top + side, left : left + side]
