"""The batches a run is trained on: clean pictures from memory, varied and damaged on the device.

Everything drawn derives from (seed, stage, step, player), so that a resumed run sees what an uninterrupted one would.
"""

from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from agerestore import degradations, distributed
from agerestore.config import legacy
from agerestore.config.networks import AutoencoderConfig, ColorizerConfig
from agerestore.config.training import TrainConfig
from agerestore.data.augment import augment
from agerestore.data.datasets import AnySet, ImageSet, PhotoSet, hide_labels
from agerestore.data.patches import PREFETCH, PatchLoader
from agerestore.data.seeds import batch_indices, derive_seed
from agerestore.device import send
from agerestore.errors import UsageError
from agerestore.images import color
from agerestore.images.composite import fill_masked
from agerestore.losses.base import Batch, labels_of
from agerestore.models import colorizer
from agerestore.models.latent import sample_codes, sample_latents
from agerestore.models.photo import REGION
from agerestore.training.stages import Stage


class Batches(Protocol):
    """Draws the batch of one step of one player."""

    def draw(self, stage: Stage, step: int, player: str, k: int) -> Batch:
        """The batch of step ``k`` of a player: all see the same images in an iteration, and codes of their own."""
        ...


def batches(config: TrainConfig, images: AnySet, device: torch.device) -> Batches:
    """The batches of a run."""
    whole: Batches
    if isinstance(images, PhotoSet):
        whole = PhotoBatches(config, images, device)
    elif isinstance(config.network, ColorizerConfig):
        whole = ColorBatches(config, images.to(device), device)
    else:
        whole = ImageBatches(config, images.to(device), device)
    return whole if distributed.world_size() == 1 else DistributedBatches(whole)


class DistributedBatches:
    """This process's part of batches that all processes draw alike."""

    def __init__(self, whole: Batches) -> None:
        self.whole = whole

    def draw(self, stage: Stage, step: int, player: str, k: int) -> Batch:
        """See `Batches`."""
        return self.whole.draw(stage, step, player, k).part(distributed.rank(), distributed.world_size())


class ImageBatches:
    """Of images of one size: whole images, in shuffled epochs; with labels where the set has them.

    Raises:
        UsageError: a run that learns from labels, and a set that has none, or more classes than the networks.
    """

    def __init__(self, config: TrainConfig, images: ImageSet, device: torch.device) -> None:
        assert isinstance(config.network, AutoencoderConfig | ColorizerConfig)
        self.config, self.network, self.device, self.images = config, config.network, device, images
        self.varied: tuple[int, Tensor] | None = None
        self.labels = images.labels
        if config.needs_labels and isinstance(config.network, AutoencoderConfig):
            most, labels = config.network.critic_classes or config.network.classes, labels_of(images.labels)
            if int(labels.max()) >= most:
                name = "critic_classes" if config.network.critic_classes else "classes"
                raise UsageError(f"labels go up to {int(labels.max())}: --set network.{name}={int(labels.max()) + 1}")
        if self.labels is not None:
            self.labels = hide_labels(self.labels, config.labels, config.seed).to(device)
            self.pool = (self.labels >= 0).nonzero().flatten()

    def draw(self, stage: Stage, step: int, player: str, k: int) -> Batch:
        """See `Batches`."""
        seed = derive_seed(self.config.seed, stage.random_key, step, legacy.random_key(player), k)
        generator = torch.Generator(self.device).manual_seed(seed)
        indices = send(batch_indices(len(self.images), stage.batch_size, step, self.config.seed), self.device)
        x = self._clean(indices, derive_seed(self.config.seed, stage.random_key, step), generator)
        return self._batch(stage, step, indices, x, seed, generator)

    def _batch(
        self, stage: Stage, step: int, indices: Tensor, x: Tensor, seed: int, generator: torch.Generator
    ) -> Batch:
        """What the networks are shown of the pictures x (B, C, S, S) in [0, 1] that are at ``indices``."""
        assert isinstance(self.network, AutoencoderConfig)
        damaged = self._damaged(stage, x, seed) if stage.degradation else None
        labels = None if self.labels is None else self.labels[indices]
        z = sample_codes(self.network, len(x), generator, labels if self.network.critic_classes else None)
        noise = None
        if self.network.posterior == "gaussian" or self.config.style_noise:
            noise = sample_latents(len(x), self.network.latent_dim, generator, "gaussian")
        view = random_affine(x, derive_seed(seed, "view")) * 2 - 1 if self.config.views else None
        batch = Batch(x * 2 - 1, z, damaged, view=view, noise=noise, labels=labels)
        return self._with_labeled_subset(batch, stage, seed, generator) if self.config.needs_labels else batch

    def _clean(self, indices: Tensor, seed: int, generator: torch.Generator) -> Tensor:
        """(B, C, S, S) in [0, 1]."""
        pixels = self._augmented(indices, seed) if self.config.augment else self.images.images[indices]
        x = pixels.float() / 255
        if self.config.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, generator=generator, device=self.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        return random_shift(x, self.config.shift, generator) if self.config.shift else x

    def _augmented(self, indices: Tensor, seed: int) -> Tensor:
        """Images varied by ``seed``; all players of an iteration have one seed, and see what the first one saw."""
        if self.varied is None or self.varied[0] != seed:
            self.varied = seed, augment(self.images.images[indices], self.network.image_size, seed)
        return self.varied[1]

    @staticmethod
    def _damaged(stage: Stage, x: Tensor, seed: int) -> Tensor:
        """(B, C, S, S) in [-1, 1] of clean ones in [0, 1]."""
        assert stage.degradation is not None
        return fill_masked(degradations.degrade(x, stage.degradation, torch.Generator().manual_seed(seed))) * 2 - 1

    def _with_labeled_subset(self, batch: Batch, stage: Stage, seed: int, generator: torch.Generator) -> Batch:
        """The batch with images whose label is known, drawn anew from all of those."""
        assert self.labels is not None
        chosen = self.pool[torch.randint(len(self.pool), (len(batch.x),), generator=generator, device=self.device)]
        x = self._clean(chosen, seed, generator)
        seen = self._damaged(stage, x, seed) if stage.degradation else x * 2 - 1
        return replace(batch, labeled=seen, labeled_classes=self.labels[chosen])


def random_shift(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Pictures (B, C, S, S), each moved by up to ``most`` pixels down or up and across; their edges fill the gap."""
    padded = functional.pad(x, (most,) * 4, mode="replicate")
    down, across = torch.randint(2 * most + 1, (2, len(x), 1), generator=generator, device=x.device)
    places = torch.arange(x.shape[2], device=x.device)
    each = torch.arange(len(x), device=x.device)[:, None, None]
    moved = padded[each, :, (places + down)[:, :, None], (places + across)[:, None]]  # (B, S, S, C)
    return moved.permute(0, 3, 1, 2)


TURN, STRETCH, SHEAR, MOVE = 0.3, 0.2, 0.3, 0.12  # of a view, at most: radians, share, tangent, share of half a side


def random_affine(x: Tensor, seed: int) -> Tensor:
    """Pictures (B, C, S, S), each turned, stretched, sheared and moved in its own way."""
    generator = torch.Generator().manual_seed(seed)
    angle, across, down, shear, *moved = (2 * torch.rand(6, len(x), generator=generator) - 1).unbind(0)
    angle, shear = TURN * angle, SHEAR * shear
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    stretch = torch.diag_embed(1 + STRETCH * torch.stack([across, down], 1))
    stretch[:, 0, 1] = shear
    matrix = torch.cat([turn @ stretch, MOVE * torch.stack(moved, 1)[:, :, None]], 2).to(x.dtype)
    grid = functional.affine_grid(send(matrix, x.device), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


class ColorBatches(ImageBatches):
    """Of colored pictures of one size, as networks that color see them."""

    def _batch(
        self, stage: Stage, step: int, indices: Tensor, x: Tensor, seed: int, generator: torch.Generator
    ) -> Batch:
        lab = color.rgb_to_lab(x)
        view = (
            self._view(lab, derive_seed(self.config.seed, stage.random_key, step, "view"))
            if self.config.views
            else None
        )
        z = sample_latents(len(x), self.network.latent_dim, generator)
        return Batch(self._pack(lab), z, view=None if view is None else self._pack(view))

    @staticmethod
    def _view(lab: Tensor, seed: int) -> Tensor:
        """The same pictures (B, 3, S, S), mirrored, and a random part of them enlarged."""
        side = lab.shape[3]
        generator = torch.Generator().manual_seed(seed)
        part = int(torch.randint(side * 5 // 8, side + 1, (), generator=generator))
        top, left = torch.randint(side - part + 1, (2,), generator=generator).tolist()
        return functional.interpolate(
            lab.flip(3)[:, :, top : top + part, left : left + part], (side, side), mode="bilinear"
        )

    def _pack(self, lab: Tensor) -> Tensor:
        assert isinstance(self.network, ColorizerConfig)
        return colorizer.pack(self.network, lab)


class PhotoBatches:
    """Of photographs: pieces, each damaged in its own way."""

    def __init__(self, config: TrainConfig, photographs: PhotoSet, device: torch.device) -> None:
        self.config, self.device, self.source = config, device, PatchLoader(config, photographs, device)
        self.regions = (config.crop_size // REGION) ** 2
        self.drawn: tuple[tuple[str, int], dict[str, Tensor]] | None = None

    def draw(self, stage: Stage, step: int, player: str, k: int) -> Batch:
        """See `Batches`; what happens to the pieces, too, is the same for all players of an iteration."""
        block, number = divmod(step, PREFETCH)
        if self.drawn is None or self.drawn[0] != (stage.name, block):
            self.drawn = (stage.name, block), self.source.block(stage, block)
        count = stage.batch_size
        here = slice(number * count, (number + 1) * count)
        generator = torch.Generator(self.device)
        generator.manual_seed(derive_seed(self.config.seed, stage.random_key, step, legacy.random_key(player), k))
        z = sample_latents(count * self.regions, self.config.network.latent_dim, generator)
        return Batch(z=z, **{name: value[here] for name, value in self.drawn[1].items()})
