"""The batches of a training run: clean images from memory, varied and degraded on the device.

Everything random is drawn from a seed that derives from (run's seed, stage, iteration, player), so that a resumed run
sees what an uninterrupted one would have seen.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from agerestore import degradations, distributed
from agerestore.config import legacy
from agerestore.config.networks import AutoencoderConfig, ColorizerConfig
from agerestore.config.training import TrainConfig
from agerestore.data.augment import AugmentedBatches, augment
from agerestore.data.datasets import ImageSet, PhotoSet, TrainingSet, hide_labels
from agerestore.data.film import black_and_white
from agerestore.data.patches import BLOCK, DefectPatchDataset, PatchDataset
from agerestore.data.prefetch import Prefetcher
from agerestore.data.seeds import batch_indices, derive_seed
from agerestore.data.variations import random_affine, random_shift, random_zoom
from agerestore.device import send
from agerestore.errors import UsageError
from agerestore.images.color import rgb_to_lab
from agerestore.images.composite import fill_masked
from agerestore.losses.base import Batch, require_labels
from agerestore.models import registry
from agerestore.models.colorizer import pack
from agerestore.models.latent import sample_codes, sample_latents


@dataclass(frozen=True)
class BatchSpec:
    """What a stage of training draws batches of.

    Attributes:
        key: of the stage, from which random numbers derive.
        batch_size: B, images of a batch.
        steps: iterations of the stage.
        degradation: what happens to the images; None where the objective sees none that are degraded.
    """

    key: str
    batch_size: int
    steps: int
    degradation: tuple[degradations.Step, ...] | None = None


class Batches(Protocol):
    """Draws the batch of one update step of one player."""

    def draw(self, spec: BatchSpec, step: int, player: str, k: int) -> Batch:
        """The batch of the ``k``-th update step of a player in iteration ``step``.

        All players see the same images in an iteration, with codes of their own.
        """
        ...


def batches(config: TrainConfig, images: TrainingSet, device: torch.device) -> Batches:
    """The batches of a run, on a device; in each of several processes its part of them.

    Raises:
        UsageError: the run learns from labels, and the set has none or more classes than the networks.
    """
    kind = KINDS.get(config.network.kind, ImageBatches if config.network.image_size else PatchBatches)
    whole: Batches = kind(config, images, device)
    return whole if distributed.world_size() == 1 else DistributedBatches(whole)


class DistributedBatches:
    """This process's part of batches that all processes draw alike."""

    def __init__(self, whole: Batches) -> None:
        self._whole = whole

    def draw(self, spec: BatchSpec, step: int, player: str, k: int) -> Batch:
        """See `Batches.draw`."""
        return self._whole.draw(spec, step, player, k).part(distributed.rank(), distributed.world_size())


class ImageBatches:
    """Batches of whole images of one size, in shuffled epochs; a subclass adds what its kind of networks needs."""

    def __init__(self, config: TrainConfig, images: ImageSet, device: torch.device) -> None:
        self.config, self.device = config, device
        self.network: Any = config.network  # of the kind's own class
        self.images = images.images if config.augment else images.images.to(device)
        # Augmentation takes as long as a training step: it has a process of its own.
        self._prefetcher = Prefetcher(max(config.workers, 1), device)
        self._augmented: tuple[tuple[str, int], Tensor] | None = None

    def draw(self, spec: BatchSpec, step: int, player: str, k: int) -> Batch:
        """See `Batches.draw`."""
        seed = derive_seed(self.config.seed, spec.key, step, legacy.random_key(player), k)
        generator = torch.Generator(self.device).manual_seed(seed)
        indices = batch_indices(len(self.images), spec.batch_size, step, self.config.seed)
        pixels = self._augment(spec, step) if self.config.augment else self.images[send(indices, self.device)]
        x = self._vary(pixels, generator)
        return self._batch(spec, step, indices, x, seed, generator)

    def _batch(
        self, spec: BatchSpec, step: int, indices: Tensor, x: Tensor, seed: int, generator: torch.Generator
    ) -> Batch:
        """The batch of clean images x (B, C, S, S) in [0, 1], which are at ``indices`` of the set."""
        count = len(x) * self.network.codes_per_image(*x.shape[2:])
        z = sample_latents(count, self.network.latent_dim, generator, self.network.prior)
        damaged = self._preprocess(self._degrade(spec, x, seed)) if spec.degradation else None
        return Batch(self._preprocess(x), z, damaged)

    def _preprocess(self, x: Tensor) -> Tensor:
        return registry.KINDS[self.network.kind].preprocess(self.network, x)

    def _augment(self, spec: BatchSpec, step: int) -> Tensor:
        """The augmented images (B, C, S, S) uint8 of an iteration, which all players share."""
        where = spec.key, step
        if self._augmented is None or self._augmented[0] != where:
            size = self.network.image_size
            dataset = AugmentedBatches(self.images, spec.batch_size, size, self.config.seed, spec.key)
            self._augmented = where, self._prefetcher.get(dataset, spec.key, step, spec.steps)["images"]
        return self._augmented[1]

    def _vary(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """(B, C, S, S) uint8 -> [0, 1], some images mirrored and shifted as the settings say."""
        x = pixels.float() / 255
        if self.config.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, generator=generator, device=self.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        return random_shift(x, self.config.shift, generator) if self.config.shift else x

    @staticmethod
    def _degrade(spec: BatchSpec, x: Tensor, seed: int) -> Tensor:
        """Degraded images, missing pixels mid-gray; (B, C, S, S) in [0, 1] as the clean ones."""
        assert spec.degradation is not None
        return fill_masked(degradations.degrade(x, spec.degradation, torch.Generator().manual_seed(seed)))


class AutoencoderBatches(ImageBatches):
    """Batches of an unconditional autoencoder: also labels, other views, and noise of a posterior."""

    network: AutoencoderConfig

    def __init__(self, config: TrainConfig, images: ImageSet, device: torch.device) -> None:
        super().__init__(config, images, device)
        if config.needs_labels:
            self._refuse_labels(require_labels(images.labels))
        self.labels: Tensor | None = None
        if images.labels is not None:
            self.labels = hide_labels(images.labels, config.labels, config.seed).to(device)
            self._labeled = (self.labels >= 0).nonzero().flatten()

    def _refuse_labels(self, labels: Tensor) -> None:
        field = "critic_classes" if self.network.critic_classes else "classes"
        most = int(labels.max())
        if most >= getattr(self.network, field):
            raise UsageError(f"labels go up to {most}: set network.{field}={most + 1}")

    def _batch(
        self, spec: BatchSpec, step: int, indices: Tensor, x: Tensor, seed: int, generator: torch.Generator
    ) -> Batch:
        damaged = self._preprocess(self._degrade(spec, x, seed)) if spec.degradation else None
        labels = None if self.labels is None else self.labels[send(indices, self.device)]
        z = sample_codes(self.network, len(x), generator, labels if self.network.critic_classes else None)
        noise = None
        if self.network.posterior == "gaussian" or self.config.style_noise:
            noise = sample_latents(len(x), self.network.latent_dim, generator, "gaussian")
        view = self._preprocess(random_affine(x, derive_seed(seed, "view"))) if self.config.views else None
        batch = Batch(self._preprocess(x), z, damaged, view=view, noise=noise, labels=labels)
        return self._with_labeled_subset(batch, spec, seed, generator) if self.config.needs_labels else batch

    def _with_labeled_subset(self, batch: Batch, spec: BatchSpec, seed: int, generator: torch.Generator) -> Batch:
        """The batch with images whose label is known, drawn anew from all of those."""
        assert self.labels is not None
        places = torch.randint(len(self._labeled), (len(batch.x),), generator=generator, device=self.device)
        chosen = self._labeled[places]
        pixels = self.images[chosen.to(self.images.device)]
        if self.config.augment:
            pixels = augment(pixels, self.network.image_size, seed).to(self.device)
        x = self._vary(pixels, generator)
        seen = self._degrade(spec, x, seed) if spec.degradation else x
        return replace(batch, labeled=self._preprocess(seen), labeled_classes=self.labels[chosen])


class ColorBatches(ImageBatches):
    """Batches of color images for networks that color: lightness and chroma, and another view of the same colors."""

    network: ColorizerConfig

    def _batch(
        self, spec: BatchSpec, step: int, indices: Tensor, x: Tensor, seed: int, generator: torch.Generator
    ) -> Batch:
        lab = rgb_to_lab(x)
        view = None
        if self.config.views:
            view = pack(self.network, random_zoom(lab, derive_seed(self.config.seed, spec.key, step, "view")))
        z = sample_latents(len(x), self.network.latent_dim, generator)
        return Batch(pack(self.network, lab), z, view=view)


class PatchBatches:
    """Batches of random patches of photographs, each degraded in its own way, for networks of any size."""

    def __init__(self, config: TrainConfig, photographs: PhotoSet, device: torch.device) -> None:
        self.config, self.device = config, device
        self._prefetcher = Prefetcher(config.workers, device)
        self._photographs = photographs if config.workers else photographs.to(device)
        self._codes = config.network.codes_per_image(config.crop_size, config.crop_size)
        self._drawn: tuple[tuple[str, int], dict[str, Tensor]] | None = None

    def draw(self, spec: BatchSpec, step: int, player: str, k: int) -> Batch:
        """See `Batches.draw`; the degraded patches, too, are the same for all players of an iteration."""
        block, number = divmod(step, BLOCK)
        if self._drawn is None or self._drawn[0] != (spec.key, block):
            item = self._prefetcher.get(self._patches(spec), spec.key, block, -(-spec.steps // BLOCK))
            self._drawn = (spec.key, block), item
        here = slice(number * spec.batch_size, (number + 1) * spec.batch_size)
        generator = torch.Generator(self.device)
        generator.manual_seed(derive_seed(self.config.seed, spec.key, step, legacy.random_key(player), k))
        z = sample_latents(spec.batch_size * self._codes, self.config.network.latent_dim, generator)
        return Batch(z=z, **{name: value[here] for name, value in self._drawn[1].items()})

    def _patches(self, spec: BatchSpec) -> PatchDataset:
        assert spec.degradation is not None
        config = self.config
        return PatchDataset(
            self._photographs,
            seed=(config.seed, spec.key),
            count=spec.batch_size * BLOCK,
            size=config.crop_size,
            gray=config.gray,
            upscaled=config.upscaled,
            degradation=spec.degradation,
        )


class DefectBatches(PatchBatches):
    """Batches of patches with drawn defects, and where these are, for detectors."""

    def _patches(self, spec: BatchSpec) -> PatchDataset:
        plain = super()._patches(spec)
        return DefectPatchDataset(**vars(plain), kinds=self.config.network.defects)  # type: ignore[attr-defined]


class PhotoColorBatches:
    """Batches of views of color photographs, with the lightness of prints."""

    def __init__(self, config: TrainConfig, photographs: PhotoSet, device: torch.device) -> None:
        self.config, self.device, self._photographs = config, device, photographs
        self._drawn: tuple[tuple[str, int], Batch] | None = None

    def draw(self, spec: BatchSpec, step: int, player: str, k: int) -> Batch:
        """See `Batches.draw`; the images are Lab, the same for all players of an iteration."""
        if self._drawn is None or self._drawn[0] != (spec.key, step):
            self._drawn = (spec.key, step), self._images(spec, step)
        seed = derive_seed(self.config.seed, spec.key, step, legacy.random_key(player), k)
        generator = torch.Generator(self.device).manual_seed(seed)
        z = sample_latents(spec.batch_size, self.config.network.latent_dim, generator)
        return replace(self._drawn[1], z=z)

    def _images(self, spec: BatchSpec, step: int) -> Batch:
        generator = torch.Generator().manual_seed(derive_seed(self.config.seed, spec.key, step))
        rgb = self._photographs.views(spec.batch_size, self.config.crop_size, generator).float() / 255
        lab = rgb_to_lab(rgb)
        lab = torch.cat([black_and_white(rgb, generator), lab[:, 1:]], 1)
        return Batch(send(lab, self.device), torch.empty(0))


# Kinds of models whose batches hold more than clean and degraded images; see `batches`.
KINDS: dict[str, Any] = {
    "autoencoder": AutoencoderBatches, "colorizer": ColorBatches, "detector": DefectBatches,
    "photo-colorizer": PhotoColorBatches,
}  # fmt: skip
